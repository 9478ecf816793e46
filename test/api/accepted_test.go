package api

import "testing"

func TestAccepted(t *testing.T) {
	for _, c := range []struct{ name, kind, change string }{
		{"the smallest tenant", "IdentityTenant", ""},
		{"the full tenant", "IdentityTenant.full", ""},
		{"a tenant with the longest name", "IdentityTenant", `metadata: {name: ` + long(40) + `}`},
		{"a tenant on 7.1 with an update level", "IdentityTenant", `spec: {product: {wso2is: {version: 7.1.0.38}}}`},
		{"an image of a registry with a port and a tag", "IdentityTenant", `spec: {product: {wso2is: {image: "registry.example:5000/iam/wso2_is:7.3.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}}`},
		{"the smallest Keycloak", "IdentityTenant", keycloak + `}}}`},
		{"Keycloak with realms and keys", "IdentityTenant", keycloak + `}}, keystores: {tls: {algorithm: RSA}, tokenSigning: {size: 4096}}, realms: [{name: root}, {name: shop}]}`},
		{"MySQL by a Secret", "IdentityTenant", `spec: {database: {postgresql: null, mysql: {host: 10.1.2.3, name: identity, credentials: {secretRef: {name: db}}}}}`},
		{"a static role of Vault's database engine", "IdentityTenant", `spec: {database: {postgresql: {credentials: {vaultKV: null, vaultStaticRole: {mount: teams/database, role: acme}}, schemaOwner: {vaultStaticRole: {role: acme-owner}}}}}`},
		{"accounts that Vault makes", "IdentityTenant", `spec: {database: {postgresql: {credentials: {vaultKV: null, vaultDatabase: {mount: teams/database, role: acme, tokenRole: acme-leases, memberOf: app}}, schemaOwner: {vaultKV: {path: acme/db-owner}}}}}`},
		{"the largest private blocks", "IdentityTenant", `spec: {network: {from: [{cidrs: [10.0.0.0/8, "fc00::/7"]}]}}`},
		{"namespaces by name", "IdentityTenant", `spec: {network: {from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [web, shop]}]}}]}}`},
		{"sessions that are remembered for as long as they rest", "IdentityTenant", `spec: {realms: [{name: root, sessions: {idle: 1h30m, maximum: 12h, rememberMe: Disabled}}]}`},
		{"remembered for a week", "IdentityTenant", `spec: {realms: [{name: root, sessions: {rememberMe: 168h}}]}`},
		{"registration without e-mail", "IdentityTenant", `spec: {realms: [{name: root, registration: {selfService: Enabled, invitation: Disabled, confirmEmail: None}}]}`},
		{"realms that nobody declares only reported", "IdentityTenant", `spec: {undeclaredRealms: Report}`},
		{"a schedule for the root administrator", "IdentityTenant", `spec: {realms: [{name: root, administrators: {rotationRef: {name: monthly}}}, {name: shop.example, administrators: {}}]}`},
		{"the smallest directory", "IdentityTenant", `spec: {userStores: [{name: corp, ldap: {urls: ["ldaps://ldap.corp.example"], credentials: {secretRef: {name: reader}}, users: {searchBase: "ou=Büro & Co,dc=corp,dc=example"}}}]}`},
		{"a directory of several servers", "IdentityTenant", `spec: {userStores: [{name: corp-eu, peer: {cidrs: [10.0.0.0/24]}, activeDirectory: {urls: ["ldaps://a.example", "ldaps://10.0.0.7:3269"], connectTimeout: 2s, readTimeout: 1500ms, credentials: {vaultKV: {path: acme/ad}}, users: {searchBase: "DC=corp", filter: "(&(objectClass=user)(!(cn=\\2a)))"}, groups: {searchBase: "DC=corp"}}}]}`},
		{"the smallest keystore", "Keystore", ""},
		{"the full keystore", "Keystore.full", ""},
		{"the smallest password policy", "PasswordPolicy", ""},
		{"the full password policy", "PasswordPolicy.full", ""},
		{"a lock until an administrator unlocks", "PasswordPolicy", `spec: {lockout: {permanent: true}}`},
		{"the smallest log policy", "LogPolicy", ""},
		{"the full log policy", "LogPolicy.full", ""},
		{"the smallest record of a rotation", "RotationRecord", ""},
		{"the full record of a rotation", "RotationRecord.full", ""},
		{"a waiver", "HardeningWaiver", ""},
		{"the smallest schedule", "RotationSchedule", ""},
		{"the full schedule", "RotationSchedule.full", ""},
		{"a schedule of windows alone", "RotationSchedule", `spec: {cron: null, windows: [{start: "22:00", duration: 4h}]}`},
		{"a schedule by elapsed time", "RotationSchedule", `spec: {cron: null, every: 2160h, timeZone: America/Argentina/Buenos_Aires, jitter: 24h}`},
		{"a window as long as a week", "RotationSchedule", `spec: {windows: [{days: [Mon], start: "00:00", duration: 168h}]}`},
		{"the smallest connection", "VaultConnection", ""},
		{"the full connection", "VaultConnection.full", ""},
		{"a connection by AppRole", "VaultConnection", `spec: {auth: {kubernetes: null, appRole: {roleID: 6f1b, secretIDRef: {name: approle, key: secret-id}}}}`},
		{"a development Vault on loopback", "VaultConnection", `spec: {address: "http://127.0.0.1:8200", auth: {kubernetes: null, token: {secretRef: {name: t, key: token}}}}`},
		{"a development Vault on loopback by IPv6", "VaultConnection", `spec: {address: "http://[::1]:8200", auth: {kubernetes: null, token: {secretRef: {name: t, key: token}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := create(t, object(t, c.kind, c.change)); err != nil {
				t.Error(err)
			}
		})
	}
}
