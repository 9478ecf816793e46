// Package hardeningwaiver says of each HardeningWaiver whether it holds and who needs it. Its effect shows on the tenants.
package hardeningwaiver

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// Reconciler publishes the status of HardeningWaivers.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("hardeningwaiver").
		For(&v1alpha1.HardeningWaiver{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, waking.StatusLost()))).
		Watches(&v1alpha1.IdentityTenant{}, handler.EnqueueRequestsFromMapFunc(needed), builder.WithPredicates(judgedOtherwise())).
		WithOptions(options).
		Complete(tracing.Reconciler("HardeningWaiver", r))
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var waiver v1alpha1.HardeningWaiver
	if err := r.Client.Get(ctx, request.NamespacedName, &waiver); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var tenants v1alpha1.IdentityTenantList
	if err := r.Client.List(ctx, &tenants, client.InNamespace(waiver.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	now, before := r.Clock.Now(), waiver.DeepCopy()
	waiver.Status.ObservedGeneration = waiver.Generation
	waiver.Status.UsedBy = publish.UsedBy(tenants.Items, func(tenant *v1alpha1.IdentityTenant) bool {
		return tenant.Status.Hardening != nil && slices.Contains(tenant.Status.Hardening.Waivers, waiver.Name)
	})
	until, problem := check(&waiver, now)
	tracing.Found(ctx, problem)
	conditions := status.From(waiver.Status.Conditions, waiver.Generation, now)
	conditions.Conclude(problem, "It holds until "+until.UTC().Format(time.RFC3339))
	if problem == nil && waiver.Status.UsedBy == "" {
		conditions.True(v1alpha1.ConditionReady, v1alpha1.ReasonUnused, "Nothing is weaker than its profile by it: delete it if that is to stay so")
	}
	waiver.Status.Conditions = conditions.List()
	if err := status.Write(ctx, r.Client, before, &waiver); err != nil {
		return waking.Late(err)
	}
	publish.Ready(r.Recorder, &waiver, before.Status.Conditions, waiver.Status.Conditions)
	if problem != nil {
		return ctrl.Result{}, nil //nolint:nilerr // only a person heals it, and that wakes us
	}
	return ctrl.Result{RequeueAfter: max(until.Sub(now), time.Second)}, nil
}

// check refuses a waiver for nothing, and one that has expired.
func check(waiver *v1alpha1.HardeningWaiver, now time.Time) (until time.Time, problem error) {
	if _, known := control.Load().Find(waiver.Spec.Control); !known {
		return until, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.control: there is no control %s: see holdfast controls", waiver.Spec.Control)
	}
	until, err := resolve.LastDay(waiver.Spec.Expires)
	if err != nil {
		return until, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.expires: write a day such as 2027-03-31")
	}
	if !until.After(now) {
		return until, fault.Terminal(v1alpha1.ReasonWaiverExpired, "It expired at %s: prolong it by spec.expires, or delete it when nobody needs it", until.UTC().Format(time.RFC3339))
	}
	return until, nil
}

// needed lists the waivers that a tenant needs. Of an update both the former and the new tenant come here.
func needed(_ context.Context, object client.Object) (requests []reconcile.Request) {
	if judged := object.(*v1alpha1.IdentityTenant).Status.Hardening; judged != nil {
		for _, name := range judged.Waivers {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: name}})
		}
	}
	return requests
}

func judgedOtherwise() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.IdentityTenant)
		after, alsoOK := e.ObjectNew.(*v1alpha1.IdentityTenant)
		return ok && alsoOK && !equality.Semantic.DeepEqual(before.Status.Hardening, after.Status.Hardening)
	}}
}
