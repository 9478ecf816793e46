package wso2is_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rows are the rows of the hardening catalogue, sections 1 and 2, that are done by
// deployment.toml, the log's configuration, the JVM, keystores, Kubernetes objects or
// routes. Each needs a proof in what is rendered, or the place where it is done.
var rows = strings.Fields(`
	G-03 G-04 G-05 G-06 G-09 G-10
	DEF-01 DEF-02 DEF-03 DEF-04 DEF-05 DEF-06 DEF-07 DEF-08
	PROD-01 PROD-02 PROD-02a PROD-02b PROD-02c PROD-02d PROD-03 PROD-03a PROD-03c PROD-04 PROD-04a PROD-05 PROD-06
	PROD-06a PROD-06b PROD-07 PROD-08 PROD-08a PROD-08b PROD-09 PROD-10 PROD-11 PROD-12 PROD-13 PROD-14 PROD-15
	PROD-16a PROD-17 PROD-18 PROD-18a PROD-19 PROD-19a PROD-20 PROD-20a PROD-21 PROD-22 PROD-23 PROD-24 PROD-25
	PROD-26 PROD-27 PROD-28
	PROD-40 PROD-41 PROD-42 PROD-43 PROD-44 PROD-45 PROD-46 PROD-47 PROD-47a PROD-48
	PROD-60 PROD-61 PROD-62 PROD-64`)

// proof looks at the rendering of a tenant that uses every field. An empty answer is a
// proof; any other says what is wrong.
type proof func(document map[string]any) string

// is: the value at the path is this one, of this type.
func is(path string, value any) proof {
	return func(document map[string]any) string {
		if got := at(document, path); got != value {
			return fmt.Sprintf("%s is %#v, wanted %#v", path, got, value)
		}
		return ""
	}
}

// has: the text, or a text of the list, at the path contains each part.
func has(path string, parts ...string) proof {
	return func(document map[string]any) string {
		got := fmt.Sprint(at(document, path))
		for _, part := range parts {
			if !strings.Contains(got, part) {
				return fmt.Sprintf("%s is %.300s, without %s", path, got, part)
			}
		}
		return ""
	}
}

// lacks: nothing of the texts stands at the path or below it.
func lacks(path string, parts ...string) proof {
	return func(document map[string]any) string {
		got := fmt.Sprint(at(document, path))
		for _, part := range parts {
			if strings.Contains(got, part) {
				return fmt.Sprintf("%s has %s", path, part)
			}
		}
		return ""
	}
}

// none: there is nothing at the path.
func none(path string) proof {
	return func(document map[string]any) string {
		if got := at(document, path); got != nil {
			return fmt.Sprintf("%s is %v, wanted nothing", path, got)
		}
		return ""
	}
}

// inMemory: the volume at the path of the server's container is in memory.
func inMemory(mountPath string) proof {
	return func(document map[string]any) string {
		name := any(nil)
		for _, mount := range at(document, "pod.containers.0.volumeMounts").([]any) {
			if at(mount, "mountPath") == mountPath {
				name = at(mount, "name")
			}
		}
		for _, volume := range at(document, "pod.volumes").([]any) {
			if name != nil && at(volume, "name") == name && at(volume, "emptyDir.medium") == "Memory" && at(volume, "emptyDir.sizeLimit") != nil {
				return ""
			}
		}
		return mountPath + " is no volume in memory with a limit"
	}
}

// elsewhere: another package or a person does it; said, not proven here.
func elsewhere(place string) proof {
	return func(map[string]any) string {
		if place == "" {
			return "no place is named"
		}
		return ""
	}
}

const product = "/home/wso2carbon/wso2is-7.3.0"

var proofs = map[string][]proof{
	"G-03": {is("toml.transport.http.enabled", false), is("toml.http_access_log.useLogger", true), is("toml.carbon_health_check.enable", true)},
	"G-04": {has("toml.database.identity_db.url", "sslmode=verify-full&amp;sslrootcert=")},
	"G-05": {inMemory(product + "/repository/conf"), inMemory(product + "/repository/resources/conf/.metadata"), inMemory("/home/wso2carbon/backup")},
	"G-06": {has("pod.containers.0.args", "-Dhttpclient.hostnameVerifier=Strict"), lacks("pod.containers.0.env", "hostnameVerifier")},
	"G-09": {none("toml.server.legacy_mode"), none("toml.legacy_feature")},
	"G-10": {has("pod.volumes", "secretName:acme-config-0123456789"), has("pod.volumes", "name:acme-tls-0123456789")},

	"DEF-01": {is("toml.super_admin.username", "$env{ADMINISTRATOR_USERNAME}"), is("toml.super_admin.password", "$env{ADMINISTRATOR_PASSWORD}")},
	"DEF-02": {lacks("toml", "wso2carbon.p12", "client-truststore"), has("pod.volumes", "projected"), is("toml.keystore.tls.alias", "tls")},
	"DEF-03": {is("toml.encryption.key", "$env{DATA_KEY}")},
	"DEF-04": {is("toml.encryption.key", "$env{DATA_KEY}")},
	"DEF-05": {
		is("toml.identity.auth_framework.endpoint.app_password", "$env{ENDPOINT_PASSWORD}"),
		is("toml.account_recovery.endpoint.auth.hash", "$env{ENDPOINT_HASH}"),
	},
	"DEF-06": {is("toml.tasks.server_username", "$env{SYSTEM_USERNAME}"), is("toml.tasks.server_password", "$env{SYSTEM_PASSWORD}")},
	"DEF-07": {
		is("toml.database.identity_db.username", "$env{DATABASE_USERNAME}"), is("toml.database.shared_db.password", "$env{DATABASE_PASSWORD}"),
		is("toml.datasource.AgentIdentity.password", "$env{DATABASE_PASSWORD}"), lacks("toml", "jdbc:h2"),
	},
	"DEF-08": {is("toml.identity.auth_framework.endpoint.mutual_ssl_username", "$env{SYSTEM_USERNAME}")},

	"PROD-01": {has("pod.containers.0.image", "@sha256:")},
	"PROD-02": {
		is("toml.keystore.primary.file_name", "federation-signing.p12"), is("toml.keystore.primary.type", "PKCS12"),
		is("toml.keystore.internal.file_name", "internal.p12"), is("toml.keystore.internal.key_password", "$env{KEYSTORE_INTERNAL_PASSWORD}"),
		is("toml.keystore.tls.file_name", "tls.p12"), is("toml.keystore.tls.password", "$env{KEYSTORE_TLS_PASSWORD}"),
		is("toml.keystore.mapping.oauth.keystore_file_name", "token-signing.p12"),
	},
	"PROD-02a": {is("toml.truststore.file_name", "trust.p12"), is("toml.truststore.type", "PKCS12"), is("toml.truststore.password", "$env{KEYSTORE_TRUST_PASSWORD}")},
	"PROD-02b": {is("toml.server.internal_hostname", "localhost"), elsewhere("package desired puts localhost and the Service's names into the certificate")},
	"PROD-02c": {is("toml.keystore.tenant.type", "PKCS12")},
	"PROD-02d": {is("toml.encryption.key", "$env{DATA_KEY}"), elsewhere("TestVendorDefaultsAreRefused holds the form of the key")},
	"PROD-03":  {lacks("toml", "$secret{"), elsewhere("TestSecretsAreReferences")},
	"PROD-03a": {lacks("toml", "$secret{"), lacks("pod", "password-tmp", "password-persist")}, // no secure vault, no root password
	"PROD-03c": {has("pod.containers.0.env", "secretKeyRef"), elsewhere("the Secrets are named by content: another value is another template")},
	"PROD-04":  {is("toml.transport.http.enabled", false), is("shape.HTTPSPort", 9443.0), lacks("pod.containers.0.ports", "9763")},
	"PROD-04a": {is("toml.monitoring.jmx.rmi_server_start", false), is("toml.entitlement.thrift.enable", false)},
	"PROD-05":  {is("toml.user_store.type", "database_unique_id")}, // no other user store can be declared yet
	"PROD-06":  {lacks("toml", "ldap:", "ldaps:")},                 // as above
	"PROD-06a": {has("toml.database.shared_db.url", "sslmode=verify-full"), has("toml.datasource.AgentIdentity.url", "sslmode=verify-full"), has("job", "sslmode=verify-full")},
	"PROD-06b": {
		is("toml.output_adapter.email.enable_start_tls", true), is("toml.output_adapter.email.enable_authentication", true),
		is("toml.output_adapter.email.custom_properties.mail.smtp.starttls.required", "true"),
		is("toml.output_adapter.email.custom_properties.mail.smtp.ssl.checkserveridentity", "true"),
	},
	"PROD-07": {
		is("toml.identity_data_source.skip_db_schema_creation", true),
		has("job.template.spec.containers.0.env", "acme-schema-credentials-0123456789"), lacks("job.template.spec.containers.0.env", "acme-credentials-"),
	},
	"PROD-08":  {is("toml.transport.https.sslHostConfig.properties.protocols", "TLSv1.2+TLSv1.3"), is("toml.transport.https.sslHostConfig.properties.sslProtocol", "TLS")},
	"PROD-08a": {is("toml.identity.auth_framework.endpoint.tls_protocol", "TLSv1.2"), lacks("pod.containers.0.env", "jdk.tls.client.protocols")},
	"PROD-08b": {is("toml.transport.https.sslHostConfig.properties.certificateVerification", "none")},
	"PROD-09": {
		has("toml.transport.https.sslHostConfig.properties.ciphers", "TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
		lacks("toml.transport.https.sslHostConfig.properties.ciphers", "_CBC_", "TLS_RSA_", "_DHE_RSA", "ECDH_", "3DES", "SHA,"),
	},
	"PROD-10": {is("toml.transport.https.properties.server", "-")},
	"PROD-11": {
		is("toml.http_header_security_filter.hsts.enabled", true),
		is("toml.authenticationendpoint.tomcat.http_header_security_filter.parameters.0.name", "hstsEnabled"),
		is("toml.accountrecoveryendpoint.tomcat.http_header_security_filter.parameters.1.value", "31536000"),
		elsewhere("package desired sends the header from every route"),
	},
	"PROD-12":  {elsewhere("the shipped pages carry the filter already")},
	"PROD-13":  {has("pod.containers.0.env", "-Djdk.tls.ephemeralDHKeySize=2048")},
	"PROD-14":  {has("pod.containers.0.env", "-Djdk.tls.rejectClientInitiatedRenegotiation=true")},
	"PROD-15":  {has("pod.containers.0.args", "-Dhttpclient.hostnameVerifier=Strict"), is("toml.identity.auth_framework.endpoint.hostname_verification_enabled", true), is("toml.saml.slo.host_name_verification", true), is("toml.passive_sts.slo.host_name_verification", true)},
	"PROD-16a": {is("toml.tomcat.session_config.cookie_config.secure", true), is("toml.tomcat.session_config.tracking_mode", "COOKIE")},
	"PROD-17":  {is("toml.super_admin.create_admin_account", true), is("toml.super_admin.password", "$env{ADMINISTRATOR_PASSWORD}")},
	"PROD-18":  {is("toml.server.enable_admin_services", false), has("shape.AdminPaths", "/console"), lacks("shape.PublicPaths", "/console", "/api/server")},
	"PROD-18a": {has("toml.admin_service.deny_list", "CarbonAppUploader", "FileDownloadService", "FileUploadService", "LoginStatisticsAdmin", "NDataSourceAdmin"), is("toml.admin_service.wsdl.enable", false)},
	"PROD-19": {
		is("log.appender.CARBON_LOGFILE.policies.time.interval", "1"), is("log.appender.CARBON_LOGFILE.policies.size.size", "10485760"),
		is("log.appender.CARBON_LOGFILE.strategy.max", "20"), has("log.appender.CARBON_LOGFILE.filePattern", "%d{", ".%i."),
		is("log.appender.AUDIT_LOGFILE.policies.size.size", "5242880"), has("pod.volumes", "name:logs"),
		is("log.logger.DELETE_EVENT.appenderRef.DELETE_EVENT_CONSOLE.ref", "DELETE_EVENT_CONSOLE"),
	},
	"PROD-19a": {is("toml.http_access_log.pattern", "%h %t %m %U %s %b %D"), is("log.logger.ACCESS.name", "HTTP_ACCESS")},
	"PROD-20":  {has("log.appender.CARBON_CONSOLE.layout.pattern", "%enc{%mm}{CRLF}", "%enc{%ex}{CRLF}", "%enc{%X{Correlation-ID}}{CRLF}"), has("log.appender.AUDIT_CONSOLE.layout.pattern", "%enc{%mm}{JSON}")},
	"PROD-20a": {is("toml.masking_pattern.properties.card.visa", "4[0-9]{15}"), has("log.appender.CARBON_CONSOLE.layout.pattern", "%mm")},
	"PROD-21":  {has("pod.containers.0.env", "-Xms3072m -Xmx3072m", "-XX:-HeapDumpOnOutOfMemoryError"), is("pod.containers.0.resources.limits.memory", "6Gi")},
	"PROD-22":  {elsewhere("package desired, NetworkPolicies")},
	"PROD-23":  {is("toml.identity.auth_framework.endpoint.username", "$env{SYSTEM_USERNAME}"), is("toml.identity.auth_framework.endpoint.password", "$env{SYSTEM_PASSWORD}")},
	"PROD-24":  {has("toml.identity_mgt.recovery.callback_url", "https://id[.]acme[.]example"), has("toml.identity_mgt.user_self_registration.callback_url", "id[.]acme"), has("toml.identity_mgt.lite_user_registration.callback_url", "id[.]acme")},
	"PROD-25":  {is("toml.identity.auth_framework.endpoint.app_password", "$env{ENDPOINT_PASSWORD}"), is("toml.account_recovery.endpoint.auth.hash", "$env{ENDPOINT_HASH}")},
	"PROD-26":  {has("toml.oauth.restricted_query_parameters", "username", "password", "client_secret")},
	"PROD-27":  {has("toml.admin_service.deny_list", "WebappAdmin")},
	"PROD-28":  {is("toml.admin_console.authenticator.mutual_ssl_authenticator.enable", false), is("toml.client_certificate_based_authentication.enable", false)},

	"PROD-40": {
		is("pod.securityContext.runAsUser", 802.0), is("pod.securityContext.runAsGroup", 802.0), is("pod.securityContext.fsGroup", 802.0),
		is("pod.securityContext.runAsNonRoot", true), is("pod.securityContext.seccompProfile.type", "RuntimeDefault"),
		is("pod.containers.0.securityContext.allowPrivilegeEscalation", false), is("pod.containers.0.securityContext.capabilities.drop.0", "ALL"),
	},
	"PROD-41":  {is("pod.containers.0.securityContext.readOnlyRootFilesystem", true), is("pod.initContainers.0.securityContext.readOnlyRootFilesystem", true), is("pod.initContainers.1.securityContext.readOnlyRootFilesystem", true)},
	"PROD-42":  {elsewhere("package desired, NetworkPolicies")},
	"PROD-43":  {is("toml.clustering.local_member_port", "4000"), is("toml.clustering.membership_scheme", "wka"), is("shape.ClusterPort", 4000.0), is("pod.automountServiceAccountToken", false)},
	"PROD-44":  {lacks("pod", "osgiConsole", "--debug")},
	"PROD-45":  {has("pod.containers.0.image", "@sha256:")},
	"PROD-46":  {elsewhere("the cluster's audit policy")},
	"PROD-47":  {is("toml.session_data.cleanup.enable_expired_data_cleanup", true), is("toml.session_data.cleanup.clean_expired_session_data_in_chunks_of", "8192"), is("toml.session_data.cleanup.clean_expired_session_data_every", "1d"), is("toml.session_data.cleanup.enable_pre_session_data_cleanup", true)},
	"PROD-47a": {is("toml.oauth.token_cleanup.enable", true), is("toml.oauth.token_cleanup.retain_access_tokens_for_auditing", false)},
	"PROD-48":  {elsewhere("the database's own backup; keys and stores are in Vault")},

	"PROD-60": {is("toml.carbon_health_check.enable", true), has("pod.topologySpreadConstraints", "kubernetes.io/hostname", "topology.kubernetes.io/zone"), is("pod.containers.0.readinessProbe.httpGet.path", "/api/health-check/v1.0/health"), elsewhere("package desired, PodDisruptionBudget")},
	"PROD-61": {elsewhere("the ingress controller's access log")},
	"PROD-62": {elsewhere("a scan of the cluster's owner; the ports to expect are those of the pod")},
	"PROD-64": {
		has("shape.PublicPaths", "/oauth2/authorize", "/t/partners.example/oauth2/token", "/scim2/Me"),
		lacks("shape.PublicPaths", "/carbon ", "/carbon/", "/services", "/console", "/api/server", "/api/health-check", "/fileupload", "/dcr", "/scim2 ", "/wso2/scim"),
		lacks("shape.AdminPaths", "/carbon ", "/carbon/", "/services", "/fileupload"),
	},
}

func TestEachCatalogueRowIsProven(t *testing.T) {
	document := render(t, fullSpec(versions[2])).document
	for _, row := range rows {
		if len(proofs[row]) == 0 {
			t.Errorf("%s has no proof", row)
		}
		for _, prove := range proofs[row] {
			if wrong := prove(document); wrong != "" {
				t.Errorf("%s: %s", row, wrong)
			}
		}
	}
	for row := range proofs {
		if !slices.Contains(rows, row) {
			t.Errorf("%s is proven and listed nowhere", row)
		}
	}
	t.Logf("%d rows", len(rows))
}
