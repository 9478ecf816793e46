// Package rotationschedule says of each RotationSchedule whether it can be kept, when its next runs and openings are, and who
// uses it. Its effect shows on the tenants and Keystores.
package rotationschedule

import (
	"context"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

const (
	// listed is how many runs and openings a status shows.
	listed = 5
	// longestSleep bounds the time between two looks: a timer does not notice that somebody put the clock forward.
	longestSleep = time.Hour
)

// Reconciler publishes the status of RotationSchedules.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("rotationschedule").
		For(&v1alpha1.RotationSchedule{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, waking.StatusLost()))).
		Watches(&v1alpha1.IdentityTenant{}, handler.EnqueueRequestsFromMapFunc(named), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Keystore{}, handler.EnqueueRequestsFromMapFunc(named), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(options).
		Complete(tracing.Reconciler("RotationSchedule", r))
}

// Reconcile implements reconcile.Reconciler. It writes when a listed time has passed, and otherwise only for a change of the
// spec or of who uses it.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cr v1alpha1.RotationSchedule
	if err := r.Client.Get(ctx, request.NamespacedName, &cr); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var tenants v1alpha1.IdentityTenantList
	if err := r.Client.List(ctx, &tenants, client.InNamespace(cr.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	var stores v1alpha1.KeystoreList
	if err := r.Client.List(ctx, &stores, client.InNamespace(cr.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	before, now := cr.DeepCopy(), r.Clock.Now()
	schedule, err := resolve.Schedule(&cr)
	tracing.Found(ctx, err)
	conditions := status.From(cr.Status.Conditions, cr.Generation, now)
	conditions.Conclude(err, verdict(schedule))
	cr.Status = v1alpha1.RotationScheduleStatus{
		ObservedGeneration: cr.Generation, Conditions: conditions.List(),
		UsedBy: publish.FirstOf(users(cr.Name, tenants.Items, stores.Items)),
	}
	if err == nil {
		cr.Status.NextRuns, cr.Status.NextOpenings = runs(schedule, now), openings(schedule, now)
	}
	if err := status.Write(ctx, r.Client, before, &cr); err != nil {
		return waking.Late(err)
	}
	publish.Ready(r.Recorder, &cr, before.Status.Conditions, cr.Status.Conditions)
	return ctrl.Result{RequeueAfter: sleep(cr.Status, now)}, nil
}

// users are the tenants and Keystores that name a schedule.
func users(name string, tenants []v1alpha1.IdentityTenant, stores []v1alpha1.Keystore) (names []string) {
	for i := range tenants {
		if slices.Contains(slices.Collect(maps.Values(resolve.ScheduleFields(&tenants[i]))), name) {
			names = append(names, tenants[i].Name)
		}
	}
	for i := range stores {
		if ref := stores[i].Spec.RotationRef; ref != nil && ref.Name == name {
			names = append(names, stores[i].Name)
		}
	}
	return names
}

// verdict on a valid schedule.
func verdict(schedule rotation.Schedule) string {
	if schedule.Suspended() {
		return "The schedule is valid and suspended: nothing is due and no window opens until spec.suspend is false"
	}
	return "The schedule is valid"
}

// runs are the next ones. Jitter is left out: it differs for each object.
func runs(schedule rotation.Schedule, now time.Time) (next []metav1.Time) {
	for run := schedule.Next(now, ""); !run.IsZero() && len(next) < listed; run = schedule.Next(run, "") {
		next = append(next, metav1.NewTime(run))
	}
	return next
}

// openings are the current one, if there is one, and the next.
func openings(schedule rotation.Schedule, now time.Time) (next []v1alpha1.ScheduleOpening) {
	start, end := schedule.Opening(now)
	if start.IsZero() {
		start, end = schedule.NextOpening(now)
	}
	for !start.IsZero() && !end.IsZero() && len(next) < listed {
		next = append(next, v1alpha1.ScheduleOpening{Start: metav1.NewTime(start), End: metav1.NewTime(end)})
		start, end = schedule.NextOpening(end)
	}
	return next
}

// sleep is how long no listed time passes.
func sleep(seen v1alpha1.RotationScheduleStatus, now time.Time) time.Duration {
	var wake []time.Duration
	if len(seen.NextRuns) > 0 {
		wake = append(wake, seen.NextRuns[0].Sub(now))
	}
	if len(seen.NextOpenings) > 0 {
		wake = append(wake, seen.NextOpenings[0].End.Sub(now))
	}
	if len(wake) == 0 {
		return 0
	}
	return min(slices.Min(wake), longestSleep)
}

// named lists the schedules that a tenant or a Keystore names. Of a change both the former and the new object come here.
func named(_ context.Context, object client.Object) (requests []reconcile.Request) {
	var names []string
	switch user := object.(type) {
	case *v1alpha1.IdentityTenant:
		names = slices.Collect(maps.Values(resolve.ScheduleFields(user)))
	case *v1alpha1.Keystore:
		if user.Spec.RotationRef != nil {
			names = []string{user.Spec.RotationRef.Name}
		}
	}
	for _, name := range names {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: name}})
	}
	return requests
}
