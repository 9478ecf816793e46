// Package vaultconnection signs in with each VaultConnection and says whether Vault is usable, and gives the other
// controllers their access to Vault.
package vaultconnection

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/status"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

const (
	// recheck looks at Vault again although nothing that we watch changed; jitter keeps a hundred connections of one
	// Vault from asking together.
	recheck       = 3 * time.Minute
	recheckJitter = 0.3
	// lingering is how often a login whose VaultConnection is gone looks whether somebody still has to clean up with it.
	lingering = 5 * time.Minute
)

// Reconciler validates VaultConnections.
type Reconciler struct {
	// Client is the manager's: own kinds from its cache.
	Client    client.Client
	Connector *Connector
	Recorder  events.EventRecorder
	Clock     clock.PassiveClock

	stale waking.Stale
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, namespaces Watcher, options controller.Options) error {
	built, err := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.VaultConnection{}, specChanges()).
		Named("vaultconnection").
		WithOptions(options).
		Build(tracing.Reconciler("VaultConnection", r))
	if err != nil {
		return err
	}
	r.watch(built, namespaces)
	return nil
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cr v1alpha1.VaultConnection
	if err := r.Client.Get(ctx, request.NamespacedName, &cr); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
		r.stale.Forget(request.NamespacedName)
		return r.gone(ctx, request.NamespacedName)
	}
	if again, stale := r.stale.Read(&cr); stale {
		return again, nil
	}
	if !cr.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	found := r.check(ctx, &cr)
	tracing.Found(ctx, found)
	if err := r.publish(ctx, &cr, found); err != nil {
		return waking.Late(err)
	}
	result, err := pipeline.Rejected(found).Result()
	if found == nil {
		result.RequeueAfter = wait.Jitter(recheck, recheckJitter)
	}
	return result, err
}

// check signs in and lists the namespace's own folder: one request that proves the address, the login, the mount, its version
// and the policy.
func (r *Reconciler) check(ctx context.Context, cr *v1alpha1.VaultConnection) error {
	login, err := r.Connector.Login(ctx, cr)
	if err != nil {
		return err
	}
	_, err = login.KV.List(ctx, login.Place.Mount, login.Place.Prefix+"/"+cr.Namespace)
	return err
}

func (r *Reconciler) publish(ctx context.Context, cr *v1alpha1.VaultConnection, found error) error {
	before := cr.DeepCopy()
	conditions := status.From(cr.Status.Conditions, cr.Generation, r.Clock.Now())
	conditions.Conclude(found, "Signed in at "+cr.Spec.Address)
	cr.Status.Conditions = conditions.List()
	cr.Status.ObservedGeneration = cr.Generation
	if err := status.Write(ctx, r.Client, before, cr); err != nil {
		return err
	}
	r.stale.Wrote(before, cr)
	publish.Ready(r.Recorder, cr, before.Status.Conditions, cr.Status.Conditions)
	return nil
}

// gone keeps the login of a deleted VaultConnection for as long as somebody of its namespace names it: whoever is deleted
// with it may have to remove values in Vault.
func (r *Reconciler) gone(ctx context.Context, key types.NamespacedName) (ctrl.Result, error) {
	used, err := r.used(ctx, key)
	if err != nil {
		return ctrl.Result{}, err
	}
	if used {
		return ctrl.Result{RequeueAfter: lingering}, nil
	}
	r.Connector.Forget(key)
	return ctrl.Result{}, nil
}

func (r *Reconciler) used(ctx context.Context, key types.NamespacedName) (bool, error) {
	var tenants v1alpha1.IdentityTenantList
	if err := r.Client.List(ctx, &tenants, client.InNamespace(key.Namespace)); err != nil {
		return false, err
	}
	for _, tenant := range tenants.Items {
		if tenant.Spec.VaultRef.Name == key.Name {
			return true, nil
		}
	}
	var keystores v1alpha1.KeystoreList
	if err := r.Client.List(ctx, &keystores, client.InNamespace(key.Namespace)); err != nil {
		return false, err
	}
	for _, keystore := range keystores.Items {
		if keystore.Spec.VaultRef.Name == key.Name {
			return true, nil
		}
	}
	return false, nil
}
