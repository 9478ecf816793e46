package identitytenant

import (
	"context"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/access"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// Setup registers the controller: own kinds across the cluster, children and what
// tenants refer to in each admitted namespace.
func (r *Reconciler) Setup(mgr ctrl.Manager, namespaces *access.Namespaces, concurrency int) error {
	c, err := builder.ControllerManagedBy(mgr).
		Named("identitytenant").
		For(&v1alpha1.IdentityTenant{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, waking.DeletionBegins(), waking.StatusLost()))).
		Owns(&v1alpha1.Keystore{}, builder.WithPredicates(waking.OwnChild())).
		Watches(&v1alpha1.Keystore{}, r.referrers("Keystore"), builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return waking.Changed(e.ObjectOld, e.ObjectNew) }})).
		Watches(&v1alpha1.PasswordPolicy{}, r.referrers("PasswordPolicy"), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.LogPolicy{}, r.referrers("LogPolicy"), builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, validityChanged()))).
		Watches(&v1alpha1.RotationSchedule{}, r.referrers("RotationSchedule"), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.HardeningWaiver{}, handler.EnqueueRequestsFromMapFunc(r.everyTenant), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.VaultConnection{}, r.referrers("VaultConnection")).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Build(tracing.Reconciler("IdentityTenant", r))
	if err != nil {
		return err
	}
	owned := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.IdentityTenant{}, handler.OnlyControllerOwner())
	for _, kind := range []client.Object{
		&appsv1.StatefulSet{}, &batchv1.Job{}, &corev1.Service{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&networkingv1.NetworkPolicy{}, &networkingv1.Ingress{}, &policyv1.PodDisruptionBudget{},
		&gatewayv1.HTTPRoute{}, &gatewayv1.BackendTLSPolicy{}, secretMetadata(),
	} {
		// A pass goes on when the StatefulSet that it made is in the cache; nothing waits
		// for the other children to appear.
		_, waited := kind.(*appsv1.StatefulSet)
		namespaces.Watch(c, kind, waking.Child(owned, waited))
		namespaces.Watch(c, kind, r.namesakes())
	}
	namespaces.Watch(c, &corev1.Service{}, r.referrers("Service"))
	namespaces.Watch(c, secretMetadata(), r.referrers("Secret"))
	return nil
}

// secretMetadata watches Secrets without their payloads.
func secretMetadata() client.Object {
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return metadata
}

// validityChanged lets through the update in which a policy's own controller judged it.
func validityChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.LogPolicy)
		after, ok2 := e.ObjectNew.(*v1alpha1.LogPolicy)
		return ok && ok2 && apimeta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.ConditionStalled) != apimeta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionStalled)
	}}
}

// referrers wakes the tenants of an object's namespace that name it.
func (r *Reconciler) referrers(kind string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, object client.Object) []reconcile.Request {
		if metav1.GetControllerOf(object) != nil {
			return nil // a child of ours, or of no concern
		}
		var tenants v1alpha1.IdentityTenantList
		// Only looked at: a copy of every tenant for each Secret of the namespace would cost more than all else.
		if err := r.Own.List(ctx, &tenants, client.InNamespace(object.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			return nil // the cache is not up: every tenant is queued at the start anyway
		}
		var requests []reconcile.Request
		for i := range tenants.Items {
			if names := referred(&tenants.Items[i])[kind]; slices.Contains(names, object.GetName()) {
				requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: tenants.Items[i].Name}})
			}
		}
		return requests
	})
}

// everyTenant wakes the tenants of a waiver's namespace: one for a policy is for all that use it.
func (r *Reconciler) everyTenant(ctx context.Context, waiver client.Object) (requests []reconcile.Request) {
	var tenants v1alpha1.IdentityTenantList
	if err := r.Own.List(ctx, &tenants, client.InNamespace(waiver.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache is not up: every tenant is queued at the start anyway
	}
	for i := range tenants.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&tenants.Items[i])})
	}
	return requests
}

// referred lists, by kind, the names that a tenant's spec mentions.
func referred(cr *v1alpha1.IdentityTenant) map[string][]string {
	names := map[string][]string{"VaultConnection": {cr.Spec.VaultRef.Name}}
	if ref := cr.Spec.LogPolicyRef; ref != nil {
		names["LogPolicy"] = []string{ref.Name}
	}
	for _, realm := range cr.Spec.Realms {
		if realm.PasswordPolicyRef != nil {
			names["PasswordPolicy"] = append(names["PasswordPolicy"], realm.PasswordPolicyRef.Name)
		}
	}
	if stores := cr.Spec.Keystores; stores != nil {
		if key := stores.TLS; key != nil && key.ExistingKeystoreRef != nil {
			names["Keystore"] = append(names["Keystore"], key.ExistingKeystoreRef.Name)
		}
		for _, key := range []*v1alpha1.SigningKey{stores.FederationSigning, stores.Internal} {
			if key != nil && key.ExistingKeystoreRef != nil {
				names["Keystore"] = append(names["Keystore"], key.ExistingKeystoreRef.Name)
			}
		}
	}
	names["RotationSchedule"] = slices.Collect(maps.Values(resolve.ScheduleFields(cr)))
	names["Service"] = resolve.Services(cr)
	note := func(secret *v1alpha1.SecretCredentials) {
		if secret != nil {
			names["Secret"] = append(names["Secret"], secret.Name)
		}
	}
	for _, database := range []*v1alpha1.SQLDatabase{cr.Spec.Database.PostgreSQL, cr.Spec.Database.MySQL, cr.Spec.Database.MSSQL} {
		if database != nil {
			note(database.Credentials.SecretRef)
			if owner := database.SchemaOwner; owner != nil {
				note(owner.SecretRef)
			}
		}
	}
	if mail := cr.Spec.Mail; mail != nil {
		note(mail.Credentials.SecretRef)
	}
	for i := range cr.Spec.UserStores {
		store := &cr.Spec.UserStores[i]
		for _, directory := range []*v1alpha1.Directory{store.LDAP, store.ActiveDirectory} {
			if directory != nil {
				note(directory.Credentials.SecretRef)
			}
		}
	}
	return names
}
