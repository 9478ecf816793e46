// Package prometheus tests the alerts and the dashboard with the upstream promtool.
package prometheus

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/metrics"
)

// rule as Prometheus has it.
type rule struct {
	Alert, Record, Expr string
	Annotations         map[string]string
}

type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

// promtool runs the program, which is compiled from its module on first use, in a folder with the given files.
func promtool(t *testing.T, files map[string][]byte, arguments ...string) string {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "hack", "tools", "build.sh"), "promtool").Output()
	if err != nil {
		t.Fatalf("build promtool: %v", err)
	}
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), strings.TrimSpace(string(path)), arguments...)
	command.Dir = folder
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// groups gives the rules of the PrometheusRule, and the file that Prometheus would read.
func groups(t *testing.T) ([]group, []byte) {
	t.Helper()
	var object struct {
		Spec map[string]any
	}
	if err := yaml.Unmarshal(read(t, "rules.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	plain, err := yaml.Marshal(object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Groups []group }
	if err := yaml.Unmarshal(plain, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed.Groups, plain
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	found, plain := groups(t)
	tests := read(t, "rules_test.yaml")
	promtool(t, map[string][]byte{"rules.yaml": plain}, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
	output := promtool(t, map[string][]byte{"rules.yaml": plain, "rules_test.yaml": tests}, "test", "rules", "rules_test.yaml")
	if !strings.Contains(output, "SUCCESS") {
		t.Errorf("promtool did not say that it tested anything: %s", output)
	}
	for _, group := range found {
		for _, rule := range group.Rules {
			if name := regexp.MustCompile(`alertname: ` + rule.Alert + `\n\s+exp_alerts:\n`); !name.Match(tests) {
				t.Errorf("%s is not seen to fire in rules_test.yaml", rule.Alert)
			}
		}
	}
}

func TestEachAlertHasARunbook(t *testing.T) {
	const site = "https://github.com/holdfast-iam/holdfast/blob/main/"
	index := string(read(t, "..", "..", "docs", "runbooks", "README.md"))
	pages := map[string]bool{"README.md": true}
	found, _ := groups(t)
	for _, group := range found {
		for _, rule := range group.Rules {
			page := rule.Alert + ".md"
			pages[page] = true
			if want := site + "docs/runbooks/" + page; rule.Annotations["runbook_url"] != want {
				t.Errorf("%s: runbook_url is %s, want %s", rule.Alert, rule.Annotations["runbook_url"], want)
			}
			if text := string(read(t, "..", "..", "docs", "runbooks", page)); !strings.HasPrefix(text, "# "+rule.Alert+"\n") || !strings.Contains(text, "\n## Look\n") || !strings.Contains(text, "\n## Do\n") {
				t.Errorf("%s needs the title %s and the parts Look and Do", page, rule.Alert)
			}
			if !strings.Contains(index, "["+rule.Alert+"]("+page+")") {
				t.Errorf("docs/runbooks/README.md does not list %s", rule.Alert)
			}
		}
	}
	entries, err := os.ReadDir(filepath.Join("..", "..", "docs", "runbooks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !pages[entry.Name()] {
			t.Errorf("docs/runbooks/%s is about no alert", entry.Name())
		}
	}
}

var (
	// what of an expression is no metric: texts, selectors, lists of labels, durations and numbers.
	noMetric = regexp.MustCompile(`"[^"]*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)|\b[0-9][0-9a-z.]*\b`)
	// a name that no bracket follows: not a function.
	word = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\b\s*\(?`)
)

// unknown lists the names of an expression that are no metric of the reference page.
func unknown(expression string) (names []string) {
	for _, name := range word.FindAllString(noMetric.ReplaceAllString(expression, " "), -1) {
		name = strings.TrimSpace(name)
		known := slices.ContainsFunc(append(metrics.All(), metrics.Borrowed()...), func(one metrics.Metric) bool {
			return one.Name == name || one.Type == "histogram" && slices.Contains([]string{"_bucket", "_count", "_sum"}, strings.TrimPrefix(name, one.Name))
		})
		if !known && !strings.HasSuffix(name, "(") && !slices.Contains([]string{"and", "or", "unless", "bool", "offset"}, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestAlertsReadMetricsThatExist(t *testing.T) {
	found, _ := groups(t)
	read := 0
	for _, group := range found {
		for _, rule := range group.Rules {
			read++
			if names := unknown(rule.Expr); len(names) > 0 {
				t.Errorf("%s reads %q, which docs/metrics.md does not list", rule.Alert, names)
			}
		}
	}
	if got := unknown(`max by (a) (holdfast_overdue{x="y"}) and on (job) rate(holdfast_rotation_overdue[5m]) > 3`); !slices.Equal(got, []string{"holdfast_overdue"}) || read == 0 {
		t.Errorf("the test itself finds %q in %d rules", got, read)
	}
}

// target is a query of a panel.
type target struct{ Expr string }

type panel struct {
	Title, Description, Type string
	Targets                  []target
}

func TestTheDashboardReadsMetricsThatExist(t *testing.T) {
	var dashboard struct {
		Panels     []panel
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal(read(t, "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	queries, rules := 0, []map[string]string{}
	check := func(title, expression string) {
		queries++
		if names := unknown(expression); len(names) > 0 {
			t.Errorf("panel %q reads %q, which docs/metrics.md does not list", title, names)
		}
		plain := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m").Replace(expression)
		rules = append(rules, map[string]string{"record": "panel", "expr": plain})
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			check(panel.Title, target.Expr)
		}
		if panel.Type != "row" && (panel.Description == "" || len(panel.Targets) == 0) {
			t.Errorf("panel %q has no description or no query", panel.Title)
		}
	}
	for _, variable := range dashboard.Templating.List {
		if inner, found := strings.CutPrefix(variable.Definition, "label_values("); found {
			check("variable "+variable.Name, inner[:strings.LastIndex(inner, ",")])
		}
	}
	content, err := yaml.Marshal(map[string]any{"groups": []map[string]any{{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, map[string][]byte{"queries.yaml": content}, "check", "rules", "--lint=none", "queries.yaml")
	t.Logf("the dashboard has %d panels and %d queries", len(dashboard.Panels), queries)
}
