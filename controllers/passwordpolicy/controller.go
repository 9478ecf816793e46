// Package passwordpolicy says of each PasswordPolicy that it is valid and who uses it. Its effect shows on the tenants.
package passwordpolicy

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
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// Reconciler publishes the status of PasswordPolicies. What can be wrong with one, the API server refuses already.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("passwordpolicy").
		For(&v1alpha1.PasswordPolicy{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, waking.StatusLost()))).
		Watches(&v1alpha1.IdentityTenant{}, handler.EnqueueRequestsFromMapFunc(named), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(options).
		Complete(tracing.Reconciler("PasswordPolicy", r))
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var policy v1alpha1.PasswordPolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &policy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var tenants v1alpha1.IdentityTenantList
	if err := r.Client.List(ctx, &tenants, client.InNamespace(policy.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	before := policy.DeepCopy()
	conditions := status.From(policy.Status.Conditions, policy.Generation, r.Clock.Now())
	conditions.Conclude(nil, "The policy is valid")
	policy.Status.Conditions, policy.Status.ObservedGeneration = conditions.List(), policy.Generation
	policy.Status.UsedBy = publish.UsedBy(tenants.Items, func(tenant *v1alpha1.IdentityTenant) bool { return names(tenant, policy.Name) })
	if err := status.Write(ctx, r.Client, before, &policy); err != nil {
		return waking.Late(err)
	}
	publish.Ready(r.Recorder, &policy, before.Status.Conditions, policy.Status.Conditions)
	return ctrl.Result{}, nil
}

func names(tenant *v1alpha1.IdentityTenant, policy string) bool {
	for _, realm := range tenant.Spec.Realms {
		if ref := realm.PasswordPolicyRef; ref != nil && ref.Name == policy {
			return true
		}
	}
	return false
}

// named lists the policies that a tenant names. Of a change both the former and the new tenant come here.
func named(_ context.Context, object client.Object) (requests []reconcile.Request) {
	tenant := object.(*v1alpha1.IdentityTenant)
	for _, realm := range tenant.Spec.Realms {
		if ref := realm.PasswordPolicyRef; ref != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: tenant.Namespace, Name: ref.Name}})
		}
	}
	return requests
}
