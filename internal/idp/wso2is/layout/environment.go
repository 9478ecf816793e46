package layout

import (
	"strings"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Environment variables that deployment.toml refers to. All but EnvPodIP and the
// passwords of the stores are keys of the Secret of Driver.Credentials, under the
// same name.
const (
	EnvPodIP = "POD_IP"
	// EnvDataKey encrypts what the server stores: 64 hexadecimal digits.
	EnvDataKey = "DATA_KEY"
	// EnvOldDataKey is the key before it, while data may still be encrypted with that.
	EnvOldDataKey = "OLD_DATA_KEY"
	// The administrator exists from the first start; the system account is what the
	// server's own pages and tasks sign in with.
	EnvAdministratorUsername = "ADMINISTRATOR_USERNAME"
	EnvAdministratorPassword = "ADMINISTRATOR_PASSWORD"
	EnvSystemUsername        = "SYSTEM_USERNAME"
	EnvSystemPassword        = "SYSTEM_PASSWORD"
	// The endpoint application is how login and recovery pages speak to the server;
	// the hash is the hexadecimal SHA-256 of its password.
	EnvEndpointPassword = "ENDPOINT_PASSWORD"
	EnvEndpointHash     = "ENDPOINT_HASH"
	EnvDatabaseUsername = "DATABASE_USERNAME"
	EnvDatabasePassword = "DATABASE_PASSWORD"
	EnvMailUsername     = "MAIL_USERNAME"
	EnvMailPassword     = "MAIL_PASSWORD"
)

// EnvStorePassword is the variable with the password of a store.
func EnvStorePassword(role tenant.KeystoreRole) string {
	return "KEYSTORE_" + strings.ToUpper(strings.ReplaceAll(string(role), "-", "_")) + "_PASSWORD"
}

// EnvUserStore gives the variables with the account of a user store. Names of stores have
// hyphens and no underscores, so that no two stores share one.
func EnvUserStore(name string) (username, password string) {
	prefix := "USERSTORE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return prefix + "_USERNAME", prefix + "_PASSWORD"
}

// CredentialKeys are the variables that come from the Secret of Driver.Credentials, in
// a fixed order.
func CredentialKeys(want tenant.Spec) []string {
	keys := []string{
		EnvAdministratorPassword, EnvAdministratorUsername, EnvDataKey, EnvDatabasePassword,
		EnvDatabaseUsername, EnvEndpointHash, EnvEndpointPassword,
	}
	if want.Mail != nil {
		keys = append(keys, EnvMailPassword, EnvMailUsername)
	}
	if want.OldDataKey {
		keys = append(keys, EnvOldDataKey)
	}
	keys = append(keys, EnvSystemPassword, EnvSystemUsername)
	for _, store := range want.UserStores {
		username, password := EnvUserStore(store.Name)
		keys = append(keys, password, username)
	}
	return keys
}
