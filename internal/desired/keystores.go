package desired

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Keystores gives one Keystore for each store of the tenant that nobody else made. The TLS key comes from the
// issuer and names every way to the server; the other keys sign their own certificates.
// The trust store has the topmost certificate of each other store, under the store's
// role as alias, and the declared CA sources as ca-1, ca-2 and so on, in an order that
// does not depend on how they were listed.
//
// A CA source that names not exactly one of ConfigMap and Secret is a Terminal fault.
func Keystores(want tenant.Spec) ([]client.Object, error) {
	objects := make([]client.Object, 0, len(want.Keystores))
	for _, store := range want.Keystores {
		if store.Existing != "" {
			continue
		}
		entries, err := entriesOf(want, store)
		if err != nil {
			return nil, err
		}
		metadata := object(want, want.KeystoreName(store.Role), componentKeystore)
		// It comes with the object, which spares a write: the Keystore's own controller would
		// add it at its first look. An object that is being deleted is never applied.
		metadata.Finalizers = []string{v1alpha1.Finalizer}
		format := v1alpha1.KeystoreFormat("") // PKCS12
		if store.PEM {
			format = v1alpha1.FormatPEM
		}
		objects = append(objects, &v1alpha1.Keystore{
			TypeMeta:   typeOf(v1alpha1.GroupVersion, "Keystore"),
			ObjectMeta: metadata,
			Spec: v1alpha1.KeystoreSpec{
				VaultRef:       v1alpha1.LocalReference{Name: want.VaultRef},
				Format:         format,
				Entries:        entries,
				DeletionPolicy: deletionPolicy(want),
			},
		})
	}
	return sorted(objects...), nil
}

func deletionPolicy(want tenant.Spec) v1alpha1.DeletionPolicy {
	if want.RetainVault {
		return v1alpha1.DeletionRetain
	}
	return v1alpha1.DeletionDelete
}

func entriesOf(want tenant.Spec, store tenant.Keystore) ([]v1alpha1.KeystoreEntry, error) {
	if store.Role == tenant.RoleTrust {
		return trustedEntries(want, store)
	}
	certificate := &v1alpha1.EntryCertificate{DNSNames: slices.Clone(store.DNSNames), Duration: duration(store.Duration)}
	if store.Issued {
		certificate.IssuerRef = &v1alpha1.IssuerReference{Name: want.Issuer.Name, Kind: want.Issuer.Kind, Group: want.Issuer.Group}
		certificate.DNSNames = ServerNames(want, store)
		certificate.RenewBefore = duration(store.RenewBefore)
	} else {
		certificate.SelfSigned = &v1alpha1.SelfSigned{}
	}
	return []v1alpha1.KeystoreEntry{{
		Alias:       store.Alias,
		Ring:        store.Ring,
		Algorithm:   v1alpha1.KeyAlgorithm(store.Algorithm),
		Size:        store.Size,
		Certificate: certificate,
	}}, nil
}

// ServerNames lists the names under which the server is reached, public ones first, each
// once: by users and administrators, through the client Service, pod by pod through the
// headless Service, and by itself as localhost.
func ServerNames(want tenant.Spec, store tenant.Keystore) []string {
	names := []string{want.Hostname}
	if want.Exposure.Admin != nil {
		names = append(names, want.Exposure.Admin.Hostname)
	}
	service := want.ServiceName() + "." + want.Namespace
	names = append(names,
		want.ServiceName(), service, service+".svc", service+".svc.cluster.local",
		"*."+want.HeadlessServiceName()+"."+want.Namespace+".svc",
		"localhost",
	)
	names = append(names, store.DNSNames...)
	unique := make([]string, 0, len(names))
	for _, name := range names {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}

func trustedEntries(want tenant.Spec, store tenant.Keystore) ([]v1alpha1.KeystoreEntry, error) {
	var entries []v1alpha1.KeystoreEntry
	for _, other := range want.Keystores {
		if other.Role == tenant.RoleTrust || other.Unmounted { // another key would be another trust store, and a rollout
			continue
		}
		reference := &v1alpha1.KeystoreEntryReference{Name: want.KeystoreName(other.Role), Alias: other.Alias}
		entries = append(entries, trustedEntry(string(other.Role), v1alpha1.TrustedSource{KeystoreRef: reference}))
	}
	sources := slices.Clone(store.Trusted)
	slices.SortFunc(sources, func(a, b tenant.CertificateSource) int {
		return cmp.Or(cmp.Compare(a.ConfigMap, b.ConfigMap), cmp.Compare(a.Secret, b.Secret), cmp.Compare(a.Key, b.Key))
	})
	for i, source := range slices.Compact(sources) {
		trusted, err := trustedSource(source)
		if err != nil {
			return nil, err
		}
		entries = append(entries, trustedEntry(fmt.Sprintf("ca-%d", i+1), trusted))
	}
	return entries, nil
}

func trustedEntry(alias string, source v1alpha1.TrustedSource) v1alpha1.KeystoreEntry {
	return v1alpha1.KeystoreEntry{Alias: alias, Trusted: &source}
}

func trustedSource(source tenant.CertificateSource) (v1alpha1.TrustedSource, error) {
	switch {
	case source.ConfigMap != "" && source.Secret == "":
		return v1alpha1.TrustedSource{ConfigMapRef: &v1alpha1.KeySelector{Name: source.ConfigMap, Key: source.Key}}, nil
	case source.Secret != "" && source.ConfigMap == "":
		return v1alpha1.TrustedSource{SecretRef: &v1alpha1.KeySelector{Name: source.Secret, Key: source.Key}}, nil
	}
	return v1alpha1.TrustedSource{}, fault.Terminal(reasonInvalidSpec,
		"spec.keystores.trust.certificates: a source has to name either a ConfigMap or a Secret, with the key %q", source.Key)
}

func duration(d time.Duration) *metav1.Duration {
	if d == 0 {
		return nil
	}
	return &metav1.Duration{Duration: d}
}
