package lint

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/hardening"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

var strict = control.Target{Product: "wso2is", Version: "7.3.0", Profile: control.Strict}

// few are controls of this test, so that its golden files change with lint alone.
var few = func() control.Catalogue {
	no := "false"
	deployment := func(id, key string, want control.Rule, byDefault ...string) control.Control {
		return control.Control{ID: id, Title: "Title of " + id, Why: "Why of " + id + ".", Standards: []string{"ISO/IEC 27002:2022 8.24"},
			Checks: []control.Check{{In: control.Deployment, Key: key, Default: byDefault, Want: &want}}}
	}
	keys := deployment("KEY-01", "encryption.key", control.Rule{Without: []string{"03BAFEB27A8E871CAD83C5CD4E771DAB"}}, "03BAFEB27A8E871CAD83C5CD4E771DAB")
	keys.Seeds = []string{"DEF-03"}
	stores := control.Control{ID: "KEY-02", Title: "Title of KEY-02", Why: "Why of KEY-02.", Seeds: []string{"DEF-02"}}
	log := control.Control{ID: "LOG-01", Title: "Title of LOG-01", Why: "Why of LOG-01.",
		Checks: []control.Check{{In: control.Log, Key: "rootLogger.level", Want: &control.Rule{OneOf: []string{"INFO", "WARN", "ERROR"}}}}}
	return control.Catalogue{
		keys, stores, log,
		deployment("TLS-01", "transport.http.enabled", control.Rule{Equals: &no}, "true"),
		deployment("TLS-02", "transport.https.sslHostConfig.properties.protocols", control.Rule{Only: []string{"TLSv1.2", "TLSv1.3"}}, "TLSv1"),
		deployment("TLS-03", "keystore.internal.file_name", control.Rule{Matches: "internal[.]p12"}),
		deployment("TOK-01", "oauth.token_validation.user_access_token_validity", control.Rule{AtMost: "15m"}, "1h"),
		deployment("TOK-02", "oauth.authorize_all_scopes", control.Rule{Equals: &no}, "false"),
		deployment("TOK-03", "oauth.token_validation.authorization_code_validity", control.Rule{AtMost: "1m"}, "5m"),
	}
}()

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func lintFile(t *testing.T, name string) Report {
	t.Helper()
	report, err := File(name, read(t, name), few, strict)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestGoldenFiles(t *testing.T) {
	var all Report
	for _, name := range []string{"vendor.deployment.toml", "vendor.log4j2.properties"} {
		all.Add(lintFile(t, name))
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"vendor.txt":   func(out *bytes.Buffer) error { return Text(out, all) },
		"vendor.json":  func(out *bytes.Buffer) error { return JSON(out, all) },
		"vendor.sarif": func(out *bytes.Buffer) error { return SARIF(out, all, few) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		golden.Expect(t, filepath.Join("testdata", name), out.Bytes())
		// The file has one secret that nobody publishes.
		for _, secret := range []string{"kX93-canary", "03BAFEB27A8E871CAD83C5CD4E771DAB"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s shows %s", name, secret)
			}
		}
	}
}

// TestWhatHolds: a value that the server reads otherwise than a person is judged as the server reads it.
func TestWhatHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		id, key string
		level   Level
		found   string
	}{
		"missing":             {"[server]\noffset = 0\n", "TLS-01", "transport.http.enabled", Weak, `missing, so that the product has "true"`},
		"a boolean as text":   {"[transport.http]\nenabled = \"false\"\n", "TLS-01", "transport.http.enabled", Weak, `"false" in quotes, which is text and no boolean`},
		"met":                 {"[transport.http]\nenabled = false\n", "TLS-01", "transport.http.enabled", "", ""},
		"the other name":      {"[transport.https.properties]\nprotocols = \"TLSv1.1\"\n", "TLS-02", "transport.https.sslHostConfig.properties.protocols", Weak, `"TLSv1.1"`},
		"a reference":         {"[keystore.primary]\nfile_name = \"x.p12\"\n[keystore.internal]\nfile_name = \"$ref{keystore.primary.file_name}\"\n", "TLS-03", "keystore.internal.file_name", Weak, `"x.p12"`},
		"a reference in ring": {"[keystore.internal]\nfile_name = \"$ref{keystore.internal.file_name}\"\n", "TLS-03", "keystore.internal.file_name", Note, `"$ref{keystore.internal.file_name}"`},
		"from outside":        {"[oauth.token_validation]\nuser_access_token_validity = \"$env{V}\"\n", "TOK-01", "oauth.token_validation.user_access_token_validity", Note, `"$env{V}"`},
		"a secret":            {"[encryption]\nkey = \"03BAFEB27A8E871CAD83C5CD4E771DAB\"\n", "KEY-01", "encryption.key", Weak, "a value that is not shown"},
		"a secret missing":    {"[server]\noffset = 0\n", "KEY-01", "encryption.key", Weak, "missing, so that the product has a value that everybody knows"},
		"a secret elsewhere":  {"[encryption]\nkey = \"$env{DATA_KEY}\"\n", "KEY-01", "encryption.key", "", ""},
		"under its control":   {"[keystore.primary]\npassword = \"wso2carbon\"\n", "KEY-02", "keystore.primary.password", Weak, "the vendor's keystore, whose private key and password are published"},
	} {
		report, err := File("deployment.toml", []byte(c.content), few, strict)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(report.Findings, func(f Finding) bool { return f.ID == c.id && f.Key == c.key })
		switch {
		case c.level == "" && at >= 0:
			t.Errorf("%s: %+v", name, report.Findings[at])
		case c.level != "" && (at < 0 || report.Findings[at].Level != c.level || report.Findings[at].Found != c.found):
			t.Errorf("%s: want %s %s %s, have %+v", name, c.level, c.id, c.found, report.Findings)
		}
		if len(report.Outcomes) != len(few) {
			t.Errorf("%s: %d outcomes of %d controls", name, len(report.Outcomes), len(few))
		}
	}
}

// TestRemedies are what a person can write.
func TestRemedies(t *testing.T) {
	t.Parallel()
	text, yes := "PKCS12", "true"
	for want, found := range map[string]control.Finding{
		"set truststore.password to a reference: $env{VARIABLE} or $secret{alias}": {Key: "truststore.password", Want: control.Rule{Matches: `\$(env|secret)\{[A-Z]+\}`}},
		"set keystore.tls.alias, and leave out wso2carbon":                         {Key: "keystore.tls.alias", Want: control.Rule{Without: []string{"wso2carbon"}}},
		"set encryption.key to a value that nobody publishes":                      {Key: "encryption.key", Want: control.Rule{Without: []string{"x"}}},
		"add to admin_service.deny_list what is missing of WebappAdmin":            {Key: "admin_service.deny_list", Want: control.Rule{With: []string{"WebappAdmin"}}},
		"set oauth.par.expiry_time to at most 60s":                                 {Key: "oauth.par.expiry_time", Want: control.Rule{AtMost: "60s"}},
		`write keystore.tenant.type = "PKCS12"`:                                    {Key: "keystore.tenant.type", Want: control.Rule{Equals: &text}},
		"write oauth.jarm.enable = true":                                           {Key: "oauth.jarm.enable", Want: control.Rule{Equals: &yes}},
	} {
		found.Document = control.Deployment
		if got := remedy(found, "7.3.0"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	report, err := File("deployment.toml", []byte(`[transport.http]
enable = false
[oauth.jarm]
enable = "true"
[monitoring.jmx]
rmi_server_start = "$env{JMX}"
[datasource.mine]
whatever = 1
[my_own]
table = 1
`), few, control.Target{Product: "wso2is", Version: "7.1.0", Profile: control.Strict})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		if f.Level == Note {
			got = append(got, f.ID+" "+f.Key+": "+f.Fix)
		}
	}
	want := []string{"unknown-key transport.http.enable: did you mean transport.http.enabled?", "boolean-as-text oauth.jarm.enable: write it without quotes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEachWeakLineIsFound by the catalogue as it is, and no line that is fine.
func TestEachWeakLineIsFound(t *testing.T) {
	t.Parallel()
	const name = "vendor.deployment.toml"
	content := read(t, name)
	report, err := File(name, content, control.Load(), strict)
	if err != nil {
		t.Fatal(err)
	}
	weak := map[int]bool{}
	for _, f := range report.Findings {
		weak[f.Line] = weak[f.Line] || f.Level == Weak
	}
	marks := 0
	for i, line := range strings.Split(string(content), "\n") {
		_, comment, _ := strings.Cut(line, " # ")
		switch {
		case strings.HasPrefix(comment, "weak"):
			if marks++; !weak[i+1] {
				t.Errorf("line %d is weak and was not found: %s", i+1, line)
			}
		case comment == "fine" && weak[i+1]:
			t.Errorf("line %d is fine and was found: %s", i+1, line)
		}
	}
	if marks < 50 {
		t.Errorf("only %d lines are marked as weak", marks)
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]Kind{
		"apiVersion: iam.holdfast.dev/v1alpha1\nkind: IdentityTenant\n": Manifest,
		"# c\n---\nkind: X\n":                                          Manifest,
		`{"apiVersion": "v1", "kind": "Secret"}`:                       Manifest,
		"{\n  \"kind\": \"Secret\"\n}":                                 Manifest,
		"[server]\nhostname = \"x\"\n":                                 Deployment,
		"hostname = \"x\"\n":                                           Deployment,
		"[[appender]]\nappender.x = 1\n":                               Deployment,
		"# c\nappenders = a\nrootLogger.level = INFO\n":                Log,
		"appender.a.layout.pattern = [%d] %m\nrootLogger.level=INFO\n": Log,
		"": "", "just text\n": "", "\x00\x01": "",
	} {
		if kind, err := Recognise([]byte(content)); kind != want || (err == nil) != (want != "") {
			t.Errorf("%q is taken for %q (%v), want %q", content, kind, err, want)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"line 2": "[a]\nb = \n", "neither": "hello", "line 1": "rootLogger.level = \\u1\n"} {
		if _, err := File("x", []byte(content), few, strict); err == nil || !strings.Contains(err.Error(), name) || !strings.HasPrefix(err.Error(), "x: ") {
			t.Errorf("%q gives %v, want %q", content, err, name)
		}
	}
}

// TestSARIF holds the output against what the schema of SARIF 2.1.0 requires.
func TestSARIF(t *testing.T) {
	t.Parallel()
	report := lintFile(t, "vendor.deployment.toml")
	report.Findings = append(report.Findings, Finding{Level: Weak, ID: "X-1", Title: "t", File: `a b:c/d.yaml`, Object: "IdentityTenant iam/acme", Key: "k", Found: "f", Fix: "x"})
	var out bytes.Buffer
	if err := SARIF(&out, report, few); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine int }
					}
					LogicalLocations []struct{ FullyQualifiedName string }
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name == "" {
		t.Fatalf("version %q, schema %q, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	run, ids := log.Runs[0], map[string]bool{}
	for _, rule := range run.Tool.Driver.Rules {
		if rule.ID == "" || rule.ShortDescription.Text == "" || ids[rule.ID] {
			t.Errorf("rule %+v is empty or there twice", rule)
		}
		ids[rule.ID] = true
	}
	if len(run.Results) != len(report.Findings) {
		t.Fatalf("%d results of %d findings", len(run.Results), len(report.Findings))
	}
	for i, result := range run.Results {
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID || result.Message.Text == "" || len(result.Locations) != 1 ||
			!slices.Contains([]string{"error", "note"}, result.Level) {
			t.Errorf("result %+v", result)
			continue
		}
		where := result.Locations[0].PhysicalLocation
		if where.ArtifactLocation.URI == "" || (where.Region == nil) != (report.Findings[i].Line == 0) || where.Region != nil && where.Region.StartLine < 1 {
			t.Errorf("%s: %+v", result.RuleID, where)
		}
	}
	last := run.Results[len(run.Results)-1].Locations[0]
	if last.PhysicalLocation.ArtifactLocation.URI != "a%20b:c/d.yaml" && last.PhysicalLocation.ArtifactLocation.URI != "./a%20b:c/d.yaml" || len(last.LogicalLocations) != 1 {
		t.Errorf("the object's place is %+v", last)
	}
}

func TestTenant(t *testing.T) {
	t.Parallel()
	catalogue := slices.Clone(few)
	at := slices.IndexFunc(catalogue, func(c control.Control) bool { return c.ID == "TOK-01" })
	catalogue[at].Fields = []string{"spec.realms[].tokens.accessToken"}
	documents := control.Evidence{control.Deployment: {"oauth.token_validation.user_access_token_validity": {"1h"}, "transport.http.enabled": {"false"}}}
	catalogue = append(catalogue, control.Control{ID: "PWD-01", Checks: []control.Check{{In: control.Settings, Key: "password.history", Want: &control.Rule{AtLeast: "5"}}}})
	verdicts := hardening.Judge(catalogue, strict, documents, tenant.Settings{"root": {tenant.PasswordHistory: "1"}})
	want := tenant.Spec{Name: "acme", Version: tenant.Version{Major: 7, Minor: 3}}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	report := Tenant(verdicts, want, now)
	for id, want := range map[string][2]string{
		"TOK-01": {"deployment.toml: oauth.token_validation.user_access_token_validity", "change spec.realms[].tokens.accessToken, or have a HardeningWaiver for TOK-01"},
		"PWD-01": {"realm root: password.history", "no field sets it: please report it as a mistake of Holdfast"},
	} {
		at := slices.IndexFunc(report.Findings, func(f Finding) bool { return f.ID == id })
		if at < 0 || report.Findings[at].Key != want[0] || report.Findings[at].Fix != want[1] {
			t.Errorf("%s, want %v: %+v", id, want, report)
		}
	}
	want.Waivers = []tenant.Waiver{
		{Name: "live", Control: "PWD-01", Kind: "IdentityTenant", Subject: "acme", Until: now.Add(24 * time.Hour)},
		{Name: "over", Control: "TOK-01", Kind: "IdentityTenant", Subject: "acme", Until: now},
	}
	for _, f := range Tenant(verdicts, want, now).Findings {
		switch {
		case f.ID == "PWD-01" && (f.Level != Note || f.Fix != "nothing until 2027-01-01, the last day of HardeningWaiver live"),
			f.ID == "TOK-01" && (f.Level != Weak || !strings.HasSuffix(f.Fix, "; HardeningWaiver over has expired")):
			t.Errorf("with a waiver: %+v", f)
		}
	}
	if waivedControls := Tenant(verdicts, want, now).Controls(waived); waivedControls != 1 {
		t.Errorf("%d controls are waived, want 1", waivedControls)
	}
	found := Strings("spec", map[string]any{"keystores": []any{map[string]any{"alias": "wso2carbon", "path": "/home/wso2carbon/x"}}})
	if len(found) != 1 || found[0].Key != "spec.keystores[0].alias" || found[0].ID != "DEF-02" {
		t.Errorf("%+v", found)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range Secret(map[string]string{"username": "admin", "password": "Admin", "user": "wso2carbon", "key": "kR2", "note": "dashboard"}) {
		got = append(got, f.Key+" "+f.ID)
	}
	if diff := cmp.Diff([]string{"password DEF-01", "user DEF-02"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWordsHideSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, value, want string }{
		{"super_admin.password", "hunter2", "a value that is not shown"},
		{"super_admin.password", "$env{ADMIN}", `"$env{ADMIN}"`},
		{"super_admin.password", "x$env{ADMIN}", "a value that is not shown"},
		{"super_admin.password", "", `""`},
		{"database.shared_db.url", "jdbc:x://u:hunter2@h/d?user=a&password=hunter2;b=c", `"jdbc:x://u:…@h/d?user=a&password=…;b=c"`},
		{"server.name", strings.Repeat("ж", 300), `"` + strings.Repeat("ж", 200) + `…"`},
		{"server.name", "a\x1b[31m\nb", `"a\x1b[31m\nb"`},
	} {
		if got := words(c.key, []string{c.value}); got != c.want {
			t.Errorf("%s = %s is said as %s, want %s", c.key, c.value, got, c.want)
		}
	}
}
