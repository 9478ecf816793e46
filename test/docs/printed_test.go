package docs

import (
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

var (
	update = goflag.Bool("update", false, "write into the pages what kubectl prints")

	gap      = regexp.MustCompile(` {2,}`)
	age      = regexp.MustCompile(`\b[0-9]+[smhd]([0-9]+[smhd])?\b`)
	justMade = regexp.MustCompile(`(?m)\b[0-9]s( |$)`)
	trailing = regexp.MustCompile(`(?m) +$`)
)

// seen are the recorded objects that a block is about: ```console seen=IdentityTenant.ready,Keystore.ready. They lie in
// test/gitops/testdata, as a real run left them.
func (b block) seen() []string {
	for _, word := range strings.Fields(b.info) {
		if names, is := strings.CutPrefix(word, "seen="); is {
			return strings.Split(names, ",")
		}
	}
	return nil
}

// What a page says that kubectl prints is what it prints: the objects are those of a real run, and kubectl is the real one. Only
// ages and the width of gaps are not compared.
func TestEachPageShowsWhatKubectlPrints(t *testing.T) {
	commands, objects := 0, map[string]bool{}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if len(b.seen()) == 0 {
				continue
			}
			where := fmt.Sprintf("%s:%d", p.path, b.line)
			restored := restore(t, where, b.seen())
			for _, name := range b.seen() {
				objects[name] = true
			}
			calls, err := b.commands()
			if err != nil {
				t.Errorf("%s: %v", where, err)
			}
			want, printedNow := printed(b.text), []string{}
			for _, words := range calls {
				got, err := output(t, words[0], words[1:]...)
				if err != nil {
					t.Errorf("%s: %v: %v: %s", where, words, err, got)
				}
				commands++
				printedNow = append(printedNow, got)
			}
			if *update {
				write(t, p, b, printedNow)
			} else if got := strings.Join(printedNow, "\n"); normal(got) != normal(strings.Join(want, "\n")) {
				t.Errorf("%s: kubectl prints\n%s\nand the page says\n%s\nIf it is meant, run with -update", where, got, strings.Join(want, "\n"))
			}
			for _, object := range restored {
				if err := env.Admin.Delete(t.Context(), object); err != nil {
					t.Error(err)
				}
			}
		}
	}
	t.Logf("ran %d commands on %d recorded objects, and compared what they print", commands, len(objects))
}

// restore makes recorded objects again, with their status.
func restore(t *testing.T, where string, names []string) (restored []*unstructured.Unstructured) {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(root, "test", "gitops", "testdata", name+".yaml"))
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(content, &object.Object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetNamespace()}}
		if err := env.Admin.Create(t.Context(), namespace); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
		status := object.Object["status"]
		object.SetFinalizers(nil)
		object.SetOwnerReferences(nil)
		object.SetUID("")
		object.SetResourceVersion("")
		if err := env.Admin.Create(t.Context(), object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		restored = append(restored, object)
		if status == nil {
			continue
		}
		object.Object["status"] = status
		if err := env.Admin.Status().Update(t.Context(), object); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return restored
}

// printed are the outputs in a block, one behind each line with a prompt.
func printed(text string) (outputs []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "$ ") {
			outputs = append(outputs, "")
		} else if len(outputs) > 0 {
			outputs[len(outputs)-1] += line
		}
	}
	return outputs
}

func normal(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		lines = append(lines, age.ReplaceAllString(gap.ReplaceAllString(strings.TrimSpace(line), "  "), "AGE"))
	}
	return strings.Join(lines, "\n")
}

// write puts what was printed into the page, behind each command.
func write(t *testing.T, p page, b block, outputs []string) {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, p.path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var anew strings.Builder
	for line := range strings.Lines(b.text) {
		if !strings.HasPrefix(line, "$ ") {
			continue
		}
		anew.WriteString(line + trailing.ReplaceAllString(justMade.ReplaceAllString(outputs[0], "5m "), "") + "\n")
		outputs = outputs[1:]
	}
	before := "```" + b.info + "\n"
	if err := os.WriteFile(path, []byte(strings.Replace(string(content), before+b.text, before+anew.String(), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
