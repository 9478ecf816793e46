package keystore

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// vaultKind is the segment of our paths in Vault that tells Keystores from other kinds.
const vaultKind = "keystore"

// materialPassword is the store's own password. No alias can have this name.
const materialPassword = "password"

// The fields of a value in Vault.
const (
	fieldPassword     = "password"
	fieldPrivateKey   = "privateKey"   // PKCS#8 PEM
	fieldCertificates = "certificates" // PEM chain, leaf first
	fieldAuthorities  = "authorities"  // PEM, as the issuer gave them; only of issued certificates
	fieldIssuer       = "issuer"       // who signed; only of issued certificates
)

// backdate lets a certificate be valid on machines whose clock is behind.
const backdate = 5 * time.Minute

// openVault signs in and sets the finalizer, before the first value is written: from then on Vault may hold something.
func (p *pass) openVault(ctx context.Context) (err error) {
	if p.kv, p.place, err = p.Vaults.KV(ctx, p.want.namespace, p.want.vaultRef); err != nil {
		return p.troubled(err)
	}
	if controllerutil.ContainsFinalizer(p.cr, v1alpha1.Finalizer) {
		return nil
	}
	// A look first, so that nothing is held up by a Vault that never answered.
	tree, err := vault.Tree(p.place.Prefix, p.want.namespace, vaultKind, p.want.name)
	if err != nil {
		return p.troubled(err)
	}
	if _, err := p.kv.List(ctx, p.place.Mount, tree); err != nil {
		return p.troubled(err)
	}
	before := p.cr.DeepCopy()
	controllerutil.AddFinalizer(p.cr, v1alpha1.Finalizer)
	if err := p.Client.Patch(ctx, p.cr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("add the finalizer: %w", err)
	}
	p.stale.Wrote(before, p.cr)
	return nil
}

// troubled remembers that it was Vault that failed.
func (p *pass) troubled(err error) error {
	if p.vaultErr == nil {
		p.vaultErr = err
	}
	return err
}

func (p *pass) owner() vault.Owner {
	return vault.Owner{Cluster: p.clusterID, Namespace: p.want.namespace, Kind: vaultKind, Name: p.want.name}
}

func (p *pass) path(material string, generation int) (string, error) {
	return vault.Path(p.place.Prefix, p.want.namespace, vaultKind, p.want.name, material, generation)
}

// ensure reads a value of ours, and makes it when there is none. Another owner's value is taken over only where the user said so.
func (p *pass) ensure(ctx context.Context, material string, generation int, generate func() (map[string]string, error)) (map[string]string, string, error) {
	path, err := p.path(material, generation)
	if err != nil {
		return nil, path, p.troubled(err)
	}
	found, _, err := vault.Ensure(ctx, p.kv, p.place.Mount, path, p.owner(), generate)
	if err != nil && p.want.adopt && fault.Of(err, "").Reason == vault.ReasonOwnedByOther {
		found, err = vault.Adopt(ctx, p.kv, p.place.Mount, path, p.owner())
	}
	if err != nil {
		return nil, path, p.troubled(err)
	}
	return found.Data, p.place.Mount + "/" + path, nil
}

// password of the store, empty where the format has none.
func (p *pass) password(ctx context.Context) (string, error) {
	if !p.want.hasPassword() {
		return "", nil
	}
	generation := p.standing.position.Of(materialPassword).Current
	return p.passwordOf(ctx, generation, generation == 1)
}

// passwordOf reads a generation of the password. fresh: it is made when there is none.
func (p *pass) passwordOf(ctx context.Context, generation int, fresh bool) (string, error) {
	data, path, err := p.ensure(ctx, materialPassword, generation, func() (map[string]string, error) {
		if !fresh {
			return nil, errNothingThere
		}
		return map[string]string{fieldPassword: keystore.GeneratePassword()}, nil
	})
	if errors.Is(err, errNothingThere) {
		return "", p.lost(materialPassword, path)
	}
	if err == nil && data[fieldPassword] == "" {
		err = p.troubled(fault.Terminal(vault.ReasonValueDeleted, "%s in Vault has no field %s; roll the value back", path, fieldPassword))
	}
	return data[fieldPassword], err
}

// selfSign reads a generation of the key of a self-signed entry. fresh: it is made when there is none.
func (p *pass) selfSign(ctx context.Context, e entry, generation int, fresh bool) (keystore.Entry, error) {
	data, path, err := p.ensure(ctx, e.alias, generation, func() (map[string]string, error) {
		if !fresh {
			return nil, errNothingThere
		}
		return p.newSelfSigned(ctx, e)
	})
	if errors.Is(err, errNothingThere) {
		return keystore.Entry{}, p.lost(e.alias, path)
	}
	if err != nil {
		return keystore.Entry{}, err
	}
	made, err := parsePair(e.alias, []byte(data[fieldPrivateKey]), []byte(data[fieldCertificates]))
	if err != nil {
		return made, p.troubled(fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s in Vault holds no key pair that can be read; roll the value back", path).Because(err))
	}
	// Of a ring the key that comes next tells: the others end in their time.
	newest := !e.ring || generation >= p.turn(e.alias, true).Next
	if problem := e.selfSignedMismatch(made.Chain[0]); problem != "" && newest {
		return made, fault.Terminal(v1alpha1.ReasonInvalidSpec,
			"%s: the key in Vault has another %s than the spec now says, and a self-signed key is never replaced behind its users' backs; put the former value back, or annotate %s=%q for a new key",
			e.field(), problem, v1alpha1.AnnotationRotate, p.suggested(e))
	}
	return made, nil
}

// suggested is the request that makes a new key of what the spec says.
func (p *pass) suggested(e entry) string {
	request := p.Clock.Now().UTC().Format("2006-01-02") + " " + e.alias
	if e.ring {
		request += ":" + string(rotation.Leaked)
	}
	return request
}

func (p *pass) newSelfSigned(ctx context.Context, e entry) (map[string]string, error) {
	key, err := p.generateKey(ctx, e.algorithm, e.size)
	if err != nil {
		return nil, err
	}
	begin := p.Clock.Now().Add(-backdate)
	certificate, err := keystore.SelfSign(key, keystore.SelfSignTemplate{
		CommonName: e.selfSigned.commonName, DNSNames: e.dnsNames, NotBefore: begin, NotAfter: begin.Add(e.duration),
	})
	if err != nil {
		return nil, err
	}
	return pairFields(key, []*x509.Certificate{certificate})
}

// selfSignedMismatch names what the certificate has otherwise than the spec; empty when nothing.
func (e entry) selfSignedMismatch(certificate *x509.Certificate) string {
	switch {
	case e.algorithm != algorithmOf(certificate.PublicKey):
		return "algorithm"
	case e.size != keySize(certificate.PublicKey):
		return "size"
	case e.selfSigned.commonName != certificate.Subject.CommonName:
		return "certificate.selfSigned.commonName"
	case !slices.Equal(slices.Compact(slices.Sorted(slices.Values(e.dnsNames))), slices.Sorted(slices.Values(certificate.DNSNames))):
		return "certificate.dnsNames"
	case e.duration != certificate.NotAfter.Sub(certificate.NotBefore):
		return "certificate.duration"
	}
	return ""
}

// escrow puts a key that cert-manager made into Vault, under the next generation when it is a new one.
func (p *pass) escrow(ctx context.Context, e issuedPair) error {
	newest, err := p.newestGeneration(ctx, e.Alias)
	if err != nil {
		return err
	}
	fields := func() (map[string]string, error) {
		data, err := pairFields(e.PrivateKey, e.Chain)
		if err == nil {
			data[fieldAuthorities], data[fieldIssuer] = string(keystore.EncodeCertificates(e.authorities)), issuerText(e.issuer)
		}
		return data, err
	}
	for generation := max(newest, 1); generation <= newest+1; generation++ {
		data, path, err := p.ensure(ctx, e.Alias, generation, fields)
		if err != nil {
			return err
		}
		kept, err := keystore.ParsePrivateKey([]byte(data[fieldPrivateKey]))
		if err != nil {
			return p.troubled(fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s in Vault holds no private key that can be read; roll the value back", path))
		}
		if sameKey(kept, e.PrivateKey) {
			return nil
		}
	}
	return p.troubled(fault.Waiting(vault.ReasonConflict, "Somebody else wrote a key of entry %s to Vault at the same time; it is read again", e.Alias))
}

// newestGeneration is 0 when there is none.
func (p *pass) newestGeneration(ctx context.Context, material string) (int, error) {
	tree, err := vault.Tree(p.place.Prefix, p.want.namespace, vaultKind, p.want.name)
	if err != nil {
		return 0, p.troubled(err)
	}
	names, err := p.kv.List(ctx, p.place.Mount, tree+"/"+material)
	if err != nil {
		return 0, p.troubled(err)
	}
	newest := 0
	for _, name := range names {
		if generation, err := strconv.Atoi(name); err == nil {
			newest = max(newest, generation)
		}
	}
	return newest, nil
}

func pairFields(key crypto.Signer, chain []*x509.Certificate) (map[string]string, error) {
	pem, err := keystore.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return map[string]string{fieldPrivateKey: string(pem), fieldCertificates: string(keystore.EncodeCertificates(chain))}, nil
}

func parsePair(alias string, key, chain []byte) (keystore.Entry, error) {
	private, err := keystore.ParsePrivateKey(key)
	if err != nil {
		return keystore.Entry{}, err
	}
	certificates, err := keystore.ParseCertificates(chain)
	if err != nil {
		return keystore.Entry{}, err
	}
	if !sameKey(private, publicOnly{certificates[0].PublicKey}) {
		return keystore.Entry{}, errors.New("the certificate belongs to another key")
	}
	return keystore.Entry{Alias: alias, PrivateKey: private, Chain: certificates}, nil
}

type publicOnly struct{ public crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.public }

func sameKey(a, b interface{ Public() crypto.PublicKey }) bool {
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public())
}
