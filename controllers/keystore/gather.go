package keystore

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// material is what a store is made of.
type material struct {
	password string
	entries  []keystore.Entry
	// chains by the alias of the spec, with the CA where it is known; what ALIAS.crt holds.
	chains map[string][]*x509.Certificate
	// issued are the entries whose key was made by cert-manager: it has to be in Vault before it is used.
	issued []issuedPair
	rings  []v1alpha1.KeystoreRing
}

// gather collects the material of every entry. An entry that fails does not stop the others, so that cert-manager works while
// a person corrects something else; the fault that needs a person is the one that is told.
func (p *pass) gather(ctx context.Context) (material, error) {
	m := material{chains: map[string][]*x509.Certificate{}}
	var err error
	if m.password, err = p.password(ctx); err != nil {
		return m, err
	}
	for _, e := range p.want.entries {
		err = fault.Worse(err, p.gatherEntry(ctx, e, &m))
	}
	return m, err
}

func (p *pass) gatherEntry(ctx context.Context, e entry, m *material) error {
	switch {
	case e.issued != nil:
		made, err := p.issue(ctx, e)
		if err != nil {
			return err
		}
		m.entries, m.issued = append(m.entries, made.Entry), append(m.issued, made)
		m.chains[e.alias] = withAuthority(made.Chain, made.authorities)
	case e.ring:
		return p.gatherRing(ctx, e, m)
	case e.selfSigned != nil:
		generation := p.standing.position.Of(e.alias).Current
		made, err := p.selfSign(ctx, e, generation, generation == 1)
		if err != nil {
			return err
		}
		m.entries = append(m.entries, made)
		m.chains[e.alias] = made.Chain
	default:
		trusted, err := p.trust(ctx, e)
		if err != nil {
			return err
		}
		m.entries = append(m.entries, trustedEntries(e.alias, trusted)...)
		m.chains[e.alias] = trusted
	}
	return nil
}

// trustedEntries gives each certificate of a source its alias: the entry's own, or numbered ones when there are several.
func trustedEntries(alias string, certificates []*x509.Certificate) []keystore.Entry {
	entries := make([]keystore.Entry, len(certificates))
	for i, certificate := range certificates {
		entries[i] = keystore.Entry{Alias: alias, Chain: []*x509.Certificate{certificate}}
		if len(certificates) > 1 {
			entries[i].Alias = fmt.Sprintf("%s-%d", alias, i+1)
		}
	}
	return entries
}

// trust reads the certificates of a trusted entry.
func (p *pass) trust(ctx context.Context, e entry) ([]*x509.Certificate, error) {
	field := e.field() + ".trusted"
	switch source := e.trusted; {
	case source.ConfigMapRef != nil:
		var found corev1.ConfigMap
		field += ".configMapRef"
		if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: source.ConfigMapRef.Name}, &found); err != nil {
			return nil, missing(err, field, "ConfigMap", source.ConfigMapRef.Name)
		}
		value, ok := found.Data[source.ConfigMapRef.Key]
		return parseTrusted(field, "ConfigMap", *source.ConfigMapRef, []byte(value), ok)
	case source.SecretRef != nil:
		var found corev1.Secret
		field += ".secretRef"
		if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: source.SecretRef.Name}, &found); err != nil {
			return nil, missing(err, field, "Secret", source.SecretRef.Name)
		}
		value, ok := found.Data[source.SecretRef.Key]
		return parseTrusted(field, "Secret", *source.SecretRef, value, ok)
	default:
		return p.trustKeystore(ctx, field+".keystoreRef", *source.KeystoreRef)
	}
}

// awaitStores names all the stores that are trusted, not those that are missing: they come one after the other, and the words,
// and so the status, stay the same until the last one is there.
func (p *pass) awaitStores() error {
	var names []string
	for _, e := range p.want.entries {
		if e.trusted != nil && e.trusted.KeystoreRef != nil {
			names = append(names, e.trusted.KeystoreRef.Name)
		}
	}
	slices.Sort(names)
	return fault.Waiting(v1alpha1.ReasonDependencyNotReady, "Waits until each of these Keystores exists and has a version: %s", strings.Join(slices.Compact(names), ", "))
}

func parseTrusted(field, kind string, ref v1alpha1.KeySelector, value []byte, there bool) ([]*x509.Certificate, error) {
	if !there {
		return nil, fault.Waiting(v1alpha1.ReasonNotFound, "%s: %s %s has no key %s; add it, or correct the key", field, kind, ref.Name, ref.Key)
	}
	certificates, err := keystore.ParseCertificates(value)
	if err != nil {
		// The parser tells block numbers and lengths, never content.
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s: key %s of %s %s: put PEM certificates there and nothing else, above all no private key",
			field, ref.Key, kind, ref.Name).Because(err)
	}
	return certificates, nil
}

func missing(err error, field, kind, name string) error {
	if apierrors.IsNotFound(err) {
		return fault.Waiting(v1alpha1.ReasonNotFound, "%s: %s %s does not exist; create it, or correct the name", field, kind, name)
	}
	return fmt.Errorf("%s: read %s %s: %w", field, kind, name, err)
}
