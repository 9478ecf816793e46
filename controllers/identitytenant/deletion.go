package identitytenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

const (
	defaultDeletionPatience = 2 * time.Minute
	deletionRetry           = 5 * time.Second
)

// finalize is a tenant's end, in order: the pods first, the values in Vault as
// deletionPolicy says, the finalizer; the NetworkPolicies go last, with the tenant
// itself. It never hangs: after the patience everything else is left behind, and told.
func (r *Reconciler) finalize(ctx context.Context, cr *v1alpha1.IdentityTenant) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(cr, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	released := r.Clock.Since(cr.DeletionTimestamp.Time) > r.patience() || cr.Annotations[v1alpha1.AnnotationRelease] != ""
	running, err := r.stopPods(ctx, cr)
	if shutOut(err) {
		// The RoleBinding went first, as it does with a whole namespace, whose pods are gone by
		// then. Nobody lets us look, so waiting would change nothing: garbage collection does the rest.
		running, err = false, nil
	}
	if (err != nil || running) && !released {
		return ctrl.Result{RequeueAfter: deletionRetry}, nil
	}
	left := r.endLeases(ctx, cr)
	if shutOut(left) {
		left = nil
	}
	if left != nil && !released {
		return ctrl.Result{RequeueAfter: deletionRetry}, nil
	}
	if left != nil {
		r.Recorder.Eventf(cr, nil, corev1.EventTypeWarning, v1alpha1.EventReleased, "Delete",
			"Released although Vault did not end the accounts of the database (%v): they end by themselves, since nobody renews them", left)
	}
	tree, err := r.removeFromVault(ctx, cr)
	if err != nil && !released {
		return ctrl.Result{RequeueAfter: deletionRetry}, nil
	}
	switch {
	case err != nil:
		r.Recorder.Eventf(cr, nil, corev1.EventTypeWarning, v1alpha1.EventReleased, "Delete",
			"Released although Vault could not be asked (%v): whatever lies under %s stays", err, tree)
	case cr.Spec.DeletionPolicy != v1alpha1.DeletionDelete:
		r.Recorder.Eventf(cr, nil, corev1.EventTypeNormal, v1alpha1.EventRetained, "Delete", "Kept the values in Vault under %s: a tenant of the same name takes them up again", tree)
	}
	before := cr.DeepCopy()
	controllerutil.RemoveFinalizer(cr, v1alpha1.Finalizer)
	err = r.Own.Patch(ctx, cr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

// shutOut tells whether the namespace does not let the operator in any more.
func shutOut(err error) bool {
	return err != nil && (apierrors.IsForbidden(err) || fault.Of(err, "").Reason == v1alpha1.ReasonNamespaceNotAdmitted)
}

func (r *Reconciler) patience() time.Duration {
	if r.DeletionPatience > 0 {
		return r.DeletionPatience
	}
	return defaultDeletionPatience
}

// stopPods deletes what makes pods and tells whether any is left.
func (r *Reconciler) stopPods(ctx context.Context, cr *v1alpha1.IdentityTenant) (bool, error) {
	c, err := r.Admission.Admit(ctx, cr.Namespace)
	if err != nil {
		return false, err
	}
	labels := client.MatchingLabels{tenant.LabelTenant: cr.Name, tenant.LabelManagedBy: tenant.ManagedBy}
	var sets appsv1.StatefulSetList
	var jobs batchv1.JobList
	for _, list := range []client.ObjectList{&sets, &jobs} {
		if err := c.List(ctx, list, client.InNamespace(cr.Namespace), labels); err != nil {
			return false, err
		}
	}
	for i := range sets.Items {
		if err := deleteOwned(ctx, c, cr, &sets.Items[i]); err != nil {
			return false, err
		}
	}
	for i := range jobs.Items {
		if err := deleteOwned(ctx, c, cr, &jobs.Items[i]); err != nil {
			return false, err
		}
	}
	var pods corev1.PodList
	if err := c.List(ctx, &pods, client.InNamespace(cr.Namespace), client.MatchingLabels{tenant.LabelInstance: cr.Name, tenant.LabelPartOf: tenant.PartOf}); err != nil {
		return false, err
	}
	return len(pods.Items) > 0, nil
}

func deleteOwned(ctx context.Context, c client.Client, cr *v1alpha1.IdentityTenant, object client.Object) error {
	owner := metav1.GetControllerOf(object)
	if owner == nil || owner.UID != cr.UID || object.GetDeletionTimestamp() != nil {
		return nil
	}
	return apply.Delete(ctx, c, object)
}

// removeFromVault deletes the tenant's values when its policy says so, and names where
// they lie. The login that the pool still holds serves even when the connection, the
// service account or the whole namespace went first.
func (r *Reconciler) removeFromVault(ctx context.Context, cr *v1alpha1.IdentityTenant) (string, error) {
	tree := strings.Join([]string{cr.Namespace, vaultKind, cr.Name}, "/")
	if cr.Spec.DeletionPolicy != v1alpha1.DeletionDelete {
		return tree, nil
	}
	kv, engine, err := r.Vaults.LastKV(ctx, cr.Namespace, cr.Spec.VaultRef.Name)
	if err != nil {
		return tree, err
	}
	if tree, err = vault.Tree(engine.Prefix, cr.Namespace, vaultKind, cr.Name); err != nil {
		return tree, err
	}
	cluster, err := r.Cluster.ID(ctx, r.Applier.Live)
	if err != nil {
		return tree, err
	}
	owner := vault.Owner{Cluster: cluster, Namespace: cr.Namespace, Kind: vaultKind, Name: cr.Name}
	removal, err := vault.DeleteTree(ctx, kv, engine.Mount, tree, owner)
	if err != nil {
		return engine.Mount + "/" + tree, fmt.Errorf("delete the values in Vault: %w", err)
	}
	if len(removal.Left) > 0 {
		r.Recorder.Eventf(cr, nil, corev1.EventTypeWarning, v1alpha1.EventRetained, "Delete", "Left in Vault, since they are not this tenant's: %s", strings.Join(removal.Left, "; "))
	}
	return engine.Mount + "/" + tree, nil
}
