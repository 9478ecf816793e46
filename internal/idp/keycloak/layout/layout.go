// Package layout says where things are in the vendor's image and in our pods, and what the
// environment variables of the server are called. It stands on tenant only.
package layout

import "github.com/holdfast-iam/holdfast/internal/tenant"

// UserID is the user of the vendor's image; our pods have a group of the same number.
const UserID int64 = 1000

// Ports of the server. Members notice on FailurePort that one of them is gone: it lies a
// fixed distance above the cluster port.
const (
	HTTPSPort      int32 = 8443
	ManagementPort int32 = 9000
	ClusterPort    int32 = 7800
	FailurePort    int32 = 57800
)

// Paths.
const (
	Home = "/opt/keycloak"
	// BuiltDir is what kc.sh build writes into.
	BuiltDir = Home + "/lib/quarkus"
	// DataDir is what a running server writes into.
	DataDir = Home + "/data"
	LogFile = DataDir + "/log/keycloak.log"
	// Script starts the server and each of its commands.
	Script = Home + "/bin/kc.sh"
	// ConfigurationDir is where the files of Driver.Config are mounted, read-only.
	ConfigurationDir = "/holdfast/configuration"
	// StoresDir has the store with the server's certificate, and TrustDir what the server
	// trusts, as PEM, for it and for the PostgreSQL driver.
	StoresDir           = "/holdfast/stores"
	TLSStore            = StoresDir + "/tls.p12"
	TrustDir            = "/holdfast/trust"
	TrustedCertificates = TrustDir + "/ca.crt"
)

// RootRealm is what the server calls the root realm.
const RootRealm = "master"

// ConfigurationFile is the one file of Driver.Config.
const ConfigurationFile = "keycloak.conf"

// Keys of a Keystore version's Secret.
const (
	StoreKey    = "keystore.p12"
	PasswordKey = "password"
	TrustedKey  = "ca.crt"
)

// Environment variables that the server reads. Those with an account are keys of the Secret
// of Driver.Credentials too.
const (
	EnvPodAddress       = "KC_CACHE_EMBEDDED_NETWORK_BIND_ADDRESS"
	EnvDatabaseUsername = "KC_DB_USERNAME"
	EnvDatabasePassword = "KC_DB_PASSWORD"
	EnvFirstUsername    = "KC_BOOTSTRAP_ADMIN_USERNAME"
	EnvFirstPassword    = "KC_BOOTSTRAP_ADMIN_PASSWORD" //nolint:gosec // the name of a variable, not its value
	EnvStorePassword    = "KC_HTTPS_KEY_STORE_PASSWORD" //nolint:gosec // as above
)

// CredentialKeys are the variables that come from the Secret of Driver.Credentials.
func CredentialKeys() []string {
	return []string{EnvFirstPassword, EnvFirstUsername, EnvDatabasePassword, EnvDatabaseUsername}
}

// Roles are the stores that pods read. The keys that sign tokens are not among them: a
// running server is given those.
func Roles() []tenant.KeystoreRole { return []tenant.KeystoreRole{tenant.RoleTLS, tenant.RoleTrust} }
