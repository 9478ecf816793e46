package keystore

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// A deletion never hangs: Vault is asked at least fewestAttempts times and at most for the patience.
const (
	defaultPatience = 2 * time.Minute
	fewestAttempts  = 3
	retryRemoval    = 5 * time.Second
)

// finalize removes what garbage collection does not: the Secrets that cert-manager leaves, and the values in Vault where the
// deletion policy says so. What stays is told in an event.
func (r *Reconciler) finalize(ctx context.Context, cr *v1alpha1.Keystore) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(cr, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	p := &pass{Reconciler: r, cr: cr, want: resolve(cr)}
	p.removeCertificates(ctx)
	tree := strings.Join([]string{p.want.namespace, vaultKind, p.want.name}, "/")
	if p.want.retain {
		return ctrl.Result{}, p.release(ctx, corev1.EventTypeNormal, v1alpha1.EventRetained,
			"The values in Vault below "+tree+" stay: deletionPolicy is Retain. A Keystore of the same name finds them")
	}
	if cr.Annotations[v1alpha1.AnnotationRelease] != "" {
		return ctrl.Result{}, p.release(ctx, corev1.EventTypeWarning, v1alpha1.EventReleased,
			"Released as asked by annotation: the values in Vault below "+tree+" stay where they are")
	}
	removal, err := p.removeValues(ctx)
	switch {
	case err == nil && len(removal.Left) == 0:
		return ctrl.Result{}, p.release(ctx, "", "", "")
	case err == nil:
		return ctrl.Result{}, p.release(ctx, corev1.EventTypeWarning, v1alpha1.EventRetained, "These values in Vault stay: "+strings.Join(removal.Left, "; "))
	case r.patienceEnds(cr):
		return ctrl.Result{}, p.release(ctx, corev1.EventTypeWarning, v1alpha1.EventReleased,
			fmt.Sprintf("The values in Vault below %s stay, because they could not be removed: %s", tree, fault.Of(err, "").Message))
	}
	if err := p.publishDeleting(ctx, err); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: retryRemoval}, nil
}

func (p *pass) removeValues(ctx context.Context) (vault.Removal, error) {
	if err := p.identifyCluster(ctx); err != nil {
		return vault.Removal{}, err
	}
	kv, place, err := p.Vaults.LastKV(ctx, p.want.namespace, p.want.vaultRef)
	if err != nil {
		return vault.Removal{}, err
	}
	tree, err := vault.Tree(place.Prefix, p.want.namespace, vaultKind, p.want.name)
	if err != nil {
		return vault.Removal{}, err
	}
	return vault.DeleteTree(ctx, kv, place.Mount, tree, p.owner())
}

// patienceEnds counts this attempt. The number is kept in memory only: after a restart there are some more attempts.
func (r *Reconciler) patienceEnds(cr *v1alpha1.Keystore) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempts == nil {
		r.attempts = map[types.UID]int{}
	}
	r.attempts[cr.UID]++
	return r.attempts[cr.UID] >= fewestAttempts && r.Clock.Since(cr.DeletionTimestamp.Time) >= cmp.Or(r.DeletionPatience, defaultPatience)
}

// removeCertificates is best effort, and never holds a deletion up: the Certificates go first, else cert-manager would make
// their Secrets anew. In a namespace that is being deleted, or does not admit us any more, there is nothing to do.
func (p *pass) removeCertificates(ctx context.Context) {
	var err error
	if p.client, err = p.Namespaces.Admit(ctx, p.want.namespace); err != nil {
		return
	}
	for _, e := range p.want.entries {
		if e.issued == nil {
			continue
		}
		if err := p.removeCertificate(ctx, e); err != nil && !apimeta.IsNoMatchError(err) {
			log.FromContext(ctx).Info("A certificate could not be removed with its Keystore", "alias", e.alias, "cause", err.Error())
		}
	}
}

func (p *pass) removeCertificate(ctx context.Context, e entry) error {
	var certificate cmv1.Certificate
	err := p.Live.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: certificateName(p.want, e)}, &certificate)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err == nil {
		if owner := metav1.GetControllerOf(&certificate); owner == nil || owner.UID != p.cr.UID {
			return nil
		}
		if err := apply.Delete(ctx, p.client, &certificate); err != nil {
			return err
		}
	}
	secret := metadataOf(secretKind)
	if err := p.Live.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: certificateSecret(p.want, e)}, secret); err != nil {
		return client.IgnoreNotFound(err)
	}
	if secret.Annotations[cmv1.CertificateNameKey] != certificateName(p.want, e) || secret.Labels[labelCertificateOf] != p.want.name {
		return nil
	}
	return p.remove(ctx, secret)
}

// release takes the finalizer off and says what stays.
func (p *pass) release(ctx context.Context, kind, reason, note string) error {
	before := p.cr.DeepCopy()
	controllerutil.RemoveFinalizer(p.cr, v1alpha1.Finalizer)
	if err := p.Client.Patch(ctx, p.cr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	p.mu.Lock()
	delete(p.attempts, p.cr.UID)
	delete(p.verified, p.cr.UID)
	delete(p.built, p.cr.UID)
	p.mu.Unlock()
	if note != "" {
		publish.Event(p.Recorder, p.cr, kind, reason, "Delete", note)
	}
	return nil
}

func (p *pass) publishDeleting(ctx context.Context, failed error) error {
	p.vaultErr = failed
	return p.publish(ctx, fault.Waiting(v1alpha1.ReasonDeleting, "The values in Vault are still to be removed").Because(failed))
}
