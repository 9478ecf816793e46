package status_test

import (
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/status"
)

// installing is the report of a first installation that waits at a step.
func installing(at string, err error) pipeline.Report {
	report := healthy()
	report.Seen.ServingRevision = ""
	reached := false
	for i, outcome := range report.Outcomes {
		switch {
		case reached:
			report.Outcomes[i].Blocked = at
		case outcome.Condition == at:
			report.Outcomes[i].Err = err
			reached = true
		}
	}
	return report
}

// TestOnlyProgressOfAFirstInstallationMayWait: whatever somebody has to know or to do is
// written at once.
func TestOnlyProgressOfAFirstInstallationMayWait(t *testing.T) {
	certificate := fault.Waiting(v1alpha1.ReasonCertificatePending, "cert-manager has not issued yet")
	job := fault.Waiting(v1alpha1.ReasonProgressing, "the schema Job has not finished")
	first := installing(v1alpha1.ConditionKeystoresReady, certificate)
	later := installing(v1alpha1.ConditionDatabaseReady, job)
	served := later
	served.Seen.ServingRevision = "r1"
	newGeneration := newTenant()
	newGeneration.Generation++
	asked := newTenant()
	asked.Annotations = map[string]string{v1alpha1.AnnotationReconcile: "now"}
	for name, test := range map[string]struct {
		before, after pipeline.Report
		tenant        *v1alpha1.IdentityTenant // of the later pass
		waits         bool
	}{
		"the next step":                  {before: first, after: later, waits: true},
		"a step that was lost":           {before: later, after: first},
		"ready":                          {before: first, after: healthy()},
		"a person is needed":             {before: first, after: installing(v1alpha1.ConditionDatabaseReady, fault.Terminal(v1alpha1.ReasonSchemaFailed, "no"))},
		"somebody has to make an object": {before: first, after: installing(v1alpha1.ConditionDatabaseReady, fault.Waiting(v1alpha1.ReasonNotFound, "create it"))},
		"the object was made":            {before: installing(v1alpha1.ConditionDatabaseReady, fault.Waiting(v1alpha1.ReasonNotFound, "create it")), after: later},
		"it served before":               {before: served, after: later},
		"it serves":                      {before: first, after: served},
		"the spec changed":               {before: first, after: later, tenant: newGeneration},
		"a request was seen":             {before: first, after: later, tenant: asked},
	} {
		t.Run(name, func(t *testing.T) {
			before := compute(newTenant(), test.before, noon)
			present := newTenant()
			if test.tenant != nil {
				present = test.tenant.DeepCopy()
			}
			present.Status = before.Status
			after := compute(present, test.after, noon.Add(time.Second))
			if waits := status.MayWait(before.Status, after.Status); waits != test.waits {
				t.Errorf("may wait: %v, want %v", waits, test.waits)
			}
		})
	}
	if status.MayWait(v1alpha1.IdentityTenantStatus{}, compute(newTenant(), first, noon).Status) {
		t.Error("the first status may wait")
	}
}
