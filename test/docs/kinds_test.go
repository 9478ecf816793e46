package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

var (
	conditionName = regexp.MustCompile(`v1alpha1\.Condition([A-Z][A-Za-z]*)`)
	concluded     = regexp.MustCompile(`\.Conclude\(([^,]+),`)
	tableLine     = regexp.MustCompile("(?m)^\\| (`[A-Z][A-Za-z]*`(?:, `[A-Z][A-Za-z]*`)*) \\|")
)

// Whoever meets a kind finds its page: it shows what kubectl prints of one, and has a line for each condition that the code can
// set and for none that it cannot. Reasons on it exist.
func TestEachKindHasItsPage(t *testing.T) {
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]page{}
	for _, p := range pages(t) {
		if name, is := strings.CutPrefix(p.path, "docs/kinds/"); is && name != "README.md" {
			written[strings.TrimSuffix(name, ".md")] = p
		}
	}
	reasons := constants(t, "Reason")
	kinds, lines := definitions(t, root), 0
	for name, kind := range kinds {
		p, found := written[name]
		if !found {
			t.Errorf("there is no page docs/kinds/%s.md", name)
			continue
		}
		delete(written, name)
		if len(p.headings) == 0 || p.headings[0] != kind {
			t.Errorf("%s does not begin with the heading %s", p.path, kind)
		}
		if !shown(p, name) {
			t.Errorf("%s has no block ```console seen=%s.CASE with what kubectl get %s prints", p.path, kind, name)
		}
		told := section(p, "Conditions")
		lines += len(told)
		settable := conditionsOf(t, root, name)
		for condition := range settable {
			if !slices.Contains(told, condition) {
				t.Errorf("%s has no line for the condition %s under Conditions", p.path, condition)
			}
		}
		for _, condition := range told {
			if !settable[condition] {
				t.Errorf("%s has a line for %s, which the code does not set there", p.path, condition)
			}
		}
		for _, reason := range section(p, "Reasons") {
			if !reasons[reason] {
				t.Errorf("%s tells of the reason %s, which does not exist", p.path, reason)
			}
		}
	}
	for name := range written {
		t.Errorf("docs/kinds/%s.md is about no kind", name)
	}
	t.Logf("%d kinds have a page, with %d lines for conditions", len(kinds), lines)
}

// definitions gives the kinds by their names in lower case.
func definitions(t *testing.T, root string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	kinds := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &definition); err != nil {
			t.Fatal(err)
		}
		kinds[definition.Spec.Names.Singular] = definition.Spec.Names.Kind
	}
	return kinds
}

// conditionsOf reads which conditions the controller of a kind sets: those that it names, what Conclude adds, and for a tenant
// those of internal/status. What can only succeed is concluded with nil, and gets no condition but Ready.
func conditionsOf(t *testing.T, root, kind string) map[string]bool {
	t.Helper()
	code := source(t, filepath.Join(root, "controllers", kind))
	if strings.Contains(code, "status.Tenant(") {
		code += source(t, filepath.Join(root, "internal", "status"))
	}
	found := map[string]bool{}
	for _, match := range conditionName.FindAllStringSubmatch(code, -1) {
		found[match[1]] = true
	}
	for _, match := range concluded.FindAllStringSubmatch(code, -1) {
		found["Ready"] = true
		if match[1] != "nil" {
			found["Reconciling"], found["Stalled"] = true, true
		}
	}
	return found
}

// source is the code of a folder without its tests and comments.
func source(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no code in %s: %v", folder, err)
	}
	var all strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			code, _, _ := strings.Cut(line, "//")
			all.WriteString(code + "\n")
		}
	}
	return all.String()
}

// section gives the names that begin the lines of the tables under a heading.
func section(p page, title string) (names []string) {
	_, text, _ := strings.Cut(p.text, "\n## "+title+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, match := range tableLine.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.Split(strings.Trim(match[1], "`"), "`, `")...)
	}
	return names
}

// shown tells whether a page has what kubectl prints of the kind.
func shown(p page, kind string) bool {
	return slices.ContainsFunc(p.blocks, func(b block) bool {
		return len(b.seen()) > 0 && strings.Contains(b.text, "$ kubectl get "+kind)
	})
}
