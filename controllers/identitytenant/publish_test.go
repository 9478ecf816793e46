package identitytenant

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// TestProgressIsWrittenNowAndThen: the first status at once, progress every 30 seconds, and
// of many tenants at once only one in five seconds.
func TestProgressIsWrittenNowAndThen(t *testing.T) {
	at := func(name, reason string) *v1alpha1.IdentityTenant {
		cr := &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		for _, condition := range []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse}, {Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue}} {
			condition.Reason = reason
			cr.Status.Conditions = append(cr.Status.Conditions, condition)
		}
		return cr
	}
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	r := &Reconciler{Clock: clock}
	pass := func(name string, later time.Duration, reason string) bool {
		clock.SetTime(clock.Now().Add(later))
		withheld := r.withhold(at(name, v1alpha1.ReasonCertificatePending), at(name, reason))
		if withheld == 0 {
			r.note(at(name, reason))
		}
		return withheld == 0
	}
	for i, step := range []struct {
		name    string
		later   time.Duration
		reason  string
		written bool
	}{
		{"acme", 0, v1alpha1.ReasonCertificatePending, true}, // the first one
		{"umbrella", 0, v1alpha1.ReasonCertificatePending, true},
		{"acme", 10 * time.Second, v1alpha1.ReasonProgressing, false},
		{"acme", time.Second, v1alpha1.ReasonSchemaFailed, true}, // somebody has to know
		{"acme", 10 * time.Second, v1alpha1.ReasonProgressing, false},
		{"acme", 20 * time.Second, v1alpha1.ReasonProgressing, true},
		{"umbrella", time.Second, v1alpha1.ReasonProgressing, false}, // acme had the turn
		{"umbrella", 4 * time.Second, v1alpha1.ReasonProgressing, true},
	} {
		if written := pass(step.name, step.later, step.reason); written != step.written {
			t.Errorf("step %d of %s: written %v, want %v", i, step.name, written, step.written)
		}
	}
}
