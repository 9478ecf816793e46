package identitytenant

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// observeVault signs in, which proves that Vault is reachable, unsealed and lets us in.
func (p *pass) observeVault(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	cluster, err := p.cluster.ID(ctx, p.Applier.Live)
	if err != nil {
		return err
	}
	seen.ClusterID = cluster
	if p.kv, p.engine, err = p.Vaults.KV(ctx, want.Namespace, want.VaultRef); err != nil {
		return err
	}
	if checker, ok := p.kv.(interface{ Check(context.Context) error }); ok {
		if err := checker.Check(ctx); err != nil {
			return err
		}
	}
	seen.VaultReady = true
	return nil
}

func (p *pass) applyKeystores(ctx context.Context, want tenant.Spec, _ tenant.Facts) error {
	children, err := desired.Keystores(want)
	if err != nil {
		return err
	}
	if token := p.cr.Annotations[v1alpha1.AnnotationAdopt]; token != "" {
		for _, child := range children { // consent covers the values of the tenant's own stores
			annotations := child.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[v1alpha1.AnnotationAdopt] = token
			child.SetAnnotations(annotations)
		}
	}
	before := len(p.changes)
	now, err := p.trustLast(ctx, want, children)
	if err != nil {
		return err
	}
	if err := p.put(ctx, now...); err != nil {
		return err
	}
	for _, change := range p.changes[before:] {
		p.unseen[change.Name] = true
	}
	return p.prune(ctx, want, children, &v1alpha1.KeystoreList{})
}

func (p *pass) observeKeystores(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	seen.Keystores = map[tenant.KeystoreRole]tenant.KeystoreFact{}
	var problem error
	for _, store := range want.Keystores {
		fact, err := p.observeKeystore(ctx, want, store)
		if err != nil {
			// The first store's trouble is told; a Terminal one before any that only waits.
			if problem == nil || fault.IsTerminal(err) && !fault.IsTerminal(problem) {
				problem = err
			}
			continue
		}
		seen.Keystores[store.Role] = fact
	}
	return problem
}

func (p *pass) observeKeystore(ctx context.Context, want tenant.Spec, store tenant.Keystore) (tenant.KeystoreFact, error) {
	name := want.KeystoreName(store.Role)
	if p.unseen[name] {
		// The cache may still show what it was before: its version of then would make a
		// revision, and a rollout, that nobody asked for.
		return tenant.KeystoreFact{}, fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s was just changed", name)
	}
	child := &v1alpha1.Keystore{}
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: name}, child)
	if apierrors.IsNotFound(err) {
		return tenant.KeystoreFact{}, fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s is not there yet", name)
	}
	if err != nil {
		return tenant.KeystoreFact{}, err
	}
	if err := childFault(child); err != nil {
		return tenant.KeystoreFact{}, err
	}
	fact := tenant.KeystoreFact{Name: name, SecretName: child.Status.SecretName, Generation: child.Status.CurrentGeneration, Alias: store.Alias}
	if child.Status.NotAfter != nil {
		fact.NotAfter = child.Status.NotAfter.Time
	}
	if store.Role != tenant.RoleTLS {
		return fact, nil
	}
	secret := &corev1.Secret{}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: fact.SecretName}, secret); err != nil {
		return tenant.KeystoreFact{}, fmt.Errorf("read Secret %s of Keystore %s: %w", fact.SecretName, name, err)
	}
	fact.CertificatePEM = secret.Data[store.Alias+".crt"]
	p.storeKey = secret.Data["password"]
	return fact, nil
}

// childFault repeats what a Keystore says of itself.
func childFault(child *v1alpha1.Keystore) error {
	ready := apimeta.FindStatusCondition(child.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil || ready.ObservedGeneration != child.Generation:
		return fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s was not looked at yet", child.Name)
	case apimeta.IsStatusConditionTrue(child.Status.Conditions, v1alpha1.ConditionStalled):
		return fault.Terminal(ready.Reason, "Keystore %s: %s", child.Name, ready.Message)
	case ready.Status != "True" || child.Status.SecretName == "":
		return fault.Waiting(ready.Reason, "Keystore %s: %s", child.Name, ready.Message)
	}
	return nil
}
