// Package rotationrecord removes RotationRecords that are too old or too many. Those who rotate write them.
package rotationrecord

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// longestSleep bounds the time between two looks: a timer does not notice that somebody put the clock forward.
const longestSleep = 24 * time.Hour

// Reconciler prunes RotationRecords.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client client.Client
	Clock  clock.PassiveClock
	// Keep says which stay.
	Keep Keep
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("rotationrecord").
		For(&v1alpha1.RotationRecord{}, builder.WithPredicates(predicate.Funcs{
			UpdateFunc: func(e event.UpdateEvent) bool { return ended(e.ObjectOld) != ended(e.ObjectNew) },
			DeleteFunc: func(event.DeleteEvent) bool { return false },
		})).
		WithOptions(options).
		Complete(tracing.Reconciler("RotationRecord", r))
}

func ended(object client.Object) bool {
	record, ok := object.(*v1alpha1.RotationRecord)
	return ok && record.Status.Outcome != ""
}

// Reconcile looks at all records of the same material of the same object. One of an object of the same name that was there
// before counts too, or each life of a tenant would leave some for ever.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cr v1alpha1.RotationRecord
	if err := r.Client.Get(ctx, request.NamespacedName, &cr); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var all v1alpha1.RotationRecordList
	if err := r.Client.List(ctx, &all, client.InNamespace(cr.Namespace), client.MatchingLabels(record.Labels(cr.Spec.Subject.Kind, cr.Spec.Subject.Name))); err != nil {
		return ctrl.Result{}, fmt.Errorf("list RotationRecords: %w", err)
	}
	var alike []v1alpha1.RotationRecord
	for _, one := range all.Items {
		if one.Spec.Subject.Kind == cr.Spec.Subject.Kind && one.Spec.Subject.Name == cr.Spec.Subject.Name && one.Spec.Material == cr.Spec.Material {
			alike = append(alike, one)
		}
	}
	var failed error
	lives := func(subject v1alpha1.RotationSubject) bool {
		alive, err := r.lives(ctx, cr.Namespace, subject)
		if err != nil {
			failed = err
		}
		return alive || err != nil
	}
	now := r.Clock.Now()
	remove, again := excess(alike, lives, r.Keep.withDefaults(), now)
	if failed != nil {
		return ctrl.Result{}, failed
	}
	for _, one := range remove {
		if err := r.remove(ctx, one); err != nil {
			return ctrl.Result{}, err
		}
	}
	if again.IsZero() {
		return ctrl.Result{RequeueAfter: longestSleep}, nil
	}
	return ctrl.Result{RequeueAfter: min(max(again.Sub(now), time.Second), longestSleep)}, nil
}

// lives tells whether the very object that a record is about is still there.
func (r *Reconciler) lives(ctx context.Context, namespace string, subject v1alpha1.RotationSubject) (bool, error) {
	var object client.Object = &v1alpha1.IdentityTenant{}
	if subject.Kind == "Keystore" {
		object = &v1alpha1.Keystore{}
	}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: subject.Name}, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s %s: %w", subject.Kind, subject.Name, err)
	}
	return object.GetUID() == subject.UID, nil
}

// remove deletes the record as it was looked at. Where the namespace does not admit the operator any more, it stays.
func (r *Reconciler) remove(ctx context.Context, one *v1alpha1.RotationRecord) error {
	err := r.Client.Delete(ctx, one, client.Preconditions{UID: &one.UID, ResourceVersion: &one.ResourceVersion})
	switch {
	case apierrors.IsForbidden(err):
		logf.FromContext(ctx).V(1).Info("A record that is too old or one too many stays: the namespace does not admit the operator", "record", one.Name)
		return nil
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("delete RotationRecord %s: %w", one.Name, err)
	}
	return nil
}
