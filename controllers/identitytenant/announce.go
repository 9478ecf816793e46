package identitytenant

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/apply"
)

// announce tells, by events, what changed: conditions that turned, and fields of
// children that somebody had changed by hand.
func (r *Reconciler) announce(before, after *v1alpha1.IdentityTenant, changes []apply.Change) {
	for _, change := range changes {
		// A first installation makes many, and its status tells how far it has come.
		if change.Verb != apply.Created || before.Status.ServingRevision != "" {
			publish.Change(r.Recorder, after, change)
		}
	}
	for _, condition := range after.Status.Conditions {
		previous := apimeta.FindStatusCondition(before.Status.Conditions, condition.Type)
		if !worthTelling(previous, condition) {
			continue
		}
		kind := corev1.EventTypeNormal
		if condition.Status == metav1.ConditionFalse || condition.Type == v1alpha1.ConditionStalled {
			kind = corev1.EventTypeWarning
		}
		note := fmt.Sprintf("%s is %s: %s", condition.Type, condition.Status, condition.Message)
		publish.Event(r.Recorder, after, kind, condition.Reason, "Observe", note)
	}
}

// worthTelling keeps events to what an SRE would ask about: Ready that turned, a person
// who is needed, and conditions that were lost or came back. A tenant that is
// on its way for the first time shows its progress in the status alone.
func worthTelling(previous *metav1.Condition, now metav1.Condition) bool {
	turned := previous == nil || previous.Status != now.Status
	switch now.Type {
	case v1alpha1.ConditionReconciling:
		return false
	case v1alpha1.ConditionStalled:
		return turned || previous.Reason != now.Reason
	case v1alpha1.ConditionReady:
		return turned && (previous != nil || now.Status == metav1.ConditionTrue)
	}
	lost := previous != nil && previous.Status == metav1.ConditionTrue && now.Status != metav1.ConditionTrue
	return lost && now.Type != v1alpha1.ConditionUpToDate
}
