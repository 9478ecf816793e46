package wso2is_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// A key has to verify for as long as the longest token lives that it signed: what the
// driver says of it is what is rendered.
func TestTheLongestTokenIsTheRenderedOne(t *testing.T) {
	for name, want := range cases() {
		longest := time.Duration(0)
		tables := []string{"oauth.token_validation", "oauth.oidc.token_validation"}
		found := 0
		for _, table := range tables {
			values, _ := at(render(t, want).toml, table).(map[string]any)
			for key, value := range values {
				if key == "refresh_token_validity" || key == "authorization_code_validity" {
					continue // nobody signs them
				}
				lifetime, err := time.ParseDuration(value.(string))
				if err != nil || !strings.HasSuffix(key, "_validity") {
					t.Errorf("%s: %s.%s is %v", name, table, key, value)
				}
				longest, found = max(longest, lifetime), found+1
			}
		}
		if shape := (wso2is.Driver{}).Shape(want); found != 3 || shape.LongestToken != longest {
			t.Errorf("%s: the driver says %s, and %d lifetimes are rendered, the longest %s", name, shape.LongestToken, found, longest)
		}
	}
}

// What signs is the facts' to say, in the store of tokens only.
func TestTheRingNamesWhatSigns(t *testing.T) {
	for _, version := range versions {
		want := minimalSpec(version)
		seen := idptest.FactsFor(want)
		fact := seen.Keystores[tenant.RoleSigning]
		fact.Alias = "token-signing-7"
		seen.Keystores[tenant.RoleSigning] = fact
		files, err := wso2is.Driver{}.Config(want, seen)
		if err != nil {
			t.Fatal(err)
		}
		text := string(files["deployment.toml"])
		if strings.Count(text, `'token-signing-7'`)+strings.Count(text, `"token-signing-7"`) != 1 || strings.Contains(text, `alias = 'token-signing'`) {
			t.Errorf("%s: the alias of the ring is not the one that signs:\n%s", version, text)
		}
	}
}
