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

func TestAVersionIsHeldAgainstTheVendorsAdvisories(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	waiver := tenant.Waiver{Name: "until-may", Control: "OPS-01", Kind: kindTenant, Subject: "acme", Until: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		version tenant.Version
		waiver  time.Time
		says    []string
	}{
		"without an update":        {version: tenant.Version{Major: 7, Minor: 1}, says: []string{"CVE-2025-9312; it was mended in 7.1.0.23", "CVE-2025-15039; it was mended in 7.1.0.49"}},
		"between two":              {version: tenant.Version{Major: 7, Minor: 1, Update: 48}, says: []string{"is 7.1.0.48, which is known to be open to CVE-2025-15039"}},
		"mended":                   {version: tenant.Version{Major: 7, Minor: 1, Update: 49}},
		"7.2":                      {version: tenant.Version{Major: 7, Minor: 2, Update: 6}, says: []string{"7.2.0.7"}},
		"7.2 mended":               {version: tenant.Version{Major: 7, Minor: 2, Update: 7}},
		"7.3":                      {version: tenant.Version{Major: 7, Minor: 3}},
		"waived":                   {version: tenant.Version{Major: 7, Minor: 2}, waiver: now.Add(time.Hour)},
		"waived, and that is over": {version: tenant.Version{Major: 7, Minor: 2}, waiver: now, says: []string{"CVE-2025-15039"}},
	} {
		want := tenant.Spec{Name: "acme", Product: tenant.WSO2IS, Version: c.version, Profile: control.Strict}
		if !c.waiver.IsZero() {
			waiver.Until = c.waiver
			want.Waivers = []tenant.Waiver{waiver}
		}
		documents, err := Documents(driver{}, want, tenant.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		releases, _ := control.Load().Find("OPS-01")
		fact := Assess(Judge(control.Catalogue{releases}, Target(want), documents, nil), want, now)
		if len(fact.Weak)+len(fact.Lapsed) != 0 {
			t.Errorf("%s: a version holds up what would mend it: %+v", name, fact)
		}
		if len(fact.Exposed) != len(c.says) {
			t.Fatalf("%s: told is %+v", name, fact.Exposed)
		}
		for i, says := range c.says {
			if !strings.Contains(fact.Exposed[i].Message, says) {
				t.Errorf("%s: %q does not say %q", name, fact.Exposed[i].Message, says)
			}
		}
	}
}
