package overview

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// The colours of a terminal.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// page writes a tree, in colour when that is asked for.
type page struct {
	strings.Builder
	colours bool
	now     time.Time
}

func (p *page) colour(code, text string) string {
	if !p.colours || text == "" {
		return text
	}
	return code + text + plain
}

// line is a leaf of the tree.
func (p *page) line(format string, arguments ...any) {
	p.WriteString("│  " + strings.TrimRight(fmt.Sprintf(format, arguments...), " ") + "\n")
}

func (p *page) branch(title string) { p.WriteString("├─ " + p.colour(bold, title) + "\n") }

// Text draws the tenants as trees.
func Text(tenants []Tenant, now time.Time, colours bool) string {
	p := &page{colours: colours, now: now}
	for i := range tenants {
		if i > 0 {
			p.WriteString("\n")
		}
		p.tenant(&tenants[i])
	}
	return p.String()
}

func (p *page) tenant(tenant *Tenant) {
	shade := map[string]string{"Ready": green, "Stalled": red}[tenant.Summary]
	if shade == "" {
		shade = yellow
	}
	fmt.Fprintf(p, "%s in %s  %s\n", p.colour(bold, tenant.Name), tenant.Namespace, p.colour(shade, tenant.Summary))
	p.line("version %s, revision %s, profile %s", change(tenant.Version), change(tenant.Revision), tenant.Profile)
	for _, url := range tenant.Endpoints {
		p.line("%s", url)
	}
	p.hardening(tenant.Hardening)
	p.branch("Conditions")
	for _, condition := range tenant.Conditions {
		p.condition(condition)
	}
	p.branch("Uses")
	for _, object := range tenant.Uses {
		p.object(object)
	}
	if len(tenant.Rotations) > 0 {
		p.branch("Next rotations")
		for _, rotation := range tenant.Rotations {
			p.rotation(rotation)
		}
	}
	if len(tenant.Changes) > 0 {
		p.branch("Last changes")
		for _, past := range tenant.Changes {
			p.past(past)
		}
	}
	p.WriteString("└─ " + p.colour(bold, "What to do") + "\n")
	if len(tenant.ToDo) == 0 && tenant.Summary == "Progressing" {
		p.WriteString("   Nothing: it goes on by itself.\n")
	} else if len(tenant.ToDo) == 0 {
		p.WriteString("   " + p.colour(green, "Nothing.") + "\n")
	}
	for i, text := range tenant.ToDo {
		fmt.Fprintf(p, "   %d. %s\n", i+1, strings.Join(strings.Fields(text), " "))
	}
}

// hardening counts the controls, and names those that are not met.
func (p *page) hardening(judged *v1alpha1.HardeningStatus) {
	if judged == nil {
		return
	}
	said := fmt.Sprintf("controls: %d met, %d attested", judged.Met, len(judged.Attested))
	for _, part := range []struct {
		word, shade string
		ids         []string
	}{{"weak", red, judged.Weak}, {"waived", yellow, judged.Waived}, {"unattested", yellow, judged.Unattested}} {
		if len(part.ids) > 0 {
			said += ", " + p.colour(part.shade, part.word+" "+strings.Join(part.ids, " "))
		}
	}
	p.line("%s", said)
}

// change is what serves and, when it is another, what is wanted.
func change(c Change) string {
	switch {
	case c.Wanted == "" && c.Serving == "":
		return "none yet"
	case c.Serving == "":
		return c.Wanted + " (nothing serves yet)"
	case c.Serving != c.Wanted && c.Wanted != "":
		return c.Serving + " → " + c.Wanted
	}
	return c.Serving
}

func (p *page) condition(condition metav1.Condition) {
	mark, said := p.mark(condition.Status), ""
	if condition.Status != metav1.ConditionTrue {
		said = condition.Reason + ": " + condition.Message
	}
	switch condition.Type {
	case v1alpha1.ConditionStalled:
		mark, said = p.colour(red, "✗"), "see below"
	case v1alpha1.ConditionReconciling:
		mark, said = p.colour(yellow, "…"), condition.Reason+": "+condition.Message
	}
	p.line("%s %-18s %s", mark, condition.Type, said)
}

func (p *page) mark(status metav1.ConditionStatus) string {
	switch status {
	case metav1.ConditionTrue:
		return p.colour(green, "✓")
	case metav1.ConditionFalse:
		return p.colour(red, "✗")
	}
	return p.colour(yellow, "?")
}

func (p *page) object(object Object) {
	said := object.Message
	if object.Generation > 0 {
		said = strings.TrimSpace(fmt.Sprintf("generation %d %s", object.Generation, said))
	}
	if object.Ends != nil {
		shade := plain
		if object.Ends.Sub(p.now) < soon {
			shade = red
		}
		said += ", certificate ends " + p.colour(shade, distance(object.Ends.Sub(p.now)))
	}
	p.line("%s %s %s  %s", p.mark(object.Ready), object.Kind, object.Name, said)
}

func (p *page) rotation(rotation Rotation) {
	due := "not while suspended"
	if rotation.Due != nil {
		due = distance(rotation.Due.Sub(p.now)) + " (" + clock(*rotation.Due) + ")"
	}
	if rotation.Overdue {
		due = p.colour(red, "late, due "+due)
	}
	said := rotation.Reason
	if rotation.Reason == "NotDue" {
		said = ""
	} else if rotation.Message != "" {
		said += ": " + rotation.Message
	}
	p.line("%-20s %s  %s", rotation.Material, due, said)
}

func (p *page) past(past Past) {
	outcome := map[string]string{"": p.colour(yellow, "under way, last step "+past.Step), "Succeeded": p.colour(green, past.Outcome), "Failed": p.colour(red, past.Outcome+": "+past.Message)}[past.Outcome]
	if outcome == "" {
		outcome = past.Outcome
	}
	cause := past.Cause
	if past.Request != "" {
		cause += " " + past.Request
	}
	p.line("%s  %s generation %d, %s: %s", clock(past.Time), past.Material, past.Generation, cause, outcome)
}

func clock(t metav1.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
