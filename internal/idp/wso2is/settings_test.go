package wso2is

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Ids as the product's own documentation has them.
func TestRestIDs(t *testing.T) {
	for name, id := range map[string]string{
		string(loginAttempts): "TG9naW4gQXR0ZW1wdHMgU2VjdXJpdHk", string(passwordPolicies): "UGFzc3dvcmQgUG9saWNpZXM",
		string(accountManagement): "QWNjb3VudCBNYW5hZ2VtZW50", string(userOnboarding): "VXNlciBPbmJvYXJkaW5n",
		accountLock.name: "YWNjb3VudC5sb2NrLmhhbmRsZXI", passwordHistory.name: "cGFzc3dvcmRIaXN0b3J5", passwordExpiry.name: "cGFzc3dvcmRFeHBpcnk",
		accountRecovery.name: "YWNjb3VudC1yZWNvdmVyeQ", forcedReset.name: "YWRtaW4tZm9yY2VkLXBhc3N3b3JkLXJlc2V0",
		selfSignUp.name: "c2VsZi1zaWduLXVw", liteSignUp.name: "bGl0ZS11c2VyLXNpZ24tdXA",
	} {
		if got := restID(name); got != id {
			t.Errorf("id of %q is %s, want %s", name, got, id)
		}
	}
}

// inFiles are settings that no tenant of this product has: deployment.toml has what they are about.
var inFiles = []tenant.Setting{tenant.TokenAccessMinutes, tenant.TokenCodeMinutes, tenant.TokenRefreshOnce,
	tenant.EventsDays, tenant.EventsAdminDays, tenant.TLSRequired, tenant.BrowserHeaders}

// Every setting is either held by the product, or reported as not enforceable, or never asked of it.
func TestEverySettingHasItsPlace(t *testing.T) {
	for _, setting := range everySetting(t) {
		places := 0
		for _, held := range []bool{has(passwordRules, setting), has(bindings, setting), has(configFields, setting), has(withoutValidator, setting), slices.Contains(inFiles, setting)} {
			if held {
				places++
			}
		}
		if places != 1 {
			t.Errorf("%s has %d places", setting, places)
		}
	}
}

func has[V any](in map[tenant.Setting]V, setting tenant.Setting) bool {
	_, ok := in[setting]
	return ok
}

// everySetting reads the constants themselves, so that a new one is not forgotten.
func everySetting(t *testing.T) (settings []tenant.Setting) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../tenant/settings.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Setting" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			settings = append(settings, tenant.Setting(value))
		}
		return false
	})
	if len(settings) < 40 {
		t.Fatalf("only %d settings were found", len(settings))
	}
	return settings
}

func TestCallbacksMatchWhatTheySayAndNoMore(t *testing.T) {
	encoded, err := callbacks{}.encode("https://id.acme.example/* https://portal.acme.example:8443/a/done")
	if err != nil {
		t.Fatal(err)
	}
	expression := regexp.MustCompile("^(?:" + encoded + ")$") // Java's matches() is a match of the whole
	for url, want := range map[string]bool{
		"https://id.acme.example/":                             true,
		"https://id.acme.example/myaccount/x":                  true,
		"https://portal.acme.example:8443/a/done":              true,
		"https://portal.acme.example:8443/a/done/more":         false,
		"https://portal.acme.example/a/done":                   false,
		"http://id.acme.example/":                              false,
		"https://idXacme.example/":                             false, // a dot is a dot
		"https://id.acme.example.evil.example/":                false,
		"https://evil.example/https://id.acme.example/":        false,
		"https://id.acme.example@evil.example/":                false,
		"https://id.acme.example":                              false,
		"xhttps://id.acme.example/":                            false,
		"https://id.acme.example/\nhttps://evil.example/":      false,
		"https://evil.example/#https://portal.acme.example:84": false,
	} {
		if got := expression.MatchString(url); got != want {
			t.Errorf("%q matches: %t, want %t", url, got, want)
		}
	}
}

func TestCallbacksRefuse(t *testing.T) {
	for name, value := range map[string]string{
		"clear text":         "http://id.acme.example/",
		"no path":            "https://id.acme.example",
		"any host":           "https://*/",
		"star inside":        "https://id.acme.example/*/x",
		"two stars":          "https://id.acme.example/**",
		"alternative":        "https://id.acme.example/a|b",
		"group":              "https://id.acme.example/(x)",
		"escape":             `https://id.acme.example/\E.*`,
		"quotation":          `https://id.acme.example/\Q`,
		"user":               "https://user@id.acme.example/",
		"query":              "https://id.acme.example/?x",
		"fragment":           "https://id.acme.example/#x",
		"line break":         "https://id.acme.example/\nhttps://z.example/",
		"unsorted":           "https://b.example/ https://a.example/",
		"two spaces":         "https://a.example/  https://b.example/",
		"space around":       " https://a.example/",
		"full-width":         "https://id．acme.example/",
		"not UTF-8":          "https://id.acme.example/\xff",
		"placeholder":        "https://${carbon.host}/",
		"template":           "https://id.acme.example/{{x}}",
		"dollar":             "https://id.acme.example/$",
		"foreign expression": "regex:.*",
	} {
		if encoded, err := (callbacks{}).encode(value); err == nil {
			t.Errorf("%s: %q became %q", name, value, encoded)
		}
	}
}

// A rule that asks for nothing is left out, and with it a validator that has no other.
func TestRulesThatAskForNothing(t *testing.T) {
	rules := validators{"LowerCaseValidator": {minLength: "2"}, "NumeralValidator": {minLength: "2", maxLength: "9"}}
	for _, setting := range []tenant.Setting{tenant.PasswordLower, tenant.PasswordDigit, tenant.PasswordUpper} {
		if err := passwordRules[setting].apply(rules, "0"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(validators{"NumeralValidator": {maxLength: "9"}}, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// What somebody else wrote never looks like one of our wishes.
func TestForeignExpressionsAreDrift(t *testing.T) {
	for _, live := range []string{
		".*", "", "(", "()", "(?!", "https://id.acme.example/", `https://id\.acme\.example/`, `https:\/\/id.acme.example:9443\/.*`,
		"(https://id.acme.example/.*)", `(https://id\.acme\.example/.*|.*)`, `(https://id\.acme\.example/.*|)`, `(https://b\.example/|https://a\.example/)`,
		`(https://id\.acme\.example/(.*))`, `(https://id\.acme\.example/\.*)`, `(https\://id\.acme\.example/)`, `((https://id\.acme\.example/))`,
	} {
		got := callbacks{}.decode(live)
		if !strings.HasPrefix(got, foreignRegex) {
			t.Errorf("%q was taken for the wish %q", live, got)
		}
	}
}

func FuzzCallbacks(f *testing.F) {
	for _, seed := range []string{"", "https://a.example/*", "https://a.example/ https://b.example:1/x*", "(?!)", `(https://a\.example/.*)`, ".*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if encoded, err := (callbacks{}).encode(text); err == nil {
			if back := (callbacks{}).decode(encoded); back != text {
				t.Errorf("%q became %q and came back as %q", text, encoded, back)
			}
		}
		// Whatever a server holds: what we read is ours only if we would write just that.
		if value := (callbacks{}).decode(text); !strings.HasPrefix(value, foreignRegex) {
			if encoded, err := (callbacks{}).encode(value); err != nil || encoded != text {
				t.Errorf("%q was read as %q, which would be written as %q (%v)", text, value, encoded, err)
			}
		}
	})
}

func TestNumbersAreReadInCanonicalForm(t *testing.T) {
	for live, want := range map[string]string{"5": "5", " 5 ": "5", "05": "5", "-1": "text:-1", "": "text:", "five": "text:five", "1e1": "text:1e1"} {
		if got := (number{}).decode(live); got != want {
			t.Errorf("%q is read as %q, want %q", live, got, want)
		}
	}
	for _, value := range []string{"", "05", "+5", "-1", "5 ", "5.0", "٥", "1234567890"} {
		if encoded, err := (number{}).encode(value); err == nil {
			t.Errorf("%q was written as %q", value, encoded)
		}
	}
}
