package keystore

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The defaults that depend on other fields, which a schema cannot say.
const (
	defaultIssuedDuration     = 2160 * time.Hour
	defaultSelfSignedDuration = 87600 * time.Hour
	defaultRenewBefore        = 720 * time.Hour
	defaultHistoryLimit       = 3
)

// want is a Keystore with every default filled in. It stays as it is for a whole pass.
type want struct {
	namespace, name string
	owner           metav1.OwnerReference
	vaultRef        string
	entries         []entry
	// entriesDigest tells whether a version was made for these entries.
	entriesDigest string
	historyLimit  int
	format        keystore.Format
	target        string // empty: no stable copy
	rotationRef   string // empty: it rotates only when it is asked to
	rollback      string // the generation that is pinned; empty: none
	retain        bool
	// adopt: the user agreed to take over values in Vault that another owner wrote.
	adopt bool
}

// entry is one alias. Exactly one of issued, selfSigned and trusted is there.
type entry struct {
	alias      string
	algorithm  keystore.Algorithm
	size       int
	dnsNames   []string
	duration   time.Duration
	ring       bool
	issued     *issued
	selfSigned *selfSigned
	trusted    *v1alpha1.TrustedSource
}

type issued struct {
	issuer      v1alpha1.IssuerReference
	renewBefore time.Duration
}

type selfSigned struct{ commonName string }

// field names the entry in messages.
func (e entry) field() string { return "spec.entries[" + e.alias + "]" }

func resolve(cr *v1alpha1.Keystore) want {
	w := want{
		namespace: cr.Namespace, name: cr.Name,
		owner:        *metav1.NewControllerRef(cr, v1alpha1.GroupVersion.WithKind("Keystore")),
		vaultRef:     cr.Spec.VaultRef.Name,
		historyLimit: defaultHistoryLimit,
		retain:       cr.Spec.DeletionPolicy != v1alpha1.DeletionDelete,
		format:       formatOf(cr.Spec),
		rollback:     cr.Annotations[v1alpha1.AnnotationRollback],
		adopt:        cr.Annotations[v1alpha1.AnnotationAdopt] != "",
	}
	if limit := cr.Spec.HistoryLimit; limit != nil {
		w.historyLimit = int(*limit)
	}
	if cr.Spec.RotationRef != nil {
		w.rotationRef = cr.Spec.RotationRef.Name
	}
	if cr.Spec.Target != nil {
		w.target = cr.Spec.Target.SecretName
	}
	if encoded, err := json.Marshal([]any{w.format, cr.Spec.Entries}); err == nil {
		w.entriesDigest = tenant.Digest(encoded)[:16]
	}
	for _, e := range cr.Spec.Entries {
		w.entries = append(w.entries, resolveEntry(e))
	}
	return w
}

func formatOf(spec v1alpha1.KeystoreSpec) keystore.Format {
	switch {
	case spec.Format == v1alpha1.FormatJKS:
		return keystore.JKS
	case spec.Format == v1alpha1.FormatPEM:
		return keystore.PEM
	case spec.Encryption == v1alpha1.EncryptionLegacy:
		return keystore.PKCS12Legacy
	}
	return keystore.PKCS12
}

// hasPassword: PEM is open to whoever reads it.
func (w want) hasPassword() bool { return w.format != keystore.PEM }

func resolveEntry(e v1alpha1.KeystoreEntry) entry {
	resolved := entry{alias: e.Alias, trusted: e.Trusted, ring: e.Ring}
	if e.Certificate == nil {
		return resolved
	}
	resolved.algorithm, resolved.size = keystore.RSA, 3072
	if e.Algorithm == v1alpha1.ECDSA {
		resolved.algorithm, resolved.size = keystore.ECDSA, 256
	}
	if e.Size != 0 {
		resolved.size = int(e.Size)
	}
	certificate := e.Certificate
	resolved.dnsNames = certificate.DNSNames
	if ref := certificate.IssuerRef; ref != nil {
		resolved.duration = orDefault(certificate.Duration, defaultIssuedDuration)
		resolved.issued = &issued{issuer: *ref, renewBefore: orDefault(certificate.RenewBefore, defaultRenewBefore)}
		if ref.Kind == "" {
			resolved.issued.issuer.Kind = "Issuer"
		}
		if ref.Group == "" {
			resolved.issued.issuer.Group = certManagerGroup
		}
		return resolved
	}
	resolved.duration = orDefault(certificate.Duration, defaultSelfSignedDuration)
	resolved.selfSigned = &selfSigned{commonName: e.Alias}
	if certificate.SelfSigned != nil && certificate.SelfSigned.CommonName != "" {
		resolved.selfSigned.commonName = certificate.SelfSigned.CommonName
	}
	return resolved
}

func orDefault(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}
