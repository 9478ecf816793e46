package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/source"
)

var areas = map[string]string{
	"ACC": "accounts, sign-in and sessions", "DAT": "the database", "KEY": "keys, stores and secrets", "LOG": "logs", "NET": "who reaches whom",
	"OPS": "what people do", "POD": "the container", "PRV": "personal data", "PWD": "passwords", "TLS": "on the wire", "TOK": "tokens and federation",
}

// Markdown is the page of the documentation: the lines of the guidelines with what became
// of them, and the controls. The answers to lines are those of the whole catalogue; a
// filtered page has only the controls that were picked.
func Markdown(sources source.Sources, catalogue, picked control.Catalogue, profile control.Profile) string {
	var out strings.Builder
	out.WriteString("# Controls\n\n<!-- Written by `holdfast controls -o md`. Do not edit: run `make generate`. -->\n\n")
	if len(picked) == len(catalogue) {
		writeIntroduction(&out, catalogue)
		writeCounts(&out, sources, catalogue)
		for _, document := range sources.Documents {
			writeLines(&out, document, catalogue)
		}
	}
	writeControls(&out, picked)
	writeChecks(&out, picked, profile)
	return out.String()
}

func writeIntroduction(out *strings.Builder, catalogue control.Catalogue) {
	counts := map[State]int{}
	checks := 0
	for _, c := range catalogue {
		checks += len(c.Checks)
		for _, state := range StatesOf(c) {
			counts[state]++
		}
	}
	fmt.Fprintf(out, `The catalogue has %d controls with %d checks. The operator and `+"`holdfast lint`"+` judge by it: what is rendered for a
tenant, and the files of any other server. Each control serves rows of the guidelines, and each line of the five documents
leads to rows.

| State | Means | Controls |
|---|---|---|
| enforced | the operator writes the value, or makes the object, that does it | %d |
| verified statically | the value is held against what is rendered for each version and profile | %d |
| verified live | it was tried on a live server of the vendor; nothing was tried on one up to now | %d |
| paper | a document proves it: name it in `+"`spec.hardening.attestations`"+` | %d |
| gap | the product cannot do it; the control says what to do instead | %d |
| obsolete | it does not apply to the versions that are supported | %d |
| open | nothing does it yet | %d |

`, len(catalogue), checks, counts[Enforced], counts[Static], counts[Live], counts[Paper], counts[Gap], counts[Obsolete], counts[Open])
}

func writeCounts(out *strings.Builder, sources source.Sources, catalogue control.Catalogue) {
	out.WriteString("## Lines by document\n\nA line that several controls answer counts in each state that one of them has.\n\n| Document | Lines |")
	for _, state := range States() {
		fmt.Fprintf(out, " %s |", state)
	}
	out.WriteString("\n|---|---|" + strings.Repeat("---|", len(States())) + "\n")
	for _, document := range sources.Documents {
		counts := map[State]int{}
		for _, answer := range Answers(document, catalogue) {
			for _, state := range answer.States {
				counts[state]++
			}
		}
		fmt.Fprintf(out, "| %s | %d |", cell(document.Title), len(document.Lines))
		for _, state := range States() {
			fmt.Fprintf(out, " %d |", counts[state])
		}
		out.WriteString("\n")
	}
	out.WriteString("\n")
}

func writeLines(out *strings.Builder, document source.Document, catalogue control.Catalogue) {
	fmt.Fprintf(out, "## %s\n\n| Line | Asks | Controls | State |\n|---|---|---|---|\n", document.Title)
	for _, answer := range Answers(document, catalogue) {
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", answer.Line.ID, cell(answer.Line.Says), strings.Join(answer.Controls, ", "), join(answer.States))
	}
	out.WriteString("\n")
}

func writeControls(out *strings.Builder, catalogue control.Catalogue) {
	area := ""
	for _, c := range catalogue {
		if name, _, _ := strings.Cut(c.ID, "-"); name != area {
			area = name
			fmt.Fprintf(out, "## %s: %s\n\n| Id | Has to hold | State | Rows | Standards | Fields |\n|---|---|---|---|---|---|\n", area, areas[area])
		}
		says := []string{"**" + c.Title + ".** " + c.Why}
		for _, part := range []struct{ before, text string }{{"", c.Enforced}, {"Gap: ", c.Gap}, {"Obsolete: ", c.Obsolete}} {
			if part.text != "" {
				says = append(says, "*"+part.before+part.text+"*")
			}
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", c.ID, cell(strings.Join(says, " ")), join(StatesOf(c)),
			strings.Join(c.Seeds, ", "), cell(strings.Join(c.Standards, "; ")), cell(code(c.Fields)))
	}
	out.WriteString("\n")
}

func writeChecks(out *strings.Builder, catalogue control.Catalogue, only control.Profile) {
	profiles := slices.DeleteFunc(control.Profiles(), func(p control.Profile) bool { return only != "" && p != only })
	out.WriteString("## Checks\n\nA key with an asterisk stands for each key that fits. Product is what the server has without the key.\n\n| Control | Document | Key | Product |")
	for _, profile := range profiles {
		fmt.Fprintf(out, " %s |", profile)
	}
	out.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(profiles)) + "\n")
	for _, c := range catalogue {
		for _, check := range c.Checks {
			fmt.Fprintf(out, "| %s | %s | %s%s | %s |", c.ID, check.In, cell(code([]string{check.Key})), cell(conditions(check)), cell(code(check.Default)))
			for _, profile := range profiles {
				rule := ""
				if asks := check.Rule(profile); asks != nil {
					rule = asks.String()
				}
				fmt.Fprintf(out, " %s |", cell(code([]string{rule})))
			}
			out.WriteString("\n")
		}
	}
}

// code marks each text that is not empty.
func code(texts []string) string {
	var marked []string
	for _, text := range texts {
		if text != "" {
			marked = append(marked, "`"+text+"`")
		}
	}
	return strings.Join(marked, ", ")
}

// cell keeps text inside one cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
