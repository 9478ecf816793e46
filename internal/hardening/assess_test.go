package hardening

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Whoever mends the first weakness and then learns of the second waits for two passes, and for a
// second review.
func TestEachWeaknessOfAControlIsTold(t *testing.T) {
	t.Parallel()
	twelve := control.Rule{AtLeast: "12"}
	verdict := Verdict{Control: control.Control{ID: "PWD-01", Title: "Long passwords"}, Outcome: control.Weak, Findings: []Finding{
		{control.Finding{Document: control.Settings, Key: "password.length.min", Found: []string{"8"}, Want: twelve}, "partners"},
		{control.Finding{Document: control.Settings, Key: "password.length.min", Found: []string{"9"}, Want: twelve}, "root"},
		{control.Finding{Document: control.Settings, Key: "password.length.min", Found: []string{"10"}, Want: twelve}, "terminals"},
	}}
	now := time.Unix(1e9, 0)
	want := tenant.Spec{Name: "acme", Realms: []tenant.Realm{{Name: "terminals", Policy: "short"}},
		Waivers: []tenant.Waiver{{Name: "terminals", Control: "PWD-01", Kind: kindPasswordPolicy, Subject: "short", Until: now.Add(time.Hour)}}}
	fact := Assess([]Verdict{verdict}, want, now)
	if len(fact.Weak) != 2 || !strings.Contains(fact.Weak[0].Message, "realm partners is 8") || !strings.Contains(fact.Weak[1].Message, "realm root is 9") {
		t.Errorf("told is %+v", fact.Weak)
	}
	if fact.Waived != nil || fact.Met != 0 {
		t.Errorf("a control that is weak is called waived or met too: %+v", fact)
	}
}
