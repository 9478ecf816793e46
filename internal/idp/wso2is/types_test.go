package wso2is_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// texts are the keys whose value the server wants as text although it looks like a
// number or a truth: what a filter or a log writer parses by itself, and numbers that
// only pass through a template into a file.
var texts = regexp.MustCompile(`^(` +
	`(authenticationendpoint|accountrecoveryendpoint)\.tomcat\.http_header_security_filter\.parameters\[\d\]\.value` +
	`|clustering\.local_member_port` +
	`|transport\.https\.properties\.max(Post|Swallow|HttpHeader)Size` +
	`|server\.file_upload\.file_size_limit` +
	`|identity_mgt\.password_policy\.max_password_allowed_length` +
	`|oauth\.jwt\.maximum_allowed_depth|oauth\.jwks_endpoint\.size_limit_bytes` +
	`|authentication\.adaptive\.graaljs\.script_statements_limit` +
	`|session_data\.cleanup\.clean_expired_session_data_in_chunks_of` +
	`|event\.default_listener\.dpop\.property\.header_validity_period` +
	`|output_adapter\.email\.custom_properties\.mail\.smtp\..*)$`)

// TestBooleansAreBooleans: the server's templates compare with true and false, and the
// text "false" is neither.
func TestBooleansAreBooleans(t *testing.T) {
	for name, want := range cases() {
		booleans := 0
		walk("", render(t, want).toml, func(path string, value any) {
			switch value := value.(type) {
			case bool:
				booleans++
			case string:
				_, notBool := strconv.ParseBool(value)
				_, notNumber := strconv.ParseFloat(value, 64)
				if (notBool == nil || notNumber == nil) && !texts.MatchString(path) {
					t.Errorf("%s: %s is the text %q; the server's templates want a boolean or a number", name, path, value)
				}
			case int64:
			default:
				t.Errorf("%s: %s has type %T", name, path, value)
			}
		})
		if booleans < 30 {
			t.Errorf("%s: only %d booleans", name, booleans)
		}
	}
}

// TestKeysOfVersions: a key that a version does not know is ignored by it without a
// word, and whoever reads the file believes in it.
func TestKeysOfVersions(t *testing.T) {
	since72 := []string{
		"server.enable_admin_services", "admin_service.deny_list[0]", "keystore.custom[0].file_name", "keystore.mapping.oauth.keystore_file_name",
		"datasource.AgentIdentity.id",
	}
	for _, version := range versions {
		var paths []string
		r := render(t, minimalSpec(version))
		walk("", r.toml, func(path string, _ any) { paths = append(paths, path) })
		for _, path := range since72 {
			if slices.Contains(paths, path) != version.AtLeast(7, 2) {
				t.Errorf("%s: %s is there: %t", version, path, slices.Contains(paths, path))
			}
		}
		primary := "token-signing.p12"
		if version.AtLeast(7, 2) {
			primary = "federation-signing.p12"
		}
		if got := at(r.document, "toml.keystore.primary.file_name"); got != primary {
			t.Errorf("%s: the primary store is %v, wanted %s", version, got, primary)
		}
	}
}
