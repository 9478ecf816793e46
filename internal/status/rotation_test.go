package status_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// rotating is the report of a pass in which the step that rotates came to an outcome.
func rotating(outcome pipeline.Outcome, facts ...tenant.RotationFact) pipeline.Report {
	report := healthy()
	outcome.Condition = v1alpha1.ConditionRotationOnTime
	report.Outcomes = append(report.Outcomes, outcome)
	report.Seen.Rotations = facts
	return report
}

func TestRotationOnTime(t *testing.T) {
	system := tenant.RotationFact{Material: "administrator", NextDue: noon.Add(time.Hour), Last: noon.Add(-time.Hour), Reason: "NotDue", Message: "administrator is due at …"}
	late := tenant.RotationFact{Material: "token-signing", NextDue: noon.Add(-48 * time.Hour), Overdue: noon.Add(-24 * time.Hour), Reason: "NextNotPublished", Message: "token-signing is due and waits"}

	cr := compute(newTenant(), rotating(pipeline.Outcome{}, system), noon)
	expect(t, cr, v1alpha1.ConditionRotationOnTime, "True", "Succeeded")
	if got := cr.Status.Rotations; len(got) != 1 || !got[0].NextDue.Time.Equal(noon.Add(time.Hour)) || !got[0].LastRotation.Time.Equal(noon.Add(-time.Hour)) || got[0].Reason != "NotDue" || got[0].Message != system.Message {
		t.Errorf("%+v", got)
	}

	cr = compute(newTenant(), rotating(pipeline.Outcome{}, system, late), noon)
	expect(t, cr, v1alpha1.ConditionRotationOnTime, "False", "Overdue")
	expect(t, cr, v1alpha1.ConditionReady, "True", "Succeeded")
	for _, one := range cr.Status.Rotations {
		if late := one.Material == "token-signing"; late != (one.OverdueSince != nil) || late && !one.OverdueSince.Time.Equal(noon.Add(-24*time.Hour)) {
			t.Errorf("%s is overdue since %v", one.Material, one.OverdueSince)
		}
	}
	message := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionRotationOnTime).Message
	if !strings.Contains(message, "token-signing is overdue since 2026-05-03T12:00:00Z") || strings.Contains(message, "administrator") {
		t.Errorf("RotationOnTime says %q", message)
	}

	// While nobody can look, what was told stays; so does what waits behind a fault.
	for _, outcome := range []pipeline.Outcome{{Blocked: v1alpha1.ConditionVaultReady}, {Err: errors.New("x")}} {
		blind := compute(cr, rotating(outcome, tenant.RotationFact{Material: "tls", Reason: "NotDue"}), noon.Add(time.Minute))
		var names []string
		for _, one := range blind.Status.Rotations {
			names = append(names, one.Material)
		}
		if strings.Join(names, " ") != "administrator tls token-signing" {
			t.Errorf("after %+v: %v", outcome, names)
		}
	}
	if gone := compute(cr, rotating(pipeline.Outcome{}, late), noon); len(gone.Status.Rotations) != 1 {
		t.Errorf("what has no schedule any more is still told: %+v", gone.Status.Rotations)
	}

	expiring := rotating(pipeline.Outcome{}, system)
	expiring.Seen.Pods.Expiring = "pods are replaced outside of any window: …"
	cr = compute(newTenant(), expiring, noon)
	expect(t, cr, v1alpha1.ConditionRotationOnTime, "True", "Expiring")
}
