package keystore

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// trustKeystore takes what is trusted of another store's entry: the certificates of a whole ring, or else the topmost one that is
// known. While a CA is exchanged for another, that is both: a pod that serves a certificate of the old one goes on being
// trusted until it is replaced.
func (p *pass) trustKeystore(ctx context.Context, field string, ref v1alpha1.KeystoreEntryReference) ([]*x509.Certificate, error) {
	var other v1alpha1.Keystore
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: ref.Name}, &other)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("%s: read Keystore %s: %w", field, ref.Name, err)
	}
	if other.Status.SecretName == "" {
		return nil, p.awaitStores()
	}
	aliases := []string{ref.Alias}
	if at := slices.IndexFunc(other.Status.Rings, func(r v1alpha1.KeystoreRing) bool { return r.Alias == ref.Alias }); at >= 0 {
		aliases = nil
		for _, generation := range []int64{other.Status.Rings[at].Previous, other.Status.Rings[at].Current, other.Status.Rings[at].Next} {
			if generation > 0 {
				aliases = append(aliases, keystore.RingAlias(ref.Alias, int(generation)))
			}
		}
	}
	trusted, err := p.topmost(ctx, field, ref, other.Status.SecretName, aliases)
	if err != nil || !isIssued(&other, ref.Alias) {
		return trusted, err
	}
	former, err := p.formerInUse(ctx, &other)
	if err != nil {
		return nil, err
	}
	for _, name := range former {
		certificates, err := p.topmost(ctx, field, ref, name, aliases)
		if err != nil && fault.Of(err, "").Reason == v1alpha1.ReasonNotFound {
			continue // it goes with its pod, or was made for other entries
		}
		if err != nil {
			return nil, err
		}
		for _, certificate := range certificates {
			if !slices.ContainsFunc(trusted, certificate.Equal) {
				trusted = append(trusted, certificate)
			}
		}
	}
	return trusted, nil
}

// topmost reads the last known certificate of each alias from a version's Secret.
func (p *pass) topmost(ctx context.Context, field string, ref v1alpha1.KeystoreEntryReference, secretName string, aliases []string) ([]*x509.Certificate, error) {
	var found corev1.Secret
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: secretName}, &found); err != nil {
		return nil, missing(err, field, "Secret", secretName)
	}
	var trusted []*x509.Certificate
	for _, alias := range aliases {
		selector := v1alpha1.KeySelector{Name: found.Name, Key: alias + certificateSuffix}
		value, ok := found.Data[selector.Key]
		if !ok {
			return nil, fault.Waiting(v1alpha1.ReasonNotFound, "%s: Keystore %s has no entry %s; add it, or correct the alias", field, ref.Name, ref.Alias)
		}
		chain, err := parseTrusted(field, "Secret", selector, value, ok)
		if err != nil {
			return nil, err
		}
		trusted = append(trusted, chain[len(chain)-1])
	}
	return trusted, nil
}

func isIssued(cr *v1alpha1.Keystore, alias string) bool {
	return slices.ContainsFunc(cr.Spec.Entries, func(e v1alpha1.KeystoreEntry) bool {
		return e.Alias == alias && e.Certificate != nil && e.Certificate.IssuerRef != nil
	})
}

// formerInUse lists the Secrets of former versions of another store that living pods were made with.
func (p *pass) formerInUse(ctx context.Context, other *v1alpha1.Keystore) ([]string, error) {
	if len(other.Status.Versions) < 2 {
		return nil, nil
	}
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(p.want.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var used []string
	for _, v := range other.Status.Versions {
		if v.SecretName == other.Status.SecretName {
			continue
		}
		for i := range pods.Items {
			names, err := apply.Names(pods.Items[i].Spec, v.SecretName)
			if err != nil {
				return nil, err
			}
			if names {
				used = append(used, v.SecretName)
				break
			}
		}
	}
	return used, nil
}
