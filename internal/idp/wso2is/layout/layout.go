// Package layout says where things are in the vendor's image and in our pods, and
// what the environment variables of the server are called. It stands on tenant only,
// so that each part of the driver, and whoever plays the server in a test, means the
// same place by the same name.
package layout

import (
	"fmt"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// UserID is the user and the group of the vendor's image.
const UserID int64 = 802

// Ports of the server. They stay the vendor's: what is published is the Service.
const (
	HTTPSPort   int32 = 9443
	ClusterPort int32 = 4000
)

// Paths outside the product's home.
const (
	userHome = "/home/wso2carbon"
	// Java is the JDK of the vendor's images; it runs single source files too.
	Java = "/opt/java/openjdk/bin/java"
	// ConfigurationDir is where the files of Driver.Config are mounted, read-only.
	ConfigurationDir = userHome + "/configuration"
	// PreferencesDir is where Java keeps its preferences.
	PreferencesDir = userHome + "/.java"
	// BackupDir takes the configuration that the server sets aside at each start. The
	// server deletes the folder that it is told, so it is told one inside the volume.
	BackupDir  = userHome + "/backup"
	BackupPath = BackupDir + "/configuration"
	// TrustDir holds what the trust store trusts as PEM, for the PostgreSQL driver,
	// which reads nothing else.
	TrustDir            = userHome + "/trust"
	TrustedCertificates = TrustDir + "/ca.pem"
)

// Names of the files of Driver.Config.
const (
	DeploymentFile = "deployment.toml"
	LoggingFile    = "log4j2.properties"
)

// UserStorePrefix begins the names of the files with user stores; the file that the server reads
// has what follows it as its name.
const UserStorePrefix = "userstores."

// UserStoreFile is the file of Driver.Config with a user store.
func UserStoreFile(name string) string { return UserStorePrefix + name + ".xml" }

// UserStoresDir is where the server reads the user stores of its root realm from, at its start.
func UserStoresDir(v tenant.Version) string {
	return Home(v) + "/repository/deployment/server/userstores"
}

// StoreKey and PasswordKey are the keys of a Keystore version's Secret.
const (
	StoreKey    = "keystore.p12"
	PasswordKey = "password"
)

// Home is the product's home in the image. An update level is not part of it.
func Home(v tenant.Version) string {
	return fmt.Sprintf("%s/wso2is-%d.%d.%d", userHome, v.Major, v.Minor, v.Patch)
}

// SecurityDir is the folder of the stores; in our pods nothing else is in it.
func SecurityDir(v tenant.Version) string { return Home(v) + "/repository/resources/security" }

// StoreFile is the file of a store in SecurityDir.
func StoreFile(role tenant.KeystoreRole) string { return string(role) + ".p12" }

// StorePath is StoreFile with its folder.
func StorePath(v tenant.Version, role tenant.KeystoreRole) string {
	return SecurityDir(v) + "/" + StoreFile(role)
}

// Drivers are the JDBC drivers of the image, as a class path.
func Drivers(v tenant.Version) string { return Home(v) + "/repository/components/lib/*" }

// Scripts is the folder of the vendor's database scripts.
func Scripts(v tenant.Version) string { return Home(v) + "/dbscripts" }

// Roles are the stores that a version of the server reads, in a fixed order.
func Roles(v tenant.Version) []tenant.KeystoreRole {
	roles := []tenant.KeystoreRole{tenant.RoleInternal, tenant.RoleTLS, tenant.RoleSigning, tenant.RoleTrust}
	if v.AtLeast(7, 2) {
		roles = append(roles, tenant.RoleFederation)
	}
	slices.Sort(roles)
	return roles
}
