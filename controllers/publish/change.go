package publish

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
)

// Change tells of a child that was made or put back. The event carries the child and the field beside its owner: events
// that agree in all but the note are counted as one, and the later notes would be lost.
func Change(recorder events.EventRecorder, owner client.Object, change apply.Change) {
	child := &corev1.ObjectReference{Kind: change.Kind, Namespace: owner.GetNamespace(), Name: change.Name, FieldPath: change.Field}
	switch change.Verb {
	case apply.Restored:
		about(recorder, owner, child, corev1.EventTypeWarning, v1alpha1.EventRestored, "Restore",
			fmt.Sprintf("Put back %s of %s %s, which was changed by hand", change.Field, change.Kind, change.Name))
	case apply.Created:
		about(recorder, owner, child, corev1.EventTypeNormal, v1alpha1.EventCreated, "Create", fmt.Sprintf("Created %s %s", change.Kind, change.Name))
	}
}
