package published

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"admin", "WSO2Carbon", "dashboard", strings.ToLower(productDataKey), strings.ToUpper(chartDataKey), applicationHash} {
		if !Secret(value) {
			t.Errorf("%s is published and was not recognised", value)
		}
	}
	for _, value := range []string{"", "administrator", "kR2-dashboard-9", strings.Repeat("0", 64)} {
		if Secret(value) {
			t.Errorf("%q is taken for a published secret", value)
		}
	}
	// The hash is that of the password beside it.
	if hash := sha256.Sum256([]byte("dashboard")); hex.EncodeToString(hash[:]) != applicationHash {
		t.Error("the hash of the endpoint application is not the one of its password")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"repository/resources/security/wso2carbon.jks":  "DEF-02",
		"${carbon.home}/wso2carbon.P12":                 "DEF-02",
		" wso2carbon ":                                  "DEF-02",
		"key=03bafeb27a8e871cad83c5cd4e771dab":          "DEF-03",
		chartDataKey:                                    "DEF-04",
		"hash " + applicationHash:                       "DEF-05",
		"jdbc:h2:./repository/database/WSO2IDENTITY_DB": "DEF-07",
		"/home/wso2carbon/trust/ca.pem":                 "",
		"admin":                                         "",
		"dashboard.example":                             "",
	} {
		got, found := Text(text)
		if got.ID != want || found != (want != "") {
			t.Errorf("%q carries %q, want %q", text, got.ID, want)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	values := map[string][]string{
		"super_admin.username":                                 {"admin"},
		"super_admin.password":                                 {"$env{ADMIN}"},
		"keystore.primary.file_name":                           {"wso2carbon.p12"},
		"keystore.primary.password":                            {"wso2carbon"},
		"keystore.custom.0.alias":                              {"wso2carbon"},
		"truststore.password":                                  {"fK39sjwl2kSjw"},
		"encryption.key":                                       {productDataKey},
		"database.shared_db.username":                          {"wso2carbon"},
		"datasource.AgentIdentity.type":                        {"h2"},
		"identity.auth_framework.endpoint.app_password":        {"dashboard"},
		"account_recovery.endpoint.auth.hash":                  {applicationHash},
		"user_store.connection_password":                       {"admin"},
		"console.roles":                                        {"admin", "dashboard"},
		"tasks.server_username":                                {"tasks"},
		"identity.auth_framework.endpoint.mutual_ssl_username": {"pages"},
	}
	want := []string{
		"account_recovery.endpoint.auth.hash DEF-05",
		"database.shared_db.username DEF-07",
		"datasource.AgentIdentity.type DEF-07",
		"encryption.key DEF-03",
		"identity.auth_framework.endpoint.app_password DEF-05",
		"keystore.custom.0.alias DEF-02",
		"keystore.primary.file_name DEF-02",
		"keystore.primary.password DEF-02",
		"super_admin.username DEF-01",
		"tasks.server_password DEF-06 missing",
		"user_store.connection_password DEF-01",
	}
	var got []string
	for _, found := range File(values) {
		line := found.Key + " " + found.ID
		if found.Missing {
			line += " missing"
		}
		got = append(got, line)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSecretKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"super_admin.password": true, "encryption.key": true, "encryption.old_key": true, "recaptcha.secret_key": true, "keystore.tls.key_password": true,
		"oauth.client_secret": true, "account_recovery.endpoint.auth.hash": true, "recaptcha.site_key": false, "keystore.tls.alias": false, "user_store.password_digest": false,
	} {
		if SecretKey(key) != want {
			t.Errorf("%s is a secret: %t, want %t", key, !want, want)
		}
	}
}
