package vaultconnection

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/waking"
)

// Watcher has a controller's handler called for a kind in every namespace that is or becomes admitted.
type Watcher interface {
	Watch(c controller.Controller, object client.Object, h handler.EventHandler)
}

// specChanges leaves out our own status writes.
func specChanges() builder.Predicates {
	return builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, waking.StatusLost()))
}

// watch looks at what a connection refers to, at its metadata only: payloads are read when they are needed.
func (r *Reconciler) watch(c controller.Controller, namespaces Watcher) {
	for _, kind := range []string{"Secret", "ConfigMap", "ServiceAccount"} {
		metadata := &metav1.PartialObjectMetadata{}
		metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		var object client.Object = metadata
		if kind == "ConfigMap" {
			// Read from the cache: another view of the kind may not have yet what woke us.
			object = &corev1.ConfigMap{}
		}
		namespaces.Watch(c, object, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, changed client.Object) []reconcile.Request {
			return r.naming(ctx, kind, changed)
		}))
	}
}

// naming lists the connections of changed's namespace that refer to it.
func (r *Reconciler) naming(ctx context.Context, kind string, changed client.Object) (requests []reconcile.Request) {
	var all v1alpha1.VaultConnectionList
	if err := r.Client.List(ctx, &all, client.InNamespace(changed.GetNamespace())); err != nil {
		log.FromContext(ctx).Error(err, "List the VaultConnections of a namespace", "namespace", changed.GetNamespace())
		return nil
	}
	for _, cr := range all.Items {
		if names(cr.Spec, kind, changed.GetName()) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&cr)})
		}
	}
	return requests
}

func names(spec v1alpha1.VaultConnectionSpec, kind, name string) bool {
	is := func(ref *v1alpha1.KeySelector) bool { return ref != nil && ref.Name == name }
	ca, auth := spec.CA, spec.Auth
	switch kind {
	case "ConfigMap":
		return ca != nil && is(ca.ConfigMapRef)
	case "Secret":
		return ca != nil && is(ca.SecretRef) || auth.AppRole != nil && is(&auth.AppRole.SecretIDRef) || auth.Token != nil && is(&auth.Token.SecretRef)
	default:
		return auth.Kubernetes != nil && name == ServiceAccount
	}
}
