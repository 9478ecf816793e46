package keystore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

const (
	// LabelGeneration counts the versions of a store.
	LabelGeneration = "iam.holdfast.dev/generation"
	// labelCertificateOf marks the Secret that cert-manager makes for a Keystore.
	labelCertificateOf = "iam.holdfast.dev/certificate-of"
	// labelTarget marks the copy under a stable name.
	labelTarget = "iam.holdfast.dev/target"
	// annotationEntries is the digest of the entries that a version was last current for.
	annotationEntries = "iam.holdfast.dev/entries"
	// annotationRings says which key of each ring did what when the version was made, for whoever goes back to it.
	annotationRings = "iam.holdfast.dev/rings"
)

// The keys of a version's Secret.
const (
	keyPassword       = "password"
	certificateSuffix = ".crt"
)

// version is one immutable Secret.
type version struct {
	generation int64
	secret     metav1.ObjectMeta
	// entries are known for the current version, and for others from status.
	entries []v1alpha1.KeystoreVersionEntry
}

// object gives the metadata of a child.
func (w want) object(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: w.namespace, Name: name,
		OwnerReferences: []metav1.OwnerReference{w.owner},
		Labels: map[string]string{
			tenant.LabelName: "keystore", tenant.LabelInstance: w.name, tenant.LabelComponent: "keystore",
			tenant.LabelPartOf: tenant.PartOf, tenant.LabelManagedBy: tenant.ManagedBy, tenant.LabelKeystore: w.name,
		},
	}
}

func (w want) versionLabels(generation int64) map[string]string {
	labels := w.object("").Labels
	labels[tenant.LabelVersioned] = "true"
	labels[LabelGeneration] = strconv.FormatInt(generation, 10)
	return labels
}

// findVersions lists what this very Keystore owns and what is no copy, newest first. It goes by owner, since labels can be
// changed by hand.
func (p *pass) findVersions(ctx context.Context, reader client.Reader) ([]version, error) {
	secrets := secretMetadataList()
	// Only looked at, so that a pass costs no copy of every Secret of the namespace.
	if err := reader.List(ctx, secrets, client.InNamespace(p.want.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list Secrets: %w", err)
	}
	var found []version
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		owner := metav1.GetControllerOfNoCopy(secret)
		if owner == nil || owner.UID != p.cr.UID || secret.Labels[labelTarget] != "" || secret.Name == p.want.target {
			continue
		}
		found = append(found, version{generation: p.generationOf(secret), secret: *secret.ObjectMeta.DeepCopy(), entries: p.knownEntries(secret.Name)})
	}
	slices.SortFunc(found, func(a, b version) int { return cmp.Compare(b.generation, a.generation) })
	return found, nil
}

// generationOf believes status before the label, which somebody may have changed; after a restore without status the label it is.
func (p *pass) generationOf(secret client.Object) int64 {
	for _, known := range p.cr.Status.Versions {
		if known.SecretName == secret.GetName() {
			return known.Generation
		}
	}
	generation, _ := strconv.ParseInt(secret.GetLabels()[LabelGeneration], 10, 64)
	return generation
}

func (p *pass) knownEntries(secretName string) []v1alpha1.KeystoreVersionEntry {
	for _, known := range p.cr.Status.Versions {
		if known.SecretName == secretName {
			return known.Entries
		}
	}
	return nil
}

// ensureVersion makes the Secret of the material, named by its content, unless it is there. Its generation is what it always
// was, or one more than any that was ever given.
func (p *pass) ensureVersion(ctx context.Context, m material) error {
	input, err := m.digest(p.want.entriesDigest)
	if err != nil {
		return p.unbuildable(err)
	}
	if at := p.builtBefore(input); at >= 0 {
		p.current = &p.versions[at]
		p.current.entries = describe(m.entries)
		return nil
	}
	data, err := p.encode(m)
	if err != nil {
		return p.unbuildable(err)
	}
	name := tenant.VersionedName(p.want.name, []byte(tenant.DigestMap(data)))
	var generation int64
	if at := p.indexOf(name); at >= 0 {
		generation = p.versions[at].generation
		if err := p.replaceForged(ctx, p.versions[at].secret, data); err != nil {
			return err
		}
	} else {
		if generation, err = p.nextGeneration(ctx, name); err != nil {
			return err
		}
		// A key that came from cert-manager is in Vault before anything names it.
		for _, e := range m.issued {
			if err := p.escrow(ctx, e); err != nil {
				return err
			}
		}
	}
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Secret"},
		ObjectMeta: p.want.object(name),
		Immutable:  new(true),
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	}
	secret.Labels = p.want.versionLabels(generation)
	secret.Annotations = map[string]string{annotationEntries: p.want.entriesDigest}
	if len(m.rings) > 0 {
		rings, err := json.Marshal(m.rings)
		if err != nil {
			return err
		}
		secret.Annotations[annotationRings] = string(rings)
	}
	changes := len(p.changes)
	if err := p.put(ctx, secret); err != nil {
		return err
	}
	asItWas := p.indexOf(name) >= 0 && len(p.changes) == changes
	if p.indexOf(name) < 0 {
		p.versions = append(p.versions, version{generation: generation, secret: secret.ObjectMeta})
		p.sortVersions()
	}
	p.current = &p.versions[p.indexOf(name)]
	p.current.entries = describe(m.entries)
	p.data = data
	if asItWas && p.isVerified(p.current.secret.UID) {
		p.rememberBuilt(input)
	}
	return nil
}

func (p *pass) indexOf(secretName string) int {
	return slices.IndexFunc(p.versions, func(v version) bool { return v.secret.Name == secretName })
}

func (p *pass) sortVersions() {
	slices.SortFunc(p.versions, func(a, b version) int { return cmp.Compare(b.generation, a.generation) })
}

// encode gives what the Secret of a version holds. Equal material gives equal bytes, so its digest can be its name.
func (p *pass) encode(m material) (map[string][]byte, error) {
	data, err := keystore.Encode(p.want.format, m.entries, m.password)
	if err != nil {
		return nil, err
	}
	if p.want.hasPassword() {
		data[keyPassword] = []byte(m.password)
	}
	for alias, chain := range m.chains {
		data[alias+certificateSuffix] = keystore.EncodeCertificates(chain)
	}
	return data, nil
}

// unbuildable: no repetition heals what the writer of stores refuses.
func (p *pass) unbuildable(err error) error {
	var wrong *keystore.EntryError
	switch {
	case errors.As(err, &wrong):
		return fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.entries[%s]: %s", wrong.Alias, wrong.Problem)
	case errors.Is(err, keystore.ErrPassword):
		path, _ := p.path(materialPassword, p.standing.position.Of(materialPassword).Current)
		return p.troubled(fault.Terminal(vault.ReasonValueDeleted, "The password at %s/%s in Vault is not the one that was generated; roll the value back", p.place.Mount, path))
	}
	return fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.entries: no store can be made of them").Because(err)
}

// nextGeneration looks past every cache: two versions must not share a number.
func (p *pass) nextGeneration(ctx context.Context, name string) (int64, error) {
	live, err := p.findVersions(ctx, p.Live)
	if err != nil {
		return 0, err
	}
	p.versions = live
	newest := p.cr.Status.CurrentGeneration
	for _, v := range live {
		if v.secret.Name == name {
			return v.generation, nil
		}
		newest = max(newest, v.generation)
	}
	for _, known := range p.cr.Status.Versions {
		if known.SecretName == name {
			return known.Generation, nil // it was deleted by hand: it comes back as it was
		}
		newest = max(newest, known.Generation)
	}
	return newest + 1, nil
}

// replaceForged removes a Secret that has a version's name and owner but not its content: somebody deleted ours and made
// another one. Pods would read a store that its password does not open. Each Secret is looked at once: it is immutable.
func (p *pass) replaceForged(ctx context.Context, seen metav1.ObjectMeta, data map[string][]byte) error {
	if p.isVerified(seen.UID) {
		return nil
	}
	var live corev1.Secret
	err := p.client.Get(ctx, client.ObjectKey{Namespace: seen.Namespace, Name: seen.Name}, &live)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read Secret %s: %w", seen.Name, err)
	}
	if maps.EqualFunc(live.Data, data, bytes.Equal) && live.Immutable != nil && *live.Immutable {
		p.setVerified(live.UID)
		return nil
	}
	if err := apply.Delete(ctx, p.client, &live); err != nil {
		return err
	}
	p.changes = append(p.changes, apply.Change{Verb: apply.Restored, Kind: "Secret", Name: seen.Name, Field: "data"})
	return nil
}

func (p *pass) isVerified(uid types.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verified[p.cr.UID] == uid
}

func (p *pass) setVerified(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verified == nil {
		p.verified = map[types.UID]types.UID{}
	}
	p.verified[p.cr.UID] = uid
}
