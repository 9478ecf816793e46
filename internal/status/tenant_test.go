package status_test

import (
	"errors"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

var steps = []string{
	v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionVaultReady, v1alpha1.ConditionKeystoresReady, v1alpha1.ConditionDatabaseReady,
	v1alpha1.ConditionSecretsReady, v1alpha1.ConditionWorkloadAvailable, v1alpha1.ConditionSettingsApplied,
}

// healthy is the report of a pass in which all is well, but for the outcomes given.
func healthy(change ...pipeline.Outcome) pipeline.Report {
	report := pipeline.Report{Seen: tenant.Facts{DesiredRevision: "r2", ServingRevision: "r2", Pods: tenant.Pods{Wanted: 2, Ready: 2, Updated: 2}}}
	for _, step := range steps {
		outcome := pipeline.Outcome{Condition: step}
		for _, changed := range change {
			if changed.Condition == step {
				outcome = changed
			}
		}
		report.Outcomes = append(report.Outcomes, outcome)
	}
	return report
}

// sealed is the report of a pass with a sealed Vault.
func sealed() pipeline.Report {
	return healthy(
		pipeline.Outcome{Condition: v1alpha1.ConditionVaultReady, Err: fault.Waiting("VaultSealed", "Vault is sealed")},
		pipeline.Outcome{Condition: v1alpha1.ConditionKeystoresReady, Blocked: v1alpha1.ConditionVaultReady},
		pipeline.Outcome{Condition: v1alpha1.ConditionDatabaseReady, Blocked: v1alpha1.ConditionVaultReady},
		pipeline.Outcome{Condition: v1alpha1.ConditionSecretsReady, Blocked: v1alpha1.ConditionVaultReady},
		pipeline.Outcome{Condition: v1alpha1.ConditionWorkloadAvailable, Blocked: v1alpha1.ConditionKeystoresReady},
		pipeline.Outcome{Condition: v1alpha1.ConditionSettingsApplied, Blocked: v1alpha1.ConditionSecretsReady},
	)
}

func compute(cr *v1alpha1.IdentityTenant, report pipeline.Report, now time.Time) *v1alpha1.IdentityTenant {
	out := cr.DeepCopy()
	out.Status = status.Tenant(cr, report, now)
	return out
}

func newTenant() *v1alpha1.IdentityTenant {
	return &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme", Generation: 3}}
}

func expect(t *testing.T, cr *v1alpha1.IdentityTenant, conditionType, value, reason string) {
	t.Helper()
	condition := apimeta.FindStatusCondition(cr.Status.Conditions, conditionType)
	if condition == nil {
		if value != "" {
			t.Errorf("%s is absent, want %s %s", conditionType, value, reason)
		}
		return
	}
	if string(condition.Status) != value || condition.Reason != reason {
		t.Errorf("%s is %s %s (%s), want %q %s", conditionType, condition.Status, condition.Reason, condition.Message, value, reason)
	}
	if condition.ObservedGeneration != cr.Generation {
		t.Errorf("%s answers for generation %d, want %d", conditionType, condition.ObservedGeneration, cr.Generation)
	}
}

func TestAllWell(t *testing.T) {
	cr := compute(newTenant(), healthy(), noon)
	expect(t, cr, v1alpha1.ConditionReady, "True", "Succeeded")
	expect(t, cr, v1alpha1.ConditionReconciling, "", "")
	expect(t, cr, v1alpha1.ConditionStalled, "", "")
	expect(t, cr, v1alpha1.ConditionUpToDate, "True", "Succeeded")
	if cr.Status.ServingRevision != "r2" || cr.Status.ObservedGeneration != 3 {
		t.Errorf("status: %+v", cr.Status)
	}
	again := compute(cr, healthy(), noon.Add(time.Hour))
	for i, condition := range again.Status.Conditions {
		if condition != cr.Status.Conditions[i] {
			t.Errorf("an unchanged pass changed %s: %+v", condition.Type, condition)
		}
	}
}

func TestWhoHasToAct(t *testing.T) {
	for name, test := range map[string]struct {
		err          error
		reason       string
		stalled, rec string
	}{
		"a person":        {fault.Terminal("NameConflict", "x"), "NameConflict", "True", ""},
		"another system":  {fault.Waiting("CertificatePending", "x"), "CertificatePending", "", "True"},
		"nobody, by time": {errors.New("reset"), "Error", "", "True"},
	} {
		t.Run(name, func(t *testing.T) {
			cr := compute(newTenant(), healthy(pipeline.Outcome{Condition: v1alpha1.ConditionKeystoresReady, Err: test.err}), noon)
			expect(t, cr, v1alpha1.ConditionReady, "False", test.reason)
			expect(t, cr, v1alpha1.ConditionKeystoresReady, "False", test.reason)
			expect(t, cr, v1alpha1.ConditionStalled, test.stalled, test.reason)
			expect(t, cr, v1alpha1.ConditionReconciling, test.rec, test.reason)
		})
	}
}

func TestASealedVaultLeavesAServingTenantReadyUntilTheBudgetIsSpent(t *testing.T) {
	served := compute(newTenant(), healthy(), noon)
	soon := compute(served, sealed(), noon.Add(time.Minute))
	expect(t, soon, v1alpha1.ConditionVaultReady, "False", "VaultSealed")
	expect(t, soon, v1alpha1.ConditionKeystoresReady, "True", "Succeeded")
	expect(t, soon, v1alpha1.ConditionReady, "True", "Succeeded")

	late := compute(soon, sealed(), noon.Add(time.Minute+status.StalenessBudget+time.Second))
	expect(t, late, v1alpha1.ConditionReady, "False", "VaultSealed")
}

func TestASealedVaultNeverMakesANewWishReady(t *testing.T) {
	served := compute(newTenant(), healthy(), noon)
	served.Generation++
	changed := compute(served, sealed(), noon.Add(time.Minute))
	expect(t, changed, v1alpha1.ConditionReady, "False", "VaultSealed")
	expect(t, changed, v1alpha1.ConditionSecretsReady, "False", "DependencyNotReady")
	expect(t, changed, v1alpha1.ConditionAvailable, "True", "Succeeded")
}

func TestPodsThatDieWhileVaultIsSealedAreTold(t *testing.T) {
	served := compute(newTenant(), healthy(), noon)
	report := sealed()
	for i := range report.Outcomes {
		if report.Outcomes[i].Condition == v1alpha1.ConditionWorkloadAvailable {
			report.Outcomes[i].Err = fault.Waiting("PodsNotReady", "0 of 2")
		}
	}
	report.Seen.Pods.Ready, report.Seen.ServingRevision = 0, ""
	cr := compute(served, report, noon.Add(time.Minute))
	expect(t, cr, v1alpha1.ConditionWorkloadAvailable, "False", "PodsNotReady")
	expect(t, cr, v1alpha1.ConditionAvailable, "False", "PodsNotReady")
	expect(t, cr, v1alpha1.ConditionReady, "False", "VaultSealed")
}

func TestAHeldRolloutIsReadyAndAMovingOneIsNot(t *testing.T) {
	held := healthy()
	held.Seen.ServingRevision, held.Seen.Pods.Held = "r1", true
	cr := compute(newTenant(), held, noon)
	expect(t, cr, v1alpha1.ConditionReady, "True", "RolloutScheduled")
	expect(t, cr, v1alpha1.ConditionUpToDate, "False", "RolloutScheduled")
	expect(t, cr, v1alpha1.ConditionReconciling, "", "")

	moving := healthy()
	moving.Seen.ServingRevision, moving.Seen.Pods.Updated = "", 1
	cr = compute(newTenant(), moving, noon)
	expect(t, cr, v1alpha1.ConditionReady, "False", "Progressing")
	expect(t, cr, v1alpha1.ConditionUpToDate, "False", "Progressing")
	expect(t, cr, v1alpha1.ConditionReconciling, "True", "Progressing")
}

func TestARejectedWish(t *testing.T) {
	served := compute(newTenant(), healthy(), noon)
	served.Generation++

	blind := compute(served, pipeline.Rejected(fault.Terminal("PeerUnknown", "x")), noon)
	expect(t, blind, v1alpha1.ConditionReady, "False", "PeerUnknown")
	expect(t, blind, v1alpha1.ConditionStalled, "True", "PeerUnknown")
	expect(t, blind, v1alpha1.ConditionAvailable, "Unknown", "NotObserved")

	enforced := healthy()
	enforced.Rejected = fault.Terminal("PeerUnknown", "x")
	lastGood := compute(served, enforced, noon)
	expect(t, lastGood, v1alpha1.ConditionReady, "False", "PeerUnknown")
	expect(t, lastGood, v1alpha1.ConditionAvailable, "True", "Succeeded")
}

func TestSuspended(t *testing.T) {
	report := healthy()
	report.Want.Suspended = true
	expect(t, compute(newTenant(), report, noon), v1alpha1.ConditionReady, "True", "Suspended")
}

func TestAHeldRolloutTellsUntilWhenAndWhat(t *testing.T) {
	weekly, err := rotation.Compile(rotation.Spec{TimeZone: "Europe/Berlin", Windows: []rotation.Window{{Duration: time.Hour}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	suspended, err := rotation.Compile(rotation.Spec{Windows: []rotation.Window{{Duration: time.Hour}}, Suspend: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*pipeline.Report){
		"Revision r2 waits for the next window": func(*pipeline.Report) {},
		"Revision r2 waits for the window that opens at 2026-05-04T14:00:00+02:00; it changes Keystore acme-tls, the configuration": func(r *pipeline.Report) {
			r.Want.Maintenance, r.Seen.Pods.Opens, r.Seen.Pods.Changes = weekly, noon, []string{"Keystore acme-tls", "the configuration"}
		},
		"Revision r2 waits until RotationSchedule nightly is not suspended any more": func(r *pipeline.Report) {
			r.Want.Maintenance, r.Want.MaintenanceName = suspended, "nightly"
		},
	} {
		report := healthy()
		report.Seen.ServingRevision, report.Seen.Pods.Held = "r1", true
		change(&report)
		cr := compute(newTenant(), report, noon)
		expect(t, cr, v1alpha1.ConditionUpToDate, "False", "RolloutScheduled")
		if got := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionUpToDate).Message; got != says {
			t.Errorf("%q, want %q", got, says)
		}
	}
}
