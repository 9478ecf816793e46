package identitytenant

import (
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
)

// announce tells, by events, what changed: conditions that turned, and fields of
// children that somebody had changed by hand.
func (r *Reconciler) announce(before, after *v1alpha1.IdentityTenant, changes []apply.Change) {
	for _, change := range changes {
		switch change.Verb {
		case apply.Restored:
			r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, v1alpha1.EventRestored, "Restore",
				"Put back %s of %s %s, which was changed by hand", change.Field, change.Kind, change.Name)
		case apply.Created:
			if before.Status.ServingRevision != "" && change.Kind != "Secret" {
				r.Recorder.Eventf(after, nil, corev1.EventTypeNormal, v1alpha1.EventCreated, "Create", "Created %s %s", change.Kind, change.Name)
			}
		}
	}
	for _, condition := range after.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReconciling || condition.Type == v1alpha1.ConditionStalled {
			continue // Ready says the same
		}
		previous := apimeta.FindStatusCondition(before.Status.Conditions, condition.Type)
		if previous != nil && previous.Status == condition.Status && previous.Reason == condition.Reason {
			continue
		}
		if previous == nil && condition.Status != metav1.ConditionTrue {
			continue // a new tenant is not ready yet: no news
		}
		kind := corev1.EventTypeNormal
		if condition.Status == metav1.ConditionFalse {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(after, nil, kind, condition.Reason, "Observe", "%s is %s: %s", condition.Type, condition.Status, condition.Message)
	}
}
