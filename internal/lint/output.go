package lint

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// Text writes findings for people, and a last line that counts.
func Text(out io.Writer, report Report) error {
	for _, f := range report.Findings {
		place := f.File
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if f.Object != "" {
			place += ": " + f.Object
		}
		if _, err := fmt.Fprintf(out, "%s: %s: %s: %s\n  %s is %s", place, f.Level, f.ID, f.Title, f.Key, f.Found); err != nil {
			return err
		}
		if f.Wanted != "" {
			fmt.Fprintf(out, "; wanted: %s", f.Wanted)
		}
		fmt.Fprintln(out)
		if f.Why != "" {
			fmt.Fprintf(out, "  why: %s\n", f.Why)
		}
		fmt.Fprintf(out, "  fix: %s\n", f.Fix)
	}
	_, err := fmt.Fprintf(out, "%s, %s; controls: %d met, %d weak, %d waived, %d not judged by what is here\n",
		counted(report.Count(Weak), "finding"), counted(report.Count(Note), "note"), report.Controls(control.Met), report.Controls(control.Weak), report.Controls(waived), report.Controls(control.NotJudged))
	return err
}

func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// JSON writes findings for programs.
func JSON(out io.Writer, report Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	findings := report.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return encoder.Encode(map[string]any{
		"findings": findings,
		"controls": map[string]int{
			"met": report.Controls(control.Met), "weak": report.Controls(control.Weak),
			"waived": report.Controls(waived), "notJudged": report.Controls(control.NotJudged),
		},
	})
}
