package docs

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// A link that leads nowhere sends people away when they need the page most.
func TestEachLinkLeadsSomewhere(t *testing.T) {
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.path] = slugs(p.headings)
	}
	followed := 0
	for _, p := range all {
		for _, link := range p.links {
			target, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s: %v", p.path, err)
			}
			if err != nil || target.Scheme != "" {
				continue
			}
			followed++
			path := p.path
			if target.Path != "" {
				path = filepath.Join(filepath.Dir(p.path), target.Path)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s links to %s, which is not there", p.path, link)
			} else if target.Fragment != "" && !anchors[path][target.Fragment] {
				t.Errorf("%s links to %s: %s has no such heading", p.path, link, path)
			}
		}
	}
	t.Logf("followed %d links within %d pages", followed, len(all))
}

// slugs are the names that GitHub gives to headings.
func slugs(headings []string) map[string]bool {
	found, times := map[string]bool{}, map[string]int{}
	for _, heading := range headings {
		slug := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, heading)
		if times[slug]++; times[slug] > 1 {
			slug = fmt.Sprintf("%s-%d", slug, times[slug]-1)
		}
		found[slug] = true
	}
	return found
}
