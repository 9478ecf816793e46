package rights

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Comparison of what is granted, what was used, and what was reviewed.
type Comparison struct {
	Granted, Used, Reviewed int
	// Wrong says, a sentence each, what somebody has to look at.
	Wrong []string
}

// Compare wants every right used or reviewed, and none both. A line of reviewed is a right, a bar and the reason why it is
// granted although it is not used; lines that are empty or begin with # say nothing.
func Compare(granted []Grant, requests []Request, reviewed string) Comparison {
	used, others := Used(granted, requests)
	reasons, wrong := read(reviewed)
	c := Comparison{Used: len(used), Wrong: wrong}
	all := map[string]bool{}
	for _, grant := range granted {
		text := grant.String()
		if all[text] {
			continue
		}
		all[text] = true
		_, listed := reasons[text]
		switch n := used[grant.Right]; {
		case strings.Contains(grant.Verb+grant.Resource, "*"):
			c.Wrong = append(c.Wrong, text+": no role has a wildcard; write what is needed")
		case n == 0 && !listed:
			c.Wrong = append(c.Wrong, text+": granted, but nothing uses it; take it from the markers in controllers/doc.go, or list it with the reason")
		case n > 0 && listed:
			c.Wrong = append(c.Wrong, fmt.Sprintf("%s: listed as unused, but used %d times; take it from the list", text, n))
		case listed:
			c.Reviewed++
		}
	}
	c.Granted = len(all)
	for _, text := range slices.Sorted(maps.Keys(reasons)) {
		if !all[text] {
			c.Wrong = append(c.Wrong, text+": listed as unused, but no role grants it; take it from the list")
		}
	}
	for _, text := range slices.Sorted(maps.Keys(others)) {
		c.Wrong = append(c.Wrong, fmt.Sprintf("%s: done %d times by a right that is not Holdfast's own; a cluster without it would refuse", text, others[text]))
	}
	return c
}

func read(reviewed string) (reasons map[string]string, wrong []string) {
	reasons = map[string]string{}
	for line := range strings.Lines(reviewed) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		right, reason, _ := strings.Cut(line, "|")
		right, reason = strings.TrimSpace(right), strings.TrimSpace(reason)
		if _, twice := reasons[right]; twice || reason == "" {
			wrong = append(wrong, right+": each line of the list is a right, once, a bar and a reason")
		}
		reasons[right] = reason
	}
	return reasons, wrong
}
