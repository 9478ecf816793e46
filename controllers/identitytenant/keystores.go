package identitytenant

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// observeVault signs in, which proves that Vault is reachable, unsealed and lets us in.
func (p *pass) observeVault(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
	cluster, err := p.Cluster.ID(ctx, p.Applier.Live)
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
	p.keepLeases(ctx, want, *seen)
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
	p.children = map[tenant.KeystoreRole]*v1alpha1.Keystore{}
	for _, store := range want.Keystores {
		fact, err := p.observeKeystore(ctx, want, store)
		if err != nil {
			// The first store's trouble is told; a Terminal one before any that only waits.
			problem = fault.Worse(problem, err)
			continue
		}
		seen.Keystores[store.Role] = fact
	}
	if problem == nil {
		problem = trustComplete(*seen)
	}
	return problem
}

// trustComplete waits until the trust store holds what the other stores have now: with one
// that lags behind there would be two rollouts, and servers in between that do not trust
// each other.
func trustComplete(seen tenant.Facts) error {
	trust := seen.Keystores[tenant.RoleTrust]
	for role, store := range seen.Keystores {
		for _, fingerprint := range store.Trusted {
			if role != tenant.RoleTrust && !slices.Contains(trust.Trusted, fingerprint) {
				return fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s does not hold yet what Keystore %s has now", trust.Name, store.Name)
			}
		}
	}
	return nil
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
	if err := canServe(want, store, child); err != nil {
		return tenant.KeystoreFact{}, err
	}
	p.children[store.Role] = child
	if asked := tokenOf(child.Annotations[v1alpha1.AnnotationRotate]); asked != "" && asked != handledBy(child) {
		// The store that is would make a revision of its own, and a second rollout.
		return tenant.KeystoreFact{}, fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s is being rotated, as %q asked", name, asked)
	}
	fact := tenant.KeystoreFact{Name: name, SecretName: child.Status.SecretName, Generation: child.Status.CurrentGeneration, Alias: store.Alias}
	if !store.Unmounted {
		fact.Trusted = fingerprints(child, store.Role == tenant.RoleTrust)
	}
	if store.Ring {
		ring, err := ringOf(child, store.Alias)
		if err != nil {
			return tenant.KeystoreFact{}, err
		}
		fact.Ring, fact.Alias = &ring, keystore.RingAlias(store.Alias, ring.Current)
	}
	fact.KeyEnds = keyEnd(child, fact.Alias)
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
	chain, err := keystore.ParseCertificates(fact.CertificatePEM)
	if err != nil {
		return tenant.KeystoreFact{}, fmt.Errorf("certificate %s in Secret %s of Keystore %s: %w", store.Alias, fact.SecretName, name, err)
	}
	if err := isFor(want, store, name, chain[0]); err != nil {
		return tenant.KeystoreFact{}, err
	}
	fact.Trusted = []string{keystore.Fingerprint(chain[len(chain)-1])}
	p.storeKey = secret.Data["password"]
	return fact, nil
}

// canServe refuses a store of somebody else's that the server cannot read.
func canServe(want tenant.Spec, store tenant.Keystore, found *v1alpha1.Keystore) error {
	if store.Existing == "" {
		return nil
	}
	refused := func(what string) error {
		return fault.Terminal(v1alpha1.ReasonInvalidSpec, "Keystore %s/%s, named as %s keystore by existingKeystoreRef, %s", want.Namespace, found.Name, store.Role, what)
	}
	if found.Spec.Format != "" && found.Spec.Format != v1alpha1.FormatPKCS12 || found.Spec.Encryption == v1alpha1.EncryptionLegacy {
		return refused("is not PKCS12 with modern encryption: write format PKCS12 and no encryption there")
	}
	at := slices.IndexFunc(found.Spec.Entries, func(e v1alpha1.KeystoreEntry) bool { return e.Alias == store.Alias && e.Certificate != nil })
	switch {
	case at < 0:
		return refused("has no key pair of the alias " + store.Alias + ": add that entry there")
	case found.Spec.Entries[at].Ring:
		return refused("has a ring under the alias " + store.Alias + ": write an entry of one key")
	case store.Role != tenant.RoleTLS && found.Spec.Entries[at].Algorithm == v1alpha1.ECDSA:
		return refused("has an ECDSA key under the alias " + store.Alias + ": the server needs RSA")
	}
	return nil
}

// isFor refuses a certificate of somebody else's that is not for all names of the server.
func isFor(want tenant.Spec, store tenant.Keystore, name string, leaf *x509.Certificate) error {
	if store.Existing == "" {
		return nil
	}
	for _, host := range desired.ServerNames(want, store) {
		if err := leaf.VerifyHostname(strings.Replace(host, "*", want.StatefulSetName()+"-0", 1)); err != nil {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "Keystore %s/%s: its certificate is not for %s, by which the server is reached: add that to dnsNames of the entry %s there", want.Namespace, name, host, store.Alias)
		}
	}
	return nil
}

// currentEntries lists what a store's current version holds.
func currentEntries(child *v1alpha1.Keystore) []v1alpha1.KeystoreVersionEntry {
	for _, version := range child.Status.Versions {
		if version.SecretName == child.Status.SecretName {
			return version.Entries
		}
	}
	return nil
}

// fingerprints lists the certificates of a store's current version, of a trust store those
// that it trusts, of any other those of its keys.
func fingerprints(child *v1alpha1.Keystore, trusted bool) (found []string) {
	for _, entry := range currentEntries(child) {
		if entry.Trusted == trusted {
			found = append(found, entry.FingerprintSHA256)
		}
	}
	return found
}

// keyEnd is when the certificate of an alias ends in a store's current version.
func keyEnd(child *v1alpha1.Keystore, alias string) time.Time {
	for _, entry := range currentEntries(child) {
		if entry.Alias == alias {
			return entry.NotAfter.Time
		}
	}
	return time.Time{}
}

func ringOf(child *v1alpha1.Keystore, alias string) (tenant.RingFact, error) {
	for _, ring := range child.Status.Rings {
		if ring.Alias == alias {
			return tenant.RingFact{Previous: int(ring.Previous), Current: int(ring.Current), Next: int(ring.Next)}, nil
		}
	}
	return tenant.RingFact{}, fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s does not show the keys of its ring yet", child.Name)
}

// tokenOf is what identifies a request.
func tokenOf(request string) string {
	token, _, _ := strings.Cut(strings.TrimSpace(request), " ")
	return token
}

// handledBy is the last request that a Keystore handled.
func handledBy(child *v1alpha1.Keystore) string {
	if child.Status.Requests == nil {
		return ""
	}
	return child.Status.Requests.Rotate
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
