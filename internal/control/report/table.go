package report

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// Table is for a terminal: a line for each control and, for a single one, all of it.
func Table(catalogue control.Catalogue, profile control.Profile) string {
	if len(catalogue) == 1 {
		return describe(catalogue[0], profile)
	}
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tTITLE\tSTATE")
	for _, c := range catalogue {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.ID, c.Title, join(StatesOf(c)))
	}
	table.Flush() //nolint:errcheck // a strings.Builder takes everything
	return out.String()
}

func describe(c control.Control, profile control.Profile) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n%s\n\n", c.ID, c.Title, c.Why)
	for _, part := range []struct{ name, text string }{
		{"State", join(StatesOf(c))}, {"Rows", strings.Join(c.Seeds, ", ")}, {"Standards", strings.Join(c.Standards, "; ")},
		{"Fields", strings.Join(c.Fields, ", ")}, {"Done by", c.Enforced}, {"Gap", c.Gap}, {"Obsolete", c.Obsolete},
	} {
		if part.text != "" {
			fmt.Fprintf(&out, "%-10s %s\n", part.name, part.text)
		}
	}
	for _, check := range c.Checks {
		fmt.Fprintf(&out, "\n%s: %s%s\n", check.In, check.Key, conditions(check))
		if check.Default != nil {
			fmt.Fprintf(&out, "  %-9s %s\n", "product", strings.Join(check.Default, ", "))
		}
		for _, p := range control.Profiles() {
			if rule := check.Rule(p); rule != nil && (profile == "" || profile == p) {
				fmt.Fprintf(&out, "  %-9s %s\n", p, rule)
			}
		}
	}
	return out.String()
}

// conditions of a check, in brackets; empty when it always asks.
func conditions(check control.Check) string {
	var parts []string
	if len(check.Products) > 0 {
		parts = append(parts, strings.Join(check.Products, ", "))
	}
	if check.From != "" {
		parts = append(parts, "from "+check.From)
	}
	if check.Before != "" {
		parts = append(parts, "before "+check.Before)
	}
	if check.When != "" && check.When != check.Key {
		parts = append(parts, "with "+check.When)
	} else if check.When != "" {
		parts = append(parts, "where it is")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func join(states []State) string {
	texts := make([]string, len(states))
	for i, state := range states {
		texts[i] = string(state)
	}
	return strings.Join(texts, ", ")
}
