package docs

import (
	"regexp"
	"testing"
)

var row = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|")

// Whoever meets a reason looks it up: none is missing from its page, and none was invented.
func TestThePageHasEachReason(t *testing.T) {
	known := constants(t, "Reason")
	for _, p := range pages(t) {
		if p.path != "docs/reasons.md" {
			continue
		}
		told := map[string]bool{}
		for _, found := range row.FindAllStringSubmatch(p.text, -1) {
			if told[found[1]] || !known[found[1]] {
				t.Errorf("docs/reasons.md tells of %s, which is told already or does not exist", found[1])
			}
			told[found[1]] = true
		}
		for reason := range known {
			if !told[reason] {
				t.Errorf("docs/reasons.md does not tell of %s", reason)
			}
		}
		t.Logf("%d reasons", len(told))
		return
	}
	t.Error("docs/reasons.md is not there")
}
