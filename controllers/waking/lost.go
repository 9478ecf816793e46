package waking

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// StatusLost lets through the update that takes an object's conditions away: a restore without status, or somebody's edit. Our
// own writes never do that, so it wakes nobody in vain.
func StatusLost() predicate.Predicate {
	return onUpdate(func(e event.UpdateEvent) bool {
		return len(conditions(e.ObjectOld)) > 0 && len(conditions(e.ObjectNew)) == 0
	})
}

func conditions(object client.Object) []metav1.Condition {
	switch object := object.(type) {
	case *v1alpha1.IdentityTenant:
		return object.Status.Conditions
	case *v1alpha1.Keystore:
		return object.Status.Conditions
	case *v1alpha1.PasswordPolicy:
		return object.Status.Conditions
	case *v1alpha1.LogPolicy:
		return object.Status.Conditions
	case *v1alpha1.RotationSchedule:
		return object.Status.Conditions
	case *v1alpha1.HardeningWaiver:
		return object.Status.Conditions
	case *v1alpha1.VaultConnection:
		return object.Status.Conditions
	}
	return nil
}

// DeletionBegins lets through the update that sets a deletion time.
func DeletionBegins() predicate.Predicate {
	return onUpdate(func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() && !e.ObjectNew.GetDeletionTimestamp().IsZero()
	})
}

// onUpdate lets through the updates that news accepts, and nothing else.
func onUpdate(news func(event.UpdateEvent) bool) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false }, DeleteFunc: func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false }, UpdateFunc: news,
	}
}
