// Package docs holds pages of documentation to what is in the tree.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

var (
	heading  = regexp.MustCompile(`(?m)^## (\d+)\. `)
	named    = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]*)(…?)`")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]*)\(`)
)

// A page that names tests which are gone would promise what nobody holds.
func TestEachInvariantNamesTestsThatExist(t *testing.T) {
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "invariants.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := declaredTests(t, root)
	sections := heading.FindAllStringSubmatchIndex(string(page), -1)
	if len(sections) != 12 {
		t.Fatalf("docs/invariants.md has %d numbered sections, want 12", len(sections))
	}
	for i, section := range sections {
		number := string(page[section[2]:section[3]])
		if number != fmt.Sprint(i+1) {
			t.Errorf("section %d is numbered %s", i+1, number)
		}
		end := len(page)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		text := string(page[section[0]:end])
		names := named.FindAllStringSubmatch(text, -1)
		if len(names) == 0 {
			t.Errorf("invariant %s names no test", number)
		}
		for _, name := range names {
			if !exists(tests, name[1], name[2] != "") {
				t.Errorf("invariant %s names %s, which no file declares: correct docs/invariants.md", number, name[1])
			}
		}
	}
}

// Other pages name tests as well, such as the one that answers a threat.
func TestEachPageNamesTestsThatExist(t *testing.T) {
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	tests, total := declaredTests(t, root), 0
	for _, p := range pages(t) {
		for _, name := range named.FindAllStringSubmatch(p.text, -1) {
			if total++; !exists(tests, name[1], name[2] != "") {
				t.Errorf("%s names %s, which no file declares", p.path, name[1])
			}
		}
	}
	t.Logf("pages name tests %d times", total)
}

func exists(tests map[string]bool, name string, begins bool) bool {
	if !begins {
		return tests[name]
	}
	for test := range tests {
		if strings.HasPrefix(test, name) {
			return true
		}
	}
	return false
}

func declaredTests(t *testing.T, root string) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		for _, name := range declared.FindAllStringSubmatch(string(content), -1) {
			tests[name[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
