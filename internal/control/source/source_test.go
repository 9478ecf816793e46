package source

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// lineCounts are how many guidelines each document has; whoever changes one of them has
// read the document again.
var lineCounts = map[string]int{"production": 43, "iso27000": 48, "integrations": 29, "passwords": 11, "planning": 39}

// TestEveryLineHasAControl follows each guideline to the controls that stand for it.
func TestEveryLineHasAControl(t *testing.T) {
	t.Parallel()
	sources, known, served := Load(), rows(t), map[string]bool{}
	for _, entry := range control.Load() {
		for _, row := range entry.Seeds {
			served[row] = true
		}
	}
	if len(sources.Documents) != len(lineCounts) {
		t.Errorf("%d documents, want %d", len(sources.Documents), len(lineCounts))
	}
	for _, document := range sources.Documents {
		if len(document.Lines) != lineCounts[document.ID] {
			t.Errorf("%s has %d lines, want %d", document.ID, len(document.Lines), lineCounts[document.ID])
		}
		for _, line := range document.Lines {
			if len(line.Rows) == 0 || line.Says == "" {
				t.Errorf("%s has no rows or says nothing", line.ID)
			}
			for _, row := range line.Rows {
				if _, ok := known[row]; !ok {
					t.Errorf("%s names %s, which is no row", line.ID, row)
				}
				if !served[row] {
					t.Errorf("%s: no control stands for %s", line.ID, row)
				}
			}
		}
	}
}

// TestEveryRowIsAskedForAndServed: a row comes from a line or has a reason of its own,
// and has a control.
func TestEveryRowIsAskedForAndServed(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, document := range Load().Documents {
		for _, line := range document.Lines {
			for _, row := range line.Rows {
				asked[row] = true
			}
		}
	}
	for id, row := range rows(t) {
		if row.About == "" {
			t.Errorf("%s is about nothing", id)
		}
		if asked[id] == (row.Own != "") {
			t.Errorf("%s: a line asks for it is %t, and its own reason is %q: one of the two", id, asked[id], row.Own)
		}
		if !slices.ContainsFunc(control.Load(), func(c control.Control) bool { return slices.Contains(c.Seeds, id) }) {
			t.Errorf("no control stands for %s", id)
		}
	}
}

// TestEveryControlHasASource: nobody is asked for what no row asks for.
func TestEveryControlHasASource(t *testing.T) {
	t.Parallel()
	known := rows(t)
	for _, entry := range control.Load() {
		if len(entry.Seeds) == 0 {
			t.Errorf("%s has no row", entry.ID)
		}
		for _, row := range entry.Seeds {
			if _, ok := known[row]; !ok {
				t.Errorf("%s names %s, which is no row", entry.ID, row)
			}
		}
	}
}

// rows by id, each once.
func rows(t *testing.T) map[string]Row {
	t.Helper()
	known := map[string]Row{}
	for _, row := range Load().Rows {
		if _, twice := known[row.ID]; twice {
			t.Errorf("%s is there twice", row.ID)
		}
		known[row.ID] = row
	}
	return known
}

// TestWordsAreWhole: what people read has an end.
func TestWordsAreWhole(t *testing.T) {
	t.Parallel()
	for _, document := range Load().Documents {
		for _, line := range document.Lines {
			if !strings.HasSuffix(line.Says, ".") || len(line.Says) > 130 {
				t.Errorf("%s is no short sentence: %q", line.ID, line.Says)
			}
		}
	}
}
