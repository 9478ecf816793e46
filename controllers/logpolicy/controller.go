// Package logpolicy says of each LogPolicy whether its masking patterns can be used, and who uses it. Its effect shows on the
// tenants.
package logpolicy

import (
	"context"

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
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// Reconciler publishes the status of LogPolicies.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("logpolicy").
		For(&v1alpha1.LogPolicy{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, waking.StatusLost()))).
		Watches(&v1alpha1.IdentityTenant{}, handler.EnqueueRequestsFromMapFunc(named), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(options).
		Complete(tracing.Reconciler("LogPolicy", r))
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var policy v1alpha1.LogPolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &policy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var tenants v1alpha1.IdentityTenantList
	if err := r.Client.List(ctx, &tenants, client.InNamespace(policy.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	before := policy.DeepCopy()
	conditions := status.From(policy.Status.Conditions, policy.Generation, r.Clock.Now())
	problem := Check(policy.Spec)
	tracing.Found(ctx, problem)
	conditions.Conclude(problem, "The policy is valid")
	policy.Status.Conditions, policy.Status.ObservedGeneration = conditions.List(), policy.Generation
	policy.Status.UsedBy = publish.UsedBy(tenants.Items, func(tenant *v1alpha1.IdentityTenant) bool {
		ref := tenant.Spec.LogPolicyRef
		return ref != nil && ref.Name == policy.Name
	})
	if err := status.Write(ctx, r.Client, before, &policy); err != nil {
		return waking.Late(err)
	}
	publish.Ready(r.Recorder, &policy, before.Status.Conditions, policy.Status.Conditions)
	return ctrl.Result{}, nil
}

// Check refuses, with a Terminal fault that names the field, a policy whose patterns cannot be used.
func Check(spec v1alpha1.LogPolicySpec) error {
	for _, masking := range spec.Masking {
		if problem := checkPattern(masking.Pattern); problem != "" {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.masking[%s].pattern: %s", masking.Name, problem)
		}
	}
	return nil
}

// named lists the policy that a tenant names. Of a change both the former and the new tenant come here.
func named(_ context.Context, object client.Object) []reconcile.Request {
	tenant := object.(*v1alpha1.IdentityTenant)
	if tenant.Spec.LogPolicyRef == nil {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: tenant.Namespace, Name: tenant.Spec.LogPolicyRef.Name}}}
}
