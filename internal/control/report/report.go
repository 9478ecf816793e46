// Package report tells people about the catalogue of controls: which there are, what each
// asks, and what became of every line of the guidelines. It is pure: equal input gives
// equal text.
package report

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/source"
)

// State is how far a control goes.
type State string

// The states. A control may have several: one part is checked, another only on paper.
const (
	// Enforced: the operator writes the value, or makes the object, that does it.
	Enforced State = "enforced"
	// Static: the value is held against what is rendered for each version and profile. The
	// operator and the linter judge files and settings by it again.
	Static State = "verified statically"
	// Live: it was tried on a live server of the vendor. Nothing was, up to now.
	Live State = "verified live"
	// Paper: a document proves it.
	Paper State = "paper"
	// Gap: the product cannot do it.
	Gap State = "gap"
	// Obsolete: it does not apply to the versions that are supported.
	Obsolete State = "obsolete"
	// Open: nothing does it yet.
	Open State = "open"
)

// States lists them in order.
func States() []State { return []State{Enforced, Static, Live, Paper, Gap, Obsolete, Open} }

// StatesOf tells how far a control goes, in the order of States. A check that asks only
// where its own key is there promises nothing, and what a tenant declares is judged, not written.
func StatesOf(c control.Control) (states []State) {
	written := slices.ContainsFunc(c.Checks, func(check control.Check) bool { return check.When != check.Key })
	ours := slices.ContainsFunc(c.Checks, func(check control.Check) bool { return check.When != check.Key && check.In != control.Tenant })
	for _, state := range []struct {
		is    bool
		state State
	}{
		{ours || c.Enforced != "", Enforced},
		{written, Static},
		{c.Paper, Paper},
		{c.Gap != "", Gap},
		{c.Obsolete != "", Obsolete},
	} {
		if state.is {
			states = append(states, state.state)
		}
	}
	if len(states) == 0 {
		states = append(states, Open)
	}
	return states
}

// Filter picks controls. An empty field picks all.
type Filter struct {
	// ID of a control, or an area such as TLS.
	ID string
	// Standard is a part of the name of one, in any case.
	Standard string
	// Profile, Product and Version leave the checks that ask something of such a server,
	// and drop controls of which nothing is left.
	Profile control.Profile
	Product string
	Version string
}

// Select gives the controls that a filter picks, with the checks that it leaves.
func Select(catalogue control.Catalogue, filter Filter) control.Catalogue {
	var picked control.Catalogue
	for _, c := range catalogue {
		if filter.ID != "" && c.ID != filter.ID && !strings.HasPrefix(c.ID, filter.ID+"-") {
			continue
		}
		if !slices.ContainsFunc(c.Standards, func(standard string) bool {
			return strings.Contains(strings.ToLower(standard), strings.ToLower(filter.Standard))
		}) && filter.Standard != "" {
			continue
		}
		had := len(c.Checks) > 0
		c.Checks = slices.DeleteFunc(slices.Clone(c.Checks), func(check control.Check) bool { return !filter.asks(check) })
		if had && len(c.Checks) == 0 && c.Enforced == "" && !c.Paper && c.Gap == "" {
			continue
		}
		picked = append(picked, c)
	}
	return picked
}

func (f Filter) asks(check control.Check) bool {
	if f.Profile != "" && check.Rule(f.Profile) == nil {
		return false
	}
	return check.About(f.Product) && (f.Version == "" || check.Applies(f.Product, f.Version))
}

// Answer is what became of a line of the guidelines.
type Answer struct {
	Line     source.Line
	Controls []string
	// States of all those controls together.
	States []State
}

// Answers follows each line of a document to the controls that stand for its rows.
func Answers(document source.Document, catalogue control.Catalogue) []Answer {
	answers := make([]Answer, len(document.Lines))
	for i, line := range document.Lines {
		answer := Answer{Line: line}
		for _, c := range catalogue {
			if !slices.ContainsFunc(c.Seeds, func(row string) bool { return slices.Contains(line.Rows, row) }) {
				continue
			}
			answer.Controls = append(answer.Controls, c.ID)
			for _, state := range StatesOf(c) {
				if !slices.Contains(answer.States, state) {
					answer.States = append(answer.States, state)
				}
			}
		}
		slices.SortFunc(answer.States, func(a, b State) int { return slices.Index(States(), a) - slices.Index(States(), b) })
		answers[i] = answer
	}
	return answers
}

// JSON gives the controls with their states, indented.
func JSON(catalogue control.Catalogue) ([]byte, error) {
	type entry struct {
		control.Control
		States []State `json:"states"`
	}
	entries := make([]entry, len(catalogue))
	for i, c := range catalogue {
		entries[i] = entry{c, StatesOf(c)}
	}
	encoded, err := json.MarshalIndent(entries, "", "  ")
	return append(encoded, '\n'), err
}
