package identitytenant

import (
	"context"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// namesakes wakes the tenants one of whose children may want the name that a stranger's
// object gave up: only its removal ends that conflict of names.
func (r *Reconciler) namesakes() handler.EventHandler {
	return handler.Funcs{DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		if metav1.GetControllerOfNoCopy(e.Object) != nil {
			return // a child, whose owner is woken
		}
		var tenants v1alpha1.IdentityTenantList
		if err := r.Own.List(ctx, &tenants, client.InNamespace(e.Object.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			return
		}
		for i := range tenants.Items {
			name := tenants.Items[i].Name
			if e.Object.GetName() == name || strings.HasPrefix(e.Object.GetName(), name+"-") {
				queue.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: e.Object.GetNamespace(), Name: name}})
			}
		}
	}}
}
