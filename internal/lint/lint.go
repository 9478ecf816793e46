// Package lint judges files of a server, whoever wrote them, by the catalogue that the
// operator judges its own by. It finds what is weaker than a profile wants, secrets that
// the vendor publishes, and keys that the server would ignore. No value of a secret is
// part of what it says.
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
)

// Level of a finding.
type Level string

const (
	// Weak is weaker than the profile wants.
	Weak Level = "weak"
	// Note is worth a look and fails nothing.
	Note Level = "note"
)

// Finding is one thing to tell.
type Finding struct {
	Level Level `json:"level"`
	// ID is that of the control, or of the vendor's default (DEF-03), or the name of a note.
	ID    string `json:"id"`
	Title string `json:"title"`
	File  string `json:"file"`
	// Object is the custom resource that the file comes to, when it is one.
	Object string `json:"object,omitempty"`
	// Line from 1; 0 when no line says it, as with a key that is missing.
	Line int    `json:"line,omitempty"`
	Key  string `json:"key"`
	// Found and Wanted in words.
	Found     string   `json:"found"`
	Wanted    string   `json:"wanted,omitempty"`
	Why       string   `json:"why,omitempty"`
	Fix       string   `json:"fix"`
	Standards []string `json:"standards,omitempty"`
}

// Report is what was found.
type Report struct {
	Findings []Finding
	// Outcomes by control. A file says nothing of what stands elsewhere.
	Outcomes map[string]control.Outcome
}

// Kind of a file.
type Kind string

// The kinds.
const (
	Manifest   Kind = "manifest"
	Deployment Kind = "deployment.toml"
	Log        Kind = "log4j2.properties"
)

var (
	manifestLine = regexp.MustCompile(`(?m)^\s*\{?\s*"?(apiVersion|kind)"?\s*:`)
	logLine      = regexp.MustCompile(`(?m)^[ \t]*(rootLogger|loggers?|appenders?|monitorInterval)(\.[\w.-]+)?[ \t]*[=:]`)
	tableLine    = regexp.MustCompile(`(?m)^[ \t]*\[`)
	keyLine      = regexp.MustCompile(`(?m)^[ \t]*[\w."'-]+[ \t]*=`)
)

// Recognise tells by the content what a file is.
func Recognise(content []byte) (Kind, error) {
	switch {
	case manifestLine.Match(content):
		return Manifest, nil
	// A table of TOML may have keys of any name.
	case logLine.Match(content) && !tableLine.Match(content):
		return Log, nil
	case tableLine.Match(content), keyLine.Match(content):
		return Deployment, nil
	}
	return "", errors.New("it is neither a manifest, nor a deployment.toml, nor a log4j2.properties")
}

// File judges a deployment.toml or a log4j2.properties. Faults: *evidence.Error for a file
// that cannot be read.
func File(name string, content []byte, catalogue control.Catalogue, target control.Target) (Report, error) {
	kind, err := Recognise(content)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", name, err)
	}
	read := evidence.TOML
	if kind == Log {
		read = evidence.Properties
	}
	file, err := read(content)
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", name, err)
	}
	report := judge(file, catalogue, target)
	return report.At(name, ""), nil
}

// Sort orders findings as a person reads them: by file, line, id and key; what has no
// line comes last.
func Sort(findings []Finding) {
	last := func(line int) int {
		if line == 0 {
			return int(^uint(0) >> 1)
		}
		return line
	}
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Object, b.Object), cmp.Compare(last(a.Line), last(b.Line)),
			cmp.Compare(a.ID, b.ID), cmp.Compare(a.Key, b.Key))
	})
}

// At says where all of it was found.
func (r Report) At(file, object string) Report {
	for i := range r.Findings {
		r.Findings[i].File, r.Findings[i].Object = file, object
	}
	return r
}

// Add puts another report to this one. A control is as weak as its weakest outcome, and
// not judged only where nothing judged it.
func (r *Report) Add(other Report) {
	r.Findings = append(r.Findings, other.Findings...)
	for id, outcome := range other.Outcomes {
		r.outcome(id, outcome)
	}
}

func (r *Report) outcome(id string, outcome control.Outcome) {
	if r.Outcomes == nil {
		r.Outcomes = map[string]control.Outcome{}
	}
	if slices.Index(order, outcome) > slices.Index(order, r.Outcomes[id]) {
		r.Outcomes[id] = outcome
	}
}

// waived is what became of a weak control that a HardeningWaiver allows.
const waived control.Outcome = "Waived"

// order is from what counts least to what counts most, when several are judged.
var order = []control.Outcome{"", control.NotApplicable, control.NotJudged, control.Met, waived, control.Weak}

// Controls counts those of an outcome.
func (r Report) Controls(outcome control.Outcome) (count int) {
	for _, o := range r.Outcomes {
		if o == outcome {
			count++
		}
	}
	return count
}

// Count of the findings of a level.
func (r Report) Count(level Level) (count int) {
	for _, f := range r.Findings {
		if f.Level == level {
			count++
		}
	}
	return count
}
