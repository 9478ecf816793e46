package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

var (
	domain = regexp.MustCompile(`iam\.holdfast\.dev/[a-z0-9](?:[-a-z0-9]*[a-z0-9])?`)
	flag   = regexp.MustCompile(`^--([a-z][a-z-]+)(?:[= ].*)?$`)
)

// constants are the values of the constants in conditions.go whose names begin so.
func constants(t *testing.T, prefix string) map[string]bool {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "api", "v1alpha1", "conditions.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if is && strings.HasPrefix(spec.Names[0].Name, prefix) {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[value] = true
		}
		return true
	})
	if len(found) == 0 {
		t.Fatalf("no constant of conditions.go begins with %s", prefix)
	}
	return found
}

// An annotation or label that nobody reads does nothing, without a word.
func TestEachAnnotationIsKnown(t *testing.T) {
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"iam.holdfast.dev/v1alpha1": true}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".yaml" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for line := range strings.Lines(string(content)) {
			code, _, _ := strings.Cut(line, "//")
			for _, name := range domain.FindAllString(code, -1) {
				known[name] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, p := range pages(t) {
		for _, name := range domain.FindAllString(p.text, -1) {
			if named++; !known[name] {
				t.Errorf("%s names %s, which no code reads", p.path, name)
			}
		}
	}
	t.Logf("pages name annotations, labels and the finalizer %d times", named)
}

// A flag in a sentence is one of ours, or stands behind the program that has it.
func TestEachFlagIsKnown(t *testing.T) {
	known := ""
	for program, words := range map[string][][]string{
		"manager":  {{"--help"}},
		"holdfast": {{"render"}, {"lint"}, {"controls"}, {"schedule"}, {"rotate", "tenant"}, {"rotate", "keystore"}, {"status"}, {"support-bundle"}},
	} {
		for _, of := range words {
			help, err := output(t, program, append(of, "--help")...)
			if err != nil {
				t.Fatalf("%s %v: %v: %s", program, of, err, help)
			}
			known += help + "\n"
		}
	}
	named := 0
	for _, p := range pages(t) {
		for _, span := range p.spans {
			found := flag.FindStringSubmatch(span)
			if found == nil {
				continue
			}
			if named++; !regexp.MustCompile(`\s--?` + found[1] + `[\s=]`).MatchString(known) {
				t.Errorf("%s names the flag --%s, which neither the manager nor holdfast has", p.path, found[1])
			}
		}
	}
	t.Logf("pages name flags %d times", named)
}
