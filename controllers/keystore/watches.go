package keystore

import (
	"context"
	"slices"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// Watcher has a controller's handler called for a kind in every namespace that is or becomes admitted.
type Watcher interface {
	Watch(c controller.Controller, object client.Object, h handler.EventHandler)
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, namespaces Watcher, options controller.Options) error {
	c, err := ctrl.NewControllerManagedBy(mgr).
		Named("keystore").
		For(&v1alpha1.Keystore{}, builder.WithPredicates(predicate.Or(
			predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, waking.DeletionBegins(), waking.StatusLost()))).
		Watches(&v1alpha1.Keystore{}, r.referrers("Keystore"), builder.WithPredicates(versionChanged())).
		Watches(&v1alpha1.RotationSchedule{}, r.referrers("RotationSchedule"), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.VaultConnection{}, r.referrers("VaultConnection"), builder.WithPredicates(predicate.Or(
			predicate.GenerationChangedPredicate{}, readyChanged()))).
		WithOptions(options).
		Build(tracing.Reconciler("Keystore", r))
	if err != nil {
		return err
	}
	owned := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.Keystore{}, handler.OnlyControllerOwner())
	namespaces.Watch(c, &cmv1.Certificate{}, waking.Child(owned, false))
	namespaces.Watch(c, &cmv1.Issuer{}, r.referrers(cmv1.IssuerKind))
	namespaces.Watch(c, metadataOf(secretKind), owned)
	namespaces.Watch(c, metadataOf(secretKind), r.referrers("Secret"))
	// Read from the cache: another view of the kind may not have yet what woke us.
	namespaces.Watch(c, &corev1.ConfigMap{}, r.referrers("ConfigMap"))
	return nil
}

// referrers wakes the Keystores of an object's namespace that need it.
func (r *Reconciler) referrers(kind string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) (requests []reconcile.Request) {
		if of := changed.GetLabels()[labelCertificateOf]; kind == "Secret" && of != "" {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: changed.GetNamespace(), Name: of}})
		}
		var all v1alpha1.KeystoreList
		// Only looked at: a copy of every Keystore for each Secret of the namespace would cost more than all else.
		if err := r.Client.List(ctx, &all, client.InNamespace(changed.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			log.FromContext(ctx).Error(err, "List the Keystores of a namespace", "namespace", changed.GetNamespace())
			return requests
		}
		for i := range all.Items {
			if needs(&all.Items[i].Spec, kind, changed.GetName()) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
			}
		}
		return requests
	})
}

func needs(spec *v1alpha1.KeystoreSpec, kind, name string) bool {
	switch kind {
	case "VaultConnection":
		return spec.VaultRef.Name == name
	case "RotationSchedule":
		return spec.RotationRef != nil && spec.RotationRef.Name == name
	case "Secret":
		if spec.Target != nil && spec.Target.SecretName == name {
			return true // whoever has the name, or gave it up
		}
	}
	return slices.ContainsFunc(spec.Entries, func(e v1alpha1.KeystoreEntry) bool {
		if c := e.Certificate; c != nil {
			return c.IssuerRef != nil && kind == cmv1.IssuerKind && c.IssuerRef.Name == name
		}
		return e.Trusted != nil && comesFrom(e.Trusted, kind, name)
	})
}

func comesFrom(t *v1alpha1.TrustedSource, kind, name string) bool {
	return kind == "ConfigMap" && t.ConfigMapRef != nil && t.ConfigMapRef.Name == name ||
		kind == "Secret" && t.SecretRef != nil && t.SecretRef.Name == name ||
		kind == "Keystore" && t.KeystoreRef != nil && t.KeystoreRef.Name == name
}

// versionChanged: another store trusts this one, and its certificate may be another now.
func versionChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.Keystore)
		after, alsoOK := e.ObjectNew.(*v1alpha1.Keystore)
		return ok && alsoOK && before.Status.SecretName != after.Status.SecretName
	}}
}

// readyChanged leaves out the rechecks of a connection that found nothing new.
func readyChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.VaultConnection)
		after, alsoOK := e.ObjectNew.(*v1alpha1.VaultConnection)
		return ok && alsoOK && apimeta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.ConditionReady) !=
			apimeta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionReady)
	}}
}
