package api

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// refusal is a wish that the API server has to refuse: at which field, and with what advice.
type refusal struct {
	name string
	// change to the smallest manifest of the kind.
	change string
	field  string
	// says is a part of the message that tells what to write instead.
	says string
}

func TestRefusedIdentityTenants(t *testing.T) { refuseAll(t, "IdentityTenant", refusedTenants) }
func TestRefusedNetworks(t *testing.T)        { refuseAll(t, "IdentityTenant", refusedNetworks) }
func TestRefusedKeystores(t *testing.T)       { refuseAll(t, "Keystore", refusedKeystores) }
func TestRefusedPasswordPolicies(t *testing.T) {
	refuseAll(t, "PasswordPolicy", refusedPasswordPolicies)
}
func TestRefusedHardeningWaivers(t *testing.T) {
	refuseAll(t, "HardeningWaiver", refusedHardeningWaivers)
}
func TestRefusedLogPolicies(t *testing.T) { refuseAll(t, "LogPolicy", refusedLogPolicies) }
func TestRefusedRotationSchedules(t *testing.T) {
	refuseAll(t, "RotationSchedule", refusedRotationSchedules)
}
func TestRefusedVaultConnections(t *testing.T) {
	refuseAll(t, "VaultConnection", refusedVaultConnections)
}

func refuseAll(t *testing.T, kind string, cases []refusal) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := create(t, object(t, kind, c.change))
			if err == nil {
				t.Fatalf("the API server took it; want a refusal of %s that says %q", c.field, c.says)
			}
			var refused apierrors.APIStatus
			if !errors.As(err, &refused) || refused.Status().Details == nil {
				t.Fatalf("not a refusal of the object: %v", err)
			}
			for _, cause := range refused.Status().Details.Causes {
				if cause.Field == c.field && strings.Contains(cause.Message, c.says) {
					return
				}
			}
			t.Errorf("want a refusal of %s that says %q, got:\n%v", c.field, c.says, err)
		})
	}
}

// What no field can hold is refused by strict field validation, which kubectl asks for by default.
func TestRefusedUnknownFields(t *testing.T) {
	for _, c := range []refusal{
		{"another product", `spec: {product: {wso2is: null, gluu: {version: 5.0.0}}}`, "spec.product.gluu", ""},
		{"further configuration for Keycloak", keycloak + `, extraConfig: {}}}}`, "spec.product.keycloak.extraConfig", ""},
		{"the embedded database of the vendor", `spec: {database: {postgresql: null, h2: {}}}`, "spec.database.h2", ""},
		{"the vendor's password in the manifest", postgres + `{credentials: {vaultKV: null, password: wso2carbon}}}}`, "spec.database.postgresql.credentials.password", ""},
		{"mail by a role of the database engine", `spec: {mail: {host: smtp.acme.example, from: id@acme.example, credentials: {vaultDatabase: {role: a}}}}`, "spec.mail.credentials.vaultDatabase", ""},
		{"the vendor's data key in the manifest", `spec: {dataEncryption: {key: 03BAFEB27A8E871CAD83C5CD4E771DAB}}`, "spec.dataEncryption", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := create(t, object(t, "IdentityTenant", c.change))
			if want := "unknown field \"" + c.field + "\""; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("want %s, got %v", want, err)
			}
		})
	}
}

// long is a value of n times the letter a.
func long(n int) string { return strings.Repeat("a", n) }

const (
	postgres  = "spec: {database: {postgresql: "
	userStore = "spec: {userStores: [{name: corp, "
	reader    = "credentials: {secretRef: {name: reader}}, users: {searchBase: 'dc=corp,dc=example'}"
)

// keycloak makes the smallest tenant one of Keycloak; three braces are open.
const keycloak = `spec: {product: {wso2is: null, keycloak: {version: 26.7.3, image: "registry.example/keycloak@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"`

var refusedTenants = []refusal{
	{"everybody as a proxy", `spec: {exposure: {trustedProxies: [0.0.0.0/0]}}`, "spec.exposure.trustedProxies", "a prefix of 8 or more"},
	{"a proxy that is no network", `spec: {exposure: {trustedProxies: [999.1.1.1/16]}}`, "spec.exposure.trustedProxies", "write IPv4 networks"},
	{"TOML as text", `spec: {product: {wso2is: {extraConfig: "[super_admin]"}}}`, "spec.product.wso2is.extraConfig", "must be of type object"},
	{"name too long for a label", `metadata: {name: ` + long(41) + `}`, "<nil>", "at most 40 characters"},
	{"name that no Service can have", `metadata: {name: 7acme}`, "<nil>", "begins with a letter"},
	{"name with a dot", `metadata: {name: acme.eu}`, "<nil>", "lower-case letters, digits and hyphens"},
	{"no product", `spec: {product: {wso2is: null}}`, "spec.product", "exactly one of the fields in [wso2is keycloak] must be set"},
	{"two products", `spec: {product: {keycloak: {version: 26.7.3, image: "r/k@sha256:` + strings.Repeat("0", 64) + `"}}}`, "spec.product", "exactly one of the fields in [wso2is keycloak] must be set"},
	{"a Keycloak that is too old", strings.Replace(keycloak, "26.7.3", "26.3.5", 1) + `}}}`, "spec.product.keycloak.version", "26.4 and newer of 26 are supported"},
	{"a Keycloak by tag", `spec: {product: {wso2is: null, keycloak: {version: 26.7.3, image: "quay.io/keycloak/keycloak:26.7.3"}}}`, "spec.product.keycloak.image", "write the image with its digest"},
	{"Keycloak on MySQL", keycloak + `}}, database: {postgresql: null, mysql: {host: 10.1.2.3, name: identity, credentials: {secretRef: {name: db}}}}}`, "spec.database", "keycloak needs postgresql"},
	{"Keycloak with a second database", keycloak + `}}, database: {postgresql: {sharedName: shared}}}`, "spec.database.postgresql", "remove sharedName and agentName"},
	{"Keycloak with a key that it does not have", keycloak + `}}, keystores: {internal: {size: 4096}}}`, "spec.keystores", "remove federationSigning and internal"},
	{"Keycloak with a mail server", keycloak + `}}, mail: {host: smtp.acme.example, from: id@acme.example, credentials: {vaultKV: {path: m}}}}`, "spec.mail", "remove mail"},
	{"Keycloak with a directory", keycloak + `}}, userStores: [{name: corp, ldap: {urls: ["ldaps://a.example"], ` + reader + `}}]}`, "spec.userStores", "remove userStores"},
	{"Keycloak's own name for the root realm", keycloak + `}}, realms: [{name: master}]}`, "spec.realms", "write root"},
	{"version without patch level", `spec: {product: {wso2is: {version: "7.3"}}}`, "spec.product.wso2is.version", "write a version such as 7.3.0"},
	{"version that is not supported", `spec: {product: {wso2is: {version: 6.1.0}}}`, "spec.product.wso2is.version", "7.1, 7.2 and 7.3 are supported"},
	{"version with TOML in it", `spec: {product: {wso2is: {version: "7.3.0\"\n[super_admin]"}}}`, "spec.product.wso2is.version", "write a version such as 7.3.0"},
	{"image by tag", `spec: {product: {wso2is: {image: "docker.wso2.com/wso2is:7.3.0"}}}`, "spec.product.wso2is.image", "write the image with its digest"},
	{"image by short digest", `spec: {product: {wso2is: {image: "wso2is@sha256:0123"}}}`, "spec.product.wso2is.image", "64 hexadecimal digits"},
	{"image with a space", `spec: {product: {wso2is: {image: "wso2is --privileged@sha256:` + strings.Repeat("0", 64) + `"}}}`, "spec.product.wso2is.image", "write the image with its digest"},
	{"a schedule for another realm's administrator", `spec: {realms: [{name: shop.example, administrators: {rotationRef: {name: monthly}}}]}`, "spec.realms[0]", "only the administrator of the realm root"},
	{"maintenance of no schedule", `spec: {maintenance: {}}`, "spec.maintenance.rotationRef", "Required value"},
	{"a schedule with a name that no object has", `spec: {keystores: {tokenSigning: {rotationRef: {name: "Quarterly!"}}}}`, "spec.keystores.tokenSigning.rotationRef.name", "should match"},
	{"hostname without a dot", `spec: {hostname: localhost}`, "spec.hostname", "write a DNS name such as id.acme.example"},
	{"hostname that is a URL", `spec: {hostname: "https://id.acme.example"}`, "spec.hostname", "write a DNS name such as id.acme.example"},
	{"hostname in capitals", `spec: {hostname: ID.ACME.EXAMPLE}`, "spec.hostname", "lower-case letters"},
	{"hostname with a log4j lookup", `spec: {hostname: "${jndi:ldap://x.example/a}.acme.example"}`, "spec.hostname", "write a DNS name such as id.acme.example"},
	{"hostname with a line break", `spec: {hostname: "id.acme.example\nadmin.acme.example"}`, "spec.hostname", "write a DNS name such as id.acme.example"},
	{"hostname of 254 characters", `spec: {hostname: ` + strings.Repeat("abcdefg.", 31) + `example}`, "spec.hostname", "may not be more than 253"},
	{"hostname left out", `spec: {hostname: null}`, "spec.hostname", "Required value"},
	{"admin on the public hostname", `spec: {exposure: {admin: {hostname: id.acme.example, gateway: {parentRefs: [{name: public}]}}}}`, "spec", "exposure.admin.hostname must differ from hostname"},
	{"exposed by gateway and ingress at once", `spec: {exposure: {public: {gateway: {parentRefs: [{name: public}]}, ingress: {className: nginx, tlsSecretName: t, controller: {podSelector: {}}}}}}`, "spec.exposure.public", "exactly one of the fields in [gateway ingress] must be set"},
	{"exposed by nothing", `spec: {exposure: {public: {}}}`, "spec.exposure.public", "exactly one of the fields in [gateway ingress] must be set"},
	{"Gateway of a namespace with a slash", `spec: {exposure: {public: {gateway: {parentRefs: [{name: public, namespace: ../kube-system}]}}}}`, "spec.exposure.public.gateway.parentRefs[0].namespace", "should match '^[a-z0-9]"},
	{"no replicas", `spec: {replicas: 0}`, "spec.replicas", "greater than or equal to 1"},
	{"ten replicas", `spec: {replicas: 10}`, "spec.replicas", "less than or equal to 9"},
	{"too little memory for the heap", `spec: {resources: {memory: 2Gi}}`, "spec.resources", "memory must be at least 3Gi"},
	{"memory that overflows", `spec: {resources: {memory: 99999999999999Gi}}`, "spec.resources", "memory must be at most 1Ti"},
	{"memory with a JVM argument in it", `spec: {resources: {memory: "4Gi -Xint"}}`, "spec.resources.memory", "write an amount such as 4Gi"},
	{"too little processor", `spec: {resources: {cpu: 100m}}`, "spec.resources", "cpu must be at least 500m"},
	{"node label of 64 characters", `spec: {scheduling: {nodeSelector: {zone: ` + long(64) + `}}}`, "spec.scheduling.nodeSelector", "a value of at most 63 characters"},
	{"issuer of an unknown kind", `spec: {issuerRef: {kind: VaultIssuer}}`, "spec.issuerRef.kind", `supported values: "Issuer", "ClusterIssuer"`},
	{"reference that climbs out of its namespace", `spec: {vaultRef: {name: ../other/vault}}`, "spec.vaultRef.name", "should match '^[a-z0-9]"},
	{"no database", `spec: {database: {postgresql: null}}`, "spec.database", "exactly one of the fields in [postgresql mysql mssql] must be set"},
	{"two databases", `spec: {database: {mysql: {host: db.iam.svc, name: identity, credentials: {secretRef: {name: db}}}}}`, "spec.database", "exactly one of the fields in [postgresql mysql mssql] must be set"},
	{"database host that is a JDBC URL", postgres + `{host: "jdbc:postgresql://db/identity?sslmode=disable"}}}`, "spec.database.postgresql.host", "without scheme and port"},
	{"database host with empty label", postgres + `{host: db..svc}}}`, "spec.database.postgresql.host", "without scheme and port"},
	{"database name with a JDBC option", postgres + `{name: "identity?sslmode=disable"}}}`, "spec.database.postgresql.name", "letters, digits and underscores"},
	{"database name with SQL", postgres + `{name: "a; DROP TABLE um_user"}}}`, "spec.database.postgresql.name", "letters, digits and underscores"},
	{"credentials from nowhere", postgres + `{credentials: {vaultKV: null}}}}`, "spec.database.postgresql.credentials", "exactly one of the fields in [vaultKV secretRef vaultStaticRole vaultDatabase] must be set"},
	{"credentials from two places", postgres + `{credentials: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials", "exactly one of the fields in [vaultKV secretRef vaultStaticRole vaultDatabase] must be set"},
	{"accounts that come and go as owners of the schema, by default", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: acme}}}}}`, "spec.database.postgresql", "write schemaOwner too"},
	{"accounts that come and go as owners of the schema", postgres + `{schemaOwner: {vaultDatabase: {role: acme}}}}}`, "spec.database.postgresql", "schemaOwner owns the tables and has to stay"},
	{"a role that makes accounts and a Secret", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: acme}, secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials", "exactly one of the fields in [vaultKV secretRef vaultStaticRole vaultDatabase] must be set"},
	{"a role that climbs", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: "a..b"}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.role", "without '..'"},
	{"a role with a query", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: "a?list=true"}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.role", "should match '^[a-zA-Z0-9_]"},
	{"a role of a mount that climbs", postgres + `{credentials: {vaultKV: null, vaultDatabase: {mount: database/../sys, role: a}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.mount", "write the mount as Vault lists it"},
	{"a token role that climbs", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: a, tokenRole: "../create-orphan"}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.tokenRole", "should match '^[a-zA-Z0-9_]"},
	{"a group with SQL", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: a, memberOf: "app; DROP TABLE um_user"}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.memberOf", "write a role's name"},
	{"a group with a line break", postgres + `{credentials: {vaultKV: null, vaultDatabase: {role: a, memberOf: "app\n"}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database.postgresql.credentials.vaultDatabase.memberOf", "write a role's name"},
	{"a group where nobody grants", `spec: {database: {postgresql: null, mysql: {host: 10.1.2.3, name: identity, credentials: {vaultDatabase: {role: a, memberOf: app}}, schemaOwner: {secretRef: {name: db}}}}}`, "spec.database", "memberOf is for postgresql"},
	{"role from nowhere", postgres + `{credentials: {vaultKV: null, vaultStaticRole: {}}}}}`, "spec.database.postgresql.credentials.vaultStaticRole.role", "Required value"},
	{"static role that climbs", postgres + `{credentials: {vaultKV: null, vaultStaticRole: {role: a..b}}}}}`, "spec.database.postgresql.credentials.vaultStaticRole.role", "without '..'"},
	{"static role that is a path", postgres + `{credentials: {vaultKV: null, vaultStaticRole: {role: a/b}}}}}`, "spec.database.postgresql.credentials.vaultStaticRole.role", "should match '^[a-zA-Z0-9_]"},
	{"static role of a mount that climbs", postgres + `{credentials: {vaultKV: null, vaultStaticRole: {mount: database/../sys, role: a}}}}}`, "spec.database.postgresql.credentials.vaultStaticRole.mount", "write the mount as Vault lists it"},
	{"static role that is too long", postgres + `{credentials: {vaultKV: null, vaultStaticRole: {role: ` + long(129) + `}}}}}`, "spec.database.postgresql.credentials.vaultStaticRole.role", "may not be more than 128"},
	{"Vault path that climbs", postgres + `{credentials: {vaultKV: {path: acme/../../sys/policy}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "without empty or '..' segments"},
	{"Vault path with an empty segment", postgres + `{credentials: {vaultKV: {path: acme//db}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "without empty or '..' segments"},
	{"Vault path that stands still", postgres + `{credentials: {vaultKV: {path: acme/./db}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "without empty or '..' segments"},
	{"Vault path that is absolute", postgres + `{credentials: {vaultKV: {path: /acme/db}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "should match '^[a-zA-Z0-9_]"},
	{"Vault path with a query", postgres + `{credentials: {vaultKV: {path: "acme/db?version=1"}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "should match '^[a-zA-Z0-9_]"},
	{"Vault path with an escape", postgres + `{credentials: {vaultKV: {path: "acme/%2e%2e/db"}}}}}`, "spec.database.postgresql.credentials.vaultKV.path", "should match '^[a-zA-Z0-9_]"},
	{"Vault mount that climbs", postgres + `{credentials: {vaultKV: {mount: secret/../sys}}}}}`, "spec.database.postgresql.credentials.vaultKV.mount", "write the mount as Vault lists it"},
	{"Vault field with a template", postgres + `{credentials: {vaultKV: {passwordField: "{{env}}"}}}}}`, "spec.database.postgresql.credentials.vaultKV.passwordField", "should match '^[-._a-zA-Z0-9]+$'"},
	{"Secret key that climbs", postgres + `{ca: {secretRef: {name: db-ca, key: ../../token}}}}}`, "spec.database.postgresql.ca.secretRef.key", "should match '^[-._a-zA-Z0-9]+$'"},
	{"Secret key that begins with two dots", postgres + `{ca: {secretRef: {name: db-ca, key: ..data}}}}}`, "spec.database.postgresql.ca.secretRef.key", "write a plain key such as ca.crt"},
	{"port 70000", postgres + `{port: 70000}}}`, "spec.database.postgresql.port", "less than or equal to 65535"},
	{"sender with a header in it", `spec: {mail: {host: smtp.acme.example, from: "id@acme.example\nBcc: x@x.example", credentials: {secretRef: {name: mail}}}}`, "spec.mail.from", "write a plain address such as id@acme.example"},
	{"a directory without TLS", userStore + `ldap: {urls: ["ldap://ldap.corp.example"], ` + reader + `}}]}`, "spec.userStores[0].ldap.urls", "over plain ldap:// passwords of people would pass in clear"},
	{"a directory with a search in its address", userStore + `ldap: {urls: ["ldaps://ldap.corp.example/dc=corp"], ` + reader + `}}]}`, "spec.userStores[0].ldap.urls", "write each as ldaps://HOST"},
	{"a directory with a reference in its address", userStore + `ldap: {urls: ["ldaps://${user.home}"], ` + reader + `}}]}`, "spec.userStores[0].ldap.urls", "write each as ldaps://HOST"},
	{"a directory of two kinds", userStore + `ldap: {urls: ["ldaps://a.example"], ` + reader + `}, activeDirectory: {urls: ["ldaps://a.example"], ` + reader + `}}]}`, "spec.userStores[0]", "exactly one of the fields in [ldap activeDirectory] must be set"},
	{"a store of the server's own name", `spec: {userStores: [{name: primary, ldap: {urls: ["ldaps://a.example"], ` + reader + `}}]}`, "spec.userStores[0].name", "choose another name"},
	{"a store's name that is two in a file", `spec: {userStores: [{name: a_b, ldap: {urls: ["ldaps://a.example"], ` + reader + `}}]}`, "spec.userStores[0].name", "should match"},
	{"a filter that a name could end", userStore + `ldap: {urls: ["ldaps://a.example"], credentials: {secretRef: {name: r}}, users: {searchBase: dc=corp, filter: "(uid=?)"}}}]}`, "spec.userStores[0].ldap.users.filter", "without a question mark"},
	{"a filter without brackets", userStore + `ldap: {urls: ["ldaps://a.example"], credentials: {secretRef: {name: r}}, users: {searchBase: dc=corp, filter: "uid=*"}}}]}`, "spec.userStores[0].ldap.users.filter", "write a filter in brackets"},
	{"two search bases in one", userStore + `ldap: {urls: ["ldaps://a.example"], credentials: {secretRef: {name: r}}, users: {searchBase: "dc=corp#dc=other"}}}]}`, "spec.userStores[0].ldap.users.searchBase", "write a distinguished name"},
	{"a search base with an escape", userStore + `ldap: {urls: ["ldaps://a.example"], credentials: {secretRef: {name: r}}, users: {searchBase: "ou=a\\,b,dc=corp"}}}]}`, "spec.userStores[0].ldap.users.searchBase", "write a distinguished name"},
	{"an attribute that is a filter", userStore + `activeDirectory: {urls: ["ldaps://a.example"], credentials: {secretRef: {name: r}}, users: {searchBase: dc=corp, nameAttribute: "uid=*)(cn"}}}]}`, "spec.userStores[0].activeDirectory.users.nameAttribute", "should match"},
	{"a directory that is waited for all day", userStore + `ldap: {urls: ["ldaps://a.example"], readTimeout: 90s, ` + reader + `}}]}`, "spec.userStores[0].ldap.readTimeout", "must be between 1s and 60s"},
	{"mail host with a TOML reference", `spec: {mail: {host: "$env{HOME}", from: id@acme.example, credentials: {secretRef: {name: mail}}}}`, "spec.mail.host", "write a host name"},
	{"TLS key too short", `spec: {keystores: {tls: {algorithm: RSA, size: 2048}}}`, "spec.keystores.tls", "an RSA key has size 3072 or 4096"},
	{"TLS key of a size that only RSA has", `spec: {keystores: {tls: {size: 4096}}}`, "spec.keystores.tls", "the default algorithm is ECDSA"},
	{"signing key too short", `spec: {keystores: {tokenSigning: {size: 2048}}}`, "spec.keystores.tokenSigning.size", `supported values: "3072", "4096"`},
	{"certificate of two years", `spec: {keystores: {tls: {duration: 17520h}}}`, "spec.keystores.tls", "duration must lie between 24h and 9528h"},
	{"certificate renewed after its end", `spec: {keystores: {tls: {duration: 240h, renewBefore: 240h}}}`, "spec.keystores.tls", "renewBefore must be shorter than duration"},
	{"short certificate with the default renewal", `spec: {keystores: {tls: {duration: 480h}}}`, "spec.keystores.tls", "write renewBefore too"},
	{"duration in days", `spec: {keystores: {tls: {duration: 90 days}}}`, "spec.keystores.tls.duration", "should match '^([0-9]{1,5}h)?"},
	{"negative duration", `spec: {keystores: {tls: {renewBefore: -720h}}}`, "spec.keystores.tls.renewBefore", "should match '^([0-9]{1,5}h)?"},
	{"duration that overflows", `spec: {keystores: {tls: {duration: 99999999999h}}}`, "spec.keystores.tls.duration", "should match '^([0-9]{1,5}h)?"},
	{"trust from nowhere", `spec: {keystores: {trust: {certificates: [{}]}}}`, "spec.keystores.trust.certificates[0]", "exactly one of the fields in [configMapRef secretRef] must be set"},
	{"no realms", `spec: {realms: []}`, "spec.realms", "should have at least 1 items"},
	{"the same realm twice", `spec: {realms: [{name: root}, {name: root}]}`, "spec.realms[1]", "Duplicate value"},
	{"realm in capitals", `spec: {realms: [{name: Carbon.Super}]}`, "spec.realms[0].name", "should match '^[a-z0-9]"},
	{"a way of its own with realms that nobody declares", `spec: {undeclaredRealms: Delete}`, "spec.undeclaredRealms", `supported values: "Enforce", "Report", "Ignore"`},
	{"a session that rests for a week", `spec: {realms: [{name: root, sessions: {idle: 168h}}]}`, "spec.realms[0].sessions", "idle must lie between 1m and 24h"},
	{"a session without end", `spec: {realms: [{name: root, sessions: {maximum: 0s}}]}`, "spec.realms[0].sessions", "maximum must lie between 1m and 720h"},
	{"a session that rests for longer than it lives", `spec: {realms: [{name: root, sessions: {idle: 9h, maximum: 8h}}]}`, "spec.realms[0].sessions", "idle is longer than maximum"},
	{"a session of ninety seconds", `spec: {realms: [{name: root, sessions: {idle: 1m30s}}]}`, "spec.realms[0].sessions", "write whole minutes"},
	{"remembered for ninety seconds", `spec: {realms: [{name: root, sessions: {rememberMe: 1m30s}}]}`, "spec.realms[0].sessions", "write whole minutes"},
	{"remembered for ever", `spec: {realms: [{name: root, sessions: {rememberMe: 9000h}}]}`, "spec.realms[0].sessions", "write rememberMe as Disabled"},
	{"remembered in words", `spec: {realms: [{name: root, sessions: {rememberMe: Always}}]}`, "spec.realms[0].sessions.rememberMe", "should match '^(Disabled|"},
	{"invitations without mail", `spec: {realms: [{name: root, registration: {invitation: Enabled}}]}`, "spec", "registration needs e-mail"},
	{"confirmed registration without mail", `spec: {realms: [{name: root, registration: {selfService: Enabled}}]}`, "spec", "registration needs e-mail"},
	{"registration by a word of its own", `spec: {realms: [{name: root, registration: {selfService: On}}]}`, "spec.realms[0].registration.selfService", "supported values"},
	{"recovery link for a week", `spec: {realms: [{name: root, recovery: {emailLink: true, linkLifetime: 168h}}]}`, "spec.realms[0].recovery", "linkLifetime must lie between 1m and 24h"},
	{"recovery link for ninety seconds", `spec: {realms: [{name: root, recovery: {emailLink: true, linkLifetime: 1m30s}}]}`, "spec.realms[0].recovery", "write linkLifetime in whole minutes"},
	{"callback that is any address", `spec: {realms: [{name: root, recovery: {emailLink: true, callbacks: [".*"]}}]}`, "spec.realms[0].recovery.callbacks", "write https URLs such as https://id.acme.example/*"},
	{"callback without TLS", `spec: {realms: [{name: root, recovery: {emailLink: true, callbacks: ["http://id.acme.example/"]}}]}`, "spec.realms[0].recovery.callbacks", "write https URLs such as https://id.acme.example/*"},
	{"callback with a script", `spec: {realms: [{name: root, recovery: {emailLink: true, callbacks: ["javascript:alert(1)//https://id.acme.example/"]}}]}`, "spec.realms[0].recovery.callbacks", "write https URLs such as https://id.acme.example/*"},
	{"unknown deletion policy", `spec: {deletionPolicy: Orphan}`, "spec.deletionPolicy", `supported values: "Retain", "Delete"`},
}

var refusedNetworks = []refusal{
	{"anywhere as one block", `spec: {network: {from: [{cidrs: [0.0.0.0/0]}]}}`, "spec.network.from[0].cidrs", "means anywhere"},
	{"anywhere as two halves", `spec: {network: {from: [{cidrs: [0.0.0.0/1, 128.0.0.0/1]}]}}`, "spec.network.from[0].cidrs", "at most a /8 of IPv4"},
	{"anywhere in IPv6", `spec: {network: {egress: [{to: {cidrs: ["::/0"]}, ports: [{port: 443}]}]}}`, "spec.network.egress[0].to.cidrs", "a /7 of IPv6"},
	{"every public address of IPv6", `spec: {network: {egress: [{to: {cidrs: ["2000::/3"]}, ports: [{port: 443}]}]}}`, "spec.network.egress[0].to.cidrs", "a /7 of IPv6"},
	{"address without prefix length", `spec: {network: {from: [{cidrs: [10.0.0.1]}]}}`, "spec.network.from[0].cidrs", "such as 10.20.0.0/16"},
	{"block that is no block", `spec: {network: {from: [{cidrs: [10.0.0.256/24]}]}}`, "spec.network.from[0].cidrs", "such as 10.20.0.0/16"},
	{"every namespace", `spec: {network: {from: [{namespaceSelector: {}}]}}`, "spec.network.from[0]", "an empty namespaceSelector means every namespace"},
	{"every namespace, said with an empty map", `spec: {network: {from: [{namespaceSelector: {matchLabels: {}}}]}}`, "spec.network.from[0]", "an empty namespaceSelector means every namespace"},
	{"every namespace but one", `spec: {network: {from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}]}}`, "spec.network.from[0]", "write the operator In"},
	{"peer that is nowhere", `spec: {network: {from: [{}]}}`, "spec.network.from[0]", "write either cidrs, or podSelector and/or namespaceSelector"},
	{"peer that is a block and pods at once", postgres + `{peer: {cidrs: [10.0.0.0/16], podSelector: {}}}}}`, "spec.database.postgresql.peer", "write either cidrs, or podSelector"},
	{"ingress controller anywhere", `spec: {exposure: {public: {ingress: {className: nginx, tlsSecretName: t, controller: {cidrs: [0.0.0.0/0]}}}}}`, "spec.exposure.public.ingress.controller.cidrs", "means anywhere"},
	{"egress without ports", `spec: {network: {egress: [{to: {cidrs: [10.0.0.0/16]}, ports: []}]}}`, "spec.network.egress[0].ports", "should have at least 1 items"},
	{"egress by an unknown protocol", `spec: {network: {egress: [{to: {cidrs: [10.0.0.0/16]}, ports: [{port: 53, protocol: ANY}]}]}}`, "spec.network.egress[0].ports[0].protocol", `supported values: "TCP", "UDP"`},
}
