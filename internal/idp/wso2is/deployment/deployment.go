// Package deployment is a typed model of deployment.toml, the one file that the
// server is configured by. Every value is the hardened one; what varies comes from
// the tenant. A key that the server does not know is ignored by it without a word,
// so each table names the templates' own keys, and a difference between versions
// stands beside the key that it concerns. Booleans are booleans: the server's
// templates compare with true and false, and "false" is not false to them.
package deployment

import (
	"bytes"
	"fmt"

	"github.com/pelletier/go-toml/v2"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// file is the whole of deployment.toml.
type file struct {
	Server                  server                `toml:"server"`
	SuperAdmin              superAdmin            `toml:"super_admin"`
	UserStore               userStore             `toml:"user_store"`
	Tasks                   tasks                 `toml:"tasks"`
	AdminService            adminService          `toml:"admin_service"`
	AdminConsole            adminConsole          `toml:"admin_console"`
	CertificateLogin        enabled               `toml:"client_certificate_based_authentication"`
	Monitoring              monitoring            `toml:"monitoring"`
	Entitlement             entitlement           `toml:"entitlement"`
	HealthCheck             enabled               `toml:"carbon_health_check"`
	Clustering              *clustering           `toml:"clustering,omitempty"`
	Keystore                keystores             `toml:"keystore"`
	Truststore              truststore            `toml:"truststore"`
	Encryption              encryption            `toml:"encryption"`
	Database                databases             `toml:"database"`
	Datasource              map[string]datasource `toml:"datasource,omitempty"`
	IdentityDataSource      identityDataSource    `toml:"identity_data_source"`
	Transport               transport             `toml:"transport"`
	Valves                  *valves               `toml:"catalinaValves,omitempty"`
	Tomcat                  tomcat                `toml:"tomcat"`
	AccessLog               accessLog             `toml:"http_access_log"`
	SecurityHeaders         headerFilter          `toml:"http_header_security_filter"`
	AuthenticationEndpoint  webApplication        `toml:"authenticationendpoint"`
	AccountRecoveryEndpoint webApplication        `toml:"accountrecoveryendpoint"`
	CORS                    cors                  `toml:"cors"`
	Identity                identity              `toml:"identity"`
	AccountRecovery         accountRecovery       `toml:"account_recovery"`
	Governance              governance            `toml:"identity_mgt"`
	Session                 session               `toml:"session"`
	SessionData             sessionData           `toml:"session_data"`
	Authentication          authentication        `toml:"authentication"`
	OAuth                   oauth                 `toml:"oauth"`
	SAML                    saml                  `toml:"saml"`
	PassiveSTS              passiveSTS            `toml:"passive_sts"`
	CallerPath              callerPath            `toml:"common_auth_caller_path"`
	TenantContext           tenancy               `toml:"tenant_context"`
	TenantNames             tenantNames           `toml:"tenant_mgt"`
	Configuration           configurationStore    `toml:"configuration"`
	Provisioning            provisioning          `toml:"outbound_provisioning_management"`
	RemoteFetch             enabled               `toml:"remote_fetch"`
	RemoteLogging           remoteLogging         `toml:"remote_logging"`
	AccessControl           accessControl         `toml:"resource_access_control"`
	Resources               *resources            `toml:"resource,omitempty"`
	LegacyAuthorization     enabled               `toml:"legacy_authz_runtime"`
	OWASP                   owasp                 `toml:"owasp"`
	APIResponse             apiResponse           `toml:"api_response"`
	Connector               connectors            `toml:"connector"`
	Event                   event                 `toml:"event"`
	OutputAdapter           *outputAdapter        `toml:"output_adapter,omitempty"`
	MaskingPattern          *maskingPattern       `toml:"masking_pattern,omitempty"`
}

// enabled is a table with one switch.
type enabled struct {
	Enable bool `toml:"enable"`
}

// Render writes deployment.toml. Equal input gives equal bytes. An error names what
// of the tenant cannot be written; a value is never quoted.
func Render(want tenant.Spec, seen tenant.Facts) ([]byte, error) {
	stores, err := newStores(want, seen)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(newFile(want, stores)); err != nil {
		return nil, fmt.Errorf("write deployment.toml: %w", err)
	}
	return merge(out.Bytes(), want.ExtraConfig)
}

func newFile(want tenant.Spec, stores map[tenant.KeystoreRole]store) file {
	headers := webApplication{Tomcat: headerParameters{Filter: filterParameters{Parameters: strictTransport}}}
	return file{
		Server:                  newServer(want),
		SuperAdmin:              administrator,
		UserStore:               primaryUserStore,
		Tasks:                   taskServer,
		AdminService:            newAdminService(want.Version),
		Clustering:              newClustering(want),
		HealthCheck:             enabled{true},
		Keystore:                newKeystores(want.Version, stores),
		Truststore:              trusted,
		Encryption:              newEncryption(want.OldDataKey),
		Database:                newDatabases(want),
		Datasource:              newDatasources(want),
		IdentityDataSource:      identityDataSource{SkipSchemaCreation: true},
		Transport:               newTransport(),
		Valves:                  newValves(want.Exposure.TrustedProxies),
		Tomcat:                  cookies,
		AccessLog:               requests,
		SecurityHeaders:         headerFilter{HSTS: headerSwitch{Enabled: true}},
		AuthenticationEndpoint:  headers,
		AccountRecoveryEndpoint: headers,
		CORS:                    crossOrigin,
		Identity:                identity{Framework: authFramework{Endpoint: endpoint}},
		AccountRecovery:         recoveryClient,
		Governance:              newGovernance(want),
		Session:                 newSession(want.Profile),
		SessionData:             sessionData{Cleanup: sessionCleanup},
		Authentication:          signIn,
		OAuth:                   newOAuth(want),
		SAML:                    federation,
		PassiveSTS:              passive,
		CallerPath:              callerPath{Validate: true},
		TenantContext:           tenancy{QualifiedURLs: true, OwnSessions: true},
		Provisioning:            provisioning{true},
		RemoteLogging:           remoteLogging{HideSecrets: true, EncryptSecrets: true},
		AccessControl:           shut,
		Resources:               newResources(want),
		OWASP:                   owasp{enabled{true}},
		Event:                   events,
		OutputAdapter:           newOutputAdapter(want.Mail),
		MaskingPattern:          newMaskingPattern(want.Logs.Masking),
	}
}

// maskingPattern is read by the log's own converter, from a properties file.
type maskingPattern struct {
	Properties map[string]text.Property `toml:"properties"`
}

func newMaskingPattern(patterns []tenant.MaskingPattern) *maskingPattern {
	if len(patterns) == 0 {
		return nil
	}
	m := maskingPattern{Properties: make(map[string]text.Property, len(patterns))}
	for _, p := range patterns {
		m.Properties[p.Name] = text.ForProperties(p.Pattern)
	}
	return &m
}
