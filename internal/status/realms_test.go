package status_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// withRealms is the report of a pass that looked at these realms.
func withRealms(undeclared []tenant.UndeclaredRealm, change ...pipeline.Outcome) pipeline.Report {
	report := healthy(change...)
	report.Want.Realms = []tenant.Realm{{Name: tenant.RootRealm}, {Name: "shop.example"}}
	report.Want.Undeclared.Mode = tenant.UndeclaredReport
	report.Seen.RealmsHeld = true
	report.Seen.Undeclared = &tenant.UndeclaredFact{Realms: undeclared}
	return report
}

func told(cr *v1alpha1.IdentityTenant) (told []string) {
	for _, realm := range cr.Status.Realms {
		told = append(told, fmt.Sprintf("%s %t %s", realm.Name, realm.Declared, realm.Outcome))
	}
	return told
}

func TestRealmsAreTold(t *testing.T) {
	cr := compute(newTenant(), withRealms([]tenant.UndeclaredRealm{
		{Name: "a.example", Outcome: tenant.RealmHeld},
		{Name: "z.example", Outcome: tenant.RealmDiffers, Differences: tenant.Diff{{Setting: "lockout.attempts", From: "10", To: "5"}}},
		{Name: "new.example"},
	}), noon)
	if got, want := told(cr), []string{"a.example false Held", "new.example false ", "root true Held", "shop.example true Held", "z.example false Differs"}; !reflect.DeepEqual(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if got, want := *cr.Status.UndeclaredRealms, (v1alpha1.UndeclaredRealmsStatus{Found: 3, Held: 1, Pending: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	if got, want := cr.Status.Realms[4].Differences, []string{`lockout.attempts is "10", wanted is "5"`}; !reflect.DeepEqual(got, want) {
		t.Errorf("differences %q, want %q", got, want)
	}
	applied := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionSettingsApplied)
	if applied.Status != "True" || !strings.Contains(applied.Message, "Of 3 realms that nobody declares 1 do not hold the default") {
		t.Errorf("SettingsApplied is %s: %s", applied.Status, applied.Message)
	}

	// What nobody could look at stays as it was told, and a server that answers no more is told once.
	away := withRealms(nil, pipeline.Outcome{Condition: v1alpha1.ConditionSettingsApplied, Blocked: v1alpha1.ConditionWorkloadAvailable})
	away.Seen.Undeclared, away.Seen.RealmsHeld = nil, false
	if again := compute(cr, away, noon.Add(time.Hour)); !reflect.DeepEqual(again.Status.Realms, cr.Status.Realms) || !reflect.DeepEqual(again.Status.UndeclaredRealms, cr.Status.UndeclaredRealms) {
		t.Errorf("what nobody looked at changed: %q", told(again))
	}
	away = withRealms(nil, pipeline.Outcome{Condition: v1alpha1.ConditionSettingsApplied, Err: fault.Waiting("ServerUnreachable", "x")})
	away.Seen.Undeclared, away.Seen.RealmsHeld = nil, false
	if again := compute(cr, away, noon.Add(time.Hour)); told(again)[2] != "root true " || told(again)[0] != "a.example false Held" {
		t.Errorf("with a server that does not answer: %q", told(again))
	}

	ignored := withRealms(nil)
	ignored.Want.Undeclared.Mode, ignored.Seen.Undeclared = tenant.UndeclaredIgnore, nil
	if again := compute(cr, ignored, noon); len(again.Status.Realms) != 2 || again.Status.UndeclaredRealms != nil {
		t.Errorf("ignored realms are told: %q, %v", told(again), again.Status.UndeclaredRealms)
	}
}

// Of thousands of realms, with whatever names, the status lists what matters and counts the rest.
func TestStatusOfManyRealmsIsSmall(t *testing.T) {
	var many []tenant.UndeclaredRealm
	for i := range 3000 {
		realm := tenant.UndeclaredRealm{Name: fmt.Sprintf("r%04d.example", i), Outcome: tenant.RealmHeld}
		if i%1000 == 999 {
			realm.Outcome, realm.Message = tenant.RealmRefused, strings.Repeat("no ", 5000)
			for range 100 {
				realm.Differences = append(realm.Differences, tenant.Change{Setting: "recovery.callbacks", From: strings.Repeat("x", 9999), To: "\x00\n"})
			}
		}
		many = append(many, realm)
	}
	for range 2 { // the same once they are cut
		many = append(many, tenant.UndeclaredRealm{Name: strings.Repeat("n", 250), Outcome: tenant.RealmUnread, Message: "\x1b[31m"})
	}
	cr := compute(newTenant(), withRealms(many), noon)
	if got, want := *cr.Status.UndeclaredRealms, (v1alpha1.UndeclaredRealmsStatus{Found: 3002, Held: 2997, Unlisted: 2982}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	outcomes, size := map[v1alpha1.RealmOutcome]int{}, 0
	for _, realm := range cr.Status.Realms {
		if !realm.Declared {
			outcomes[realm.Outcome]++
		}
		size += len(fmt.Sprint(realm))
		if strings.ContainsAny(fmt.Sprint(realm), "\x00\n\x1b") {
			t.Errorf("%s is not bounded", realm.Name)
		}
	}
	if outcomes[v1alpha1.RealmRefused] != 3 || outcomes[v1alpha1.RealmUnread] != 1 || outcomes[v1alpha1.RealmHeld] != 16 || size > 10_000 {
		t.Errorf("listed %v in %d bytes; want what is wrong first, and little", outcomes, size)
	}
	if differences := cr.Status.Realms[len(cr.Status.Realms)-3].Differences; len(differences) > 0 && differences[5] != "and 95 more" {
		t.Errorf("differences end with %q", differences[len(differences)-1])
	}
}
