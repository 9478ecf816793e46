package localenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const wellFormed = "package main\n\nfunc main() { println(\"built\") }\n"

func TestBuildReusesWhatTheSameRecipeMade(t *testing.T) {
	source := makeCheckout(t, wellFormed)
	first := build(t)
	if !strings.Contains(first, "build 1 of 1: certmanager, done in") || !strings.Contains(first, "built 1 programs in") {
		t.Errorf("progress of a cold build:\n%s", first)
	}
	path, err := CertManager.Path()
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(path).CombinedOutput(); string(output) != "built\n" {
		t.Errorf("the program prints %q, %v", output, err)
	}
	if again := build(t); again != "" {
		t.Errorf("a second build of the same recipe says:\n%s", again)
	}

	writeFile(t, source, wellFormed+"// changed\n")
	if changed, err := CertManager.Path(); changed == path {
		t.Errorf("another recipe has the same path %s, %v", changed, err)
	}
	if again := build(t); !strings.Contains(again, "done in") {
		t.Errorf("a changed recipe was not built again:\n%s", again)
	}
}

func TestParallelBuildsCompileOnce(t *testing.T) {
	makeCheckout(t, wellFormed)
	outputs := make([]bytes.Buffer, 3)
	var builders sync.WaitGroup
	for i := range outputs {
		builders.Go(func() {
			if err := Build(t.Context(), &outputs[i], CertManager); err != nil {
				t.Error(err)
			}
		})
	}
	builders.Wait()
	all := outputs[0].String() + outputs[1].String() + outputs[2].String()
	if count := strings.Count(all, "done in"); count != 1 {
		t.Errorf("three builds at once compiled %d times, want once:\n%s", count, all)
	}
}

func TestAFailedBuildShowsTheCompilersWords(t *testing.T) {
	makeCheckout(t, "package main\n\nfunc main() { missing() }\n")
	err := Build(t.Context(), nil, CertManager)
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("%v, want the compiler's message", err)
	}
	if path, _ := CertManager.Path(); path == "" || fileExists(path) {
		t.Errorf("a failed build left %s", path)
	}
}

func TestRootIsToldApartFromOtherModules(t *testing.T) {
	t.Chdir(t.TempDir())
	if root, err := Root(); err == nil || !strings.Contains(err.Error(), "no checkout of Holdfast") {
		t.Errorf("outside a checkout: %s, %v", root, err)
	}
}

// makeCheckout changes into a checkout that holds only a recipe of one small file, with a cache of its own. It returns the file.
func makeCheckout(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	t.Setenv("HOLDFAST_CACHE", t.TempDir())
	folder := filepath.Join(root, "hack", "local", "build", "certmanager")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "go.mod"), mainModule)
	writeFile(t, filepath.Join(folder, "go.mod"), "module small\n\ngo 1.26\n")
	writeFile(t, filepath.Join(folder, "main.go"), source)
	t.Chdir(folder)
	return filepath.Join(folder, "main.go")
}

func build(t *testing.T) (progress string) {
	t.Helper()
	var output bytes.Buffer
	if err := Build(t.Context(), &output, CertManager); err != nil {
		t.Fatal(err)
	}
	return output.String()
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
