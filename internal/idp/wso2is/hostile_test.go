package wso2is_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// TestHostileTextStaysInsideItsKey puts text that means something to TOML, to
// properties files and to XML where a person can, and reads the files back: every
// other key is as it was, and the one key reads as it was written.
func TestHostileTextStaysInsideItsKey(t *testing.T) {
	plain := render(t, fullSpec(versions[2]))
	for _, text := range []string{
		`"""`, `'''`, `x"`, `x'`, `a = b`, `a: b`, `# no comment`, `! no comment`, `[server]`, `]]`, `back\\slash\d`, `trailing\\`,
		` leading space`, `a,b`, `%enc\{x\}`, `<x>&amp;"'`, `\\u0041`, `äöü€😀`, `$1`, `\$`, `-->`,
	} {
		want := fullSpec(versions[2])
		want.Logs.Masking[0].Pattern = text
		r := render(t, want)
		name := "masking_pattern.properties.card.visa"
		written, _ := at(r.document, "toml."+name).(string)
		// What the server writes into its own properties file reads as the pattern.
		if got := properties(t, []byte("pattern = "+written+"\n"))["pattern"]; got != text {
			t.Errorf("%q reads as %q", text, got)
		}
		if diff := cmp.Diff(others(plain, name), others(r, name)); diff != "" {
			t.Errorf("%q changes another key:\n%s", text, diff)
		}
		if string(plain.files["log4j2.properties"]) != string(r.files["log4j2.properties"]) {
			t.Errorf("%q changes log4j2.properties", text)
		}
	}
}

func others(r rendering, except string) map[string]any {
	all := map[string]any{}
	walk("", r.toml, func(path string, value any) {
		if path != except {
			all[path] = value
		}
	})
	return all
}

// TestWhatTheServerWouldReplaceIsRefused: the server resolves references and template
// expressions inside values, and masks nothing after a pattern that does not compile.
func TestWhatTheServerWouldReplaceIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*tenant.Spec){
		"spec.logPolicyRef variable":                  func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "$env{DATABASE_PASSWORD}" },
		"spec.logPolicyRef property":                  func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "${user.home}" },
		"spec.logPolicyRef key":                       func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "$ref{super_admin.password}" },
		"spec.logPolicyRef expression":                func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "{{super_admin.password}}" },
		"spec.logPolicyRef statement":                 func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "{% raw %}" },
		"spec.logPolicyRef two lines":                 func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "a\nb = c" },
		"spec.logPolicyRef no regex":                  func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "(unclosed" },
		"spec.logPolicyRef empty":                     func(s *tenant.Spec) { s.Logs.Masking[0].Pattern = "" },
		"spec.logPolicyRef name":                      func(s *tenant.Spec) { s.Logs.Masking[0].Name = "{{x}}" },
		"spec.hostname":                               func(s *tenant.Spec) { s.Hostname = "id.acme.example\n[server]" },
		"spec.database.host":                          func(s *tenant.Spec) { s.Database.Host = "$sys{x}" },
		"spec.database.name":                          func(s *tenant.Spec) { s.Database.Name = "x{{7*7}}" },
		"spec.mail.from":                              func(s *tenant.Spec) { s.Mail.From = "${x}@acme.example" },
		"spec.userStores[0].ldap property":            func(s *tenant.Spec) { s.UserStores[0].Users.Filter = "(cn=${user.home})" },
		"spec.userStores[0].ldap space":               func(s *tenant.Spec) { s.UserStores[0].Users.SearchBase = "dc=acme " },
		"spec.userStores[0].ldap empty":               func(s *tenant.Spec) { s.UserStores[0].Users.NameAttribute = "" },
		"spec.userStores[0].ldap two lines":           func(s *tenant.Spec) { s.UserStores[0].URLs[0] = "ldaps://a\nb" },
		"spec.userStores[1].activeDirectory variable": func(s *tenant.Spec) { s.UserStores[1].Groups.SearchBase = "$env{DATABASE_PASSWORD}" },
		"spec.userStores[1].activeDirectory secret":   func(s *tenant.Spec) { s.UserStores[1].Groups.Filter = "($secret{x})" },
		"spec.product.wso2is.version":                 func(s *tenant.Spec) { s.Version = tenant.Version{Major: 7, Minor: 4} },
		"keystores":                                   func(s *tenant.Spec) { s.Keystores = s.Keystores[1:] },
		"spec.database.mysql.agentName": func(s *tenant.Spec) {
			s.Database.Type, s.Database.AgentName = tenant.MySQL, s.Database.SharedName
		},
	} {
		want := fullSpec(versions[2])
		spoil(&want)
		_, err := wso2is.Driver{}.Config(want, idptest.FactsFor(want))
		field, _, _ := strings.Cut(name, " ")
		if !fault.IsTerminal(err) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v, wanted a Terminal fault that names the field", name, err)
		}
	}
}

// TestUsersAndAgentsStayApart: their tables have the same names.
func TestUsersAndAgentsStayApart(t *testing.T) {
	want := minimalSpec(versions[2])
	r := render(t, want)
	agents, users := at(r.document, "toml.datasource.AgentIdentity.url"), at(r.document, "toml.database.shared_db.url")
	if agents == users || !strings.Contains(agents.(string), "currentSchema=agent_identity") || strings.Contains(users.(string), "currentSchema") {
		t.Errorf("users are at %v and agents at %v", users, agents)
	}
	want.Database.AgentName = "agents"
	if url := at(render(t, want).document, "toml.datasource.AgentIdentity.url").(string); strings.Contains(url, "currentSchema") || !strings.Contains(url, "/agents?") {
		t.Errorf("agents with a database of their own are at %s", url)
	}
}
