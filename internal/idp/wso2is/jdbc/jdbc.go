// Package jdbc writes JDBC addresses. Every one of them asks for TLS with a verified
// host name: there is no way to say otherwise.
package jdbc

import (
	"fmt"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// AgentSchema is the PostgreSQL schema of the agents' tables where they share a
// database with the users': both sets of tables have the same names, and one set for
// both would make every user an agent.
const AgentSchema = "agent_identity"

// Driver is the class of the driver.
func Driver(t tenant.DatabaseType) string {
	switch t {
	case tenant.MySQL:
		return "com.mysql.cj.jdbc.Driver"
	case tenant.MSSQL:
		return "com.microsoft.sqlserver.jdbc.SQLServerDriver"
	default:
		return "org.postgresql.Driver"
	}
}

// Dialect is the name of the vendor's scripts for a type.
func Dialect(t tenant.DatabaseType) string { return string(t) }

// Schema is the schema for a database in which the agents' tables are, empty for the
// ordinary one.
func Schema(d tenant.Database) string {
	if d.Type == tenant.PostgreSQL && d.AgentName == d.SharedName {
		return AgentSchema
	}
	return ""
}

// Server is the address that the server uses: trust comes from files, since the
// server sets the JVM's own trust store at a time of its choosing.
func Server(want tenant.Spec, name, schema string) text.Joined {
	d := want.Database
	store := layout.StorePath(want.Version, tenant.RoleTrust)
	password := text.Env(layout.EnvStorePassword(tenant.RoleTrust))
	base := text.ForXML(address(d, name, schema))
	switch d.Type {
	case tenant.MySQL:
		return text.Joined{base, text.ForXML("&fallbackToSystemTrustStore=false&trustCertificateKeyStoreType=PKCS12&trustCertificateKeyStoreUrl=file:" + store +
			"&trustCertificateKeyStorePassword="), password}
	case tenant.MSSQL:
		return text.Joined{base, text.ForXML(";trustStoreType=PKCS12;trustStore=" + store + ";trustStorePassword="), password}
	default:
		return text.Joined{base, text.ForXML("&sslrootcert=" + layout.TrustedCertificates)}
	}
}

// Job is the address that the schema Job uses: its own JVM has no other trust store
// than ours.
func Job(want tenant.Spec, name, schema string) string {
	base := address(want.Database, name, schema)
	if want.Database.Type == tenant.PostgreSQL {
		return base + "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"
	}
	return base
}

func address(d tenant.Database, name, schema string) string {
	switch d.Type {
	case tenant.MySQL:
		return fmt.Sprintf("jdbc:mysql://%s:%d/%s?sslMode=VERIFY_IDENTITY&tlsVersions=TLSv1.2,TLSv1.3", d.Host, d.Port, name)
	case tenant.MSSQL:
		return fmt.Sprintf("jdbc:sqlserver://%s:%d;databaseName=%s;encrypt=true;trustServerCertificate=false;sendStringParametersAsUnicode=false",
			d.Host, d.Port, name)
	default:
		url := fmt.Sprintf("jdbc:postgresql://%s:%d/%s?sslmode=verify-full", d.Host, d.Port, name)
		if schema != "" {
			url += "&currentSchema=" + schema
		}
		return url
	}
}
