package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/source"
)

var yes = "true"

// few are controls of every kind.
func few() control.Catalogue {
	return control.Catalogue{
		{ID: "KEY-01", Title: "Built", Why: "W.", Seeds: []string{"A-01"}, Enforced: "E."},
		{ID: "LOG-01", Title: "Mixed", Why: "W.", Seeds: []string{"A-01"}, Paper: true, Checks: []control.Check{{In: control.Log, Key: "l", From: "7.2", Want: &control.Rule{Equals: &yes}}}},
		{ID: "OPS-01", Title: "Paper", Why: "W.", Seeds: []string{"B-01"}, Paper: true, Standards: []string{"ISO/IEC 27002:2022 8.8"}},
		{ID: "TLS-01", Title: "Checked", Why: "W|.", Seeds: []string{"A-01", "B-01"}, Standards: []string{"RFC 1"}, Checks: []control.Check{
			{In: control.Deployment, Key: "a.b", Default: []string{"x"}, Before: "7.3", Profiles: map[control.Profile]control.Rule{control.FAPI2: {Matches: "a|b"}}},
		}},
		{ID: "TLS-02", Title: "Impossible", Why: "W.", Seeds: []string{"C-01"}, Gap: "G."},
		{ID: "TLS-03", Title: "Old", Why: "W.", Seeds: []string{"C-01"}, Obsolete: "O."},
		{ID: "TLS-04", Title: "Nobody does it", Why: "W.", Seeds: []string{"C-02"}},
	}
}

func TestStatesOf(t *testing.T) {
	t.Parallel()
	want := [][]State{{Enforced}, {Enforced, Static, Paper}, {Paper}, {Enforced, Static}, {Gap}, {Obsolete}, {Open}}
	for i, c := range few() {
		if diff := cmp.Diff(want[i], StatesOf(c)); diff != "" {
			t.Errorf("%s: %s", c.Title, diff)
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"all":                      {Filter{}, "KEY-01 LOG-01 OPS-01 TLS-01 TLS-02 TLS-03 TLS-04"},
		"one":                      {Filter{ID: "TLS-01"}, "TLS-01"},
		"an area":                  {Filter{ID: "TLS"}, "TLS-01 TLS-02 TLS-03 TLS-04"},
		"half an area":             {Filter{ID: "TL"}, ""},
		"a standard in any case":   {Filter{Standard: "iso/iec"}, "OPS-01"},
		"a profile that asks less": {Filter{Profile: control.Strict}, "KEY-01 LOG-01 OPS-01 TLS-02 TLS-03 TLS-04"},
		"a version without":        {Filter{Version: "7.3.0"}, "KEY-01 LOG-01 OPS-01 TLS-02 TLS-03 TLS-04"},
		"a version with":           {Filter{Version: "7.2.9", ID: "TLS-01"}, "TLS-01"},
		"its product":              {Filter{Product: "wso2is", ID: "TLS-01"}, "TLS-01"},
		"another product":          {Filter{Product: "keycloak", ID: "TLS-01"}, ""},
	} {
		var ids []string
		for _, picked := range Select(few(), c.filter) {
			ids = append(ids, picked.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	left := Select(few(), Filter{ID: "LOG-01", Version: "7.1.0"})
	if len(left) != 1 || len(left[0].Checks) != 0 {
		t.Errorf("a paper control stays without the check that does not apply: %+v", left)
	}
	if all := few(); len(all[1].Checks) != 1 {
		t.Error("the catalogue itself has lost a check")
	}
}

func TestAnswersFollowLinesToControls(t *testing.T) {
	t.Parallel()
	document := source.Document{ID: "d", Title: "D", Lines: []source.Line{
		{ID: "d-01", Says: "One.", Rows: []string{"A-01", "C-01"}}, {ID: "d-02", Says: "Two.", Rows: []string{"C-02"}}, {ID: "d-03", Says: "Three.", Rows: []string{"Z-01"}},
	}}
	want := []Answer{
		{document.Lines[0], []string{"KEY-01", "LOG-01", "TLS-01", "TLS-02", "TLS-03"}, []State{Enforced, Static, Paper, Gap, Obsolete}},
		{document.Lines[1], []string{"TLS-04"}, []State{Open}},
		{Line: document.Lines[2]},
	}
	if diff := cmp.Diff(want, Answers(document, few())); diff != "" {
		t.Error(diff)
	}
	page := Markdown(source.Sources{Documents: []source.Document{document}}, few(), few(), "")
	for _, line := range []string{
		"| D | 3 | 1 | 1 | 0 | 1 | 1 | 1 | 1 |",
		"| d-02 | Two. | TLS-04 | open |",
		`| TLS-01 | **Checked.** W\|. | enforced, verified statically | A-01, B-01 | RFC 1 |  |`,
		"| TLS-01 | deployment.toml | `a.b` (before 7.3) | `x` |  |  | `a value that matches a\\|b` |",
		"| TLS-02 | **Impossible.** W. *Gap: G.* | gap | C-01 |  |  |",
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the page has no line %s:\n%s", line, page)
		}
	}
	if part := Markdown(source.Sources{Documents: []source.Document{document}}, few(), few()[:1], ""); strings.Contains(part, "d-01") {
		t.Error("a page of some controls counts the lines of all")
	}
}

// TestNothingIsVerifiedLive: whoever tries a control on a live server changes this test,
// and only he.
func TestNothingIsVerifiedLive(t *testing.T) {
	t.Parallel()
	for _, c := range control.Load() {
		if slices.Contains(StatesOf(c), Live) {
			t.Errorf("%s is said to be verified on a live server", c.ID)
		}
	}
}
