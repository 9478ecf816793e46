package identitytenant

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

const (
	// canarySuffix follows a material's name where its canary lies.
	canarySuffix = "-canary"
	canaryField  = "sealed"
	canaryText   = "this opens with the key that it was sealed with"
)

// proven is a key that opened its canary in this life of the operator.
type proven struct {
	tenant     string
	generation int
}

// drill is a restore drill: what was sealed with a key when it was first seen is opened with
// the key as Vault has it now. A key that somebody wrote over would make all stored data
// unreadable, and is refused before any pod gets it. What was proven is not asked again
// until the key changes, somebody asks, or the operator starts anew.
func (p *pass) drill(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, generation int, value map[string]string) error {
	token := p.cr.Annotations[v1alpha1.AnnotationRestoreDrill]
	var last v1alpha1.RestoreDrill
	if p.cr.Status.DataKey != nil && p.cr.Status.DataKey.Drill != nil {
		last = *p.cr.Status.DataKey.Drill
	}
	tell := int(last.Generation) != generation || token != "" && token != last.Request
	key, digest := proven{want.Key().String(), generation}, digestOf(value)
	if before, ok := p.proofs.Load(key); ok && before == digest && !tell {
		return nil
	}
	canary, err := p.ensureValue(ctx, want, seen, which{material.Name + canarySuffix, generation}, func(string) (map[string]string, error) {
		return sealCanary(value)
	})
	if err != nil {
		return err
	}
	if !opensCanary(value, canary) {
		path, err := vault.Path(p.engine.Prefix, want.Namespace, vaultKind, want.Name, material.Name, generation)
		if err != nil {
			return err
		}
		return fault.Terminal(v1alpha1.ReasonDataKeyDamaged, "the %s at %s/%s in Vault is not the key that it was: it does not open the value at %s/%s that was sealed with it. "+
			"No pod gets it. Restore the key with vault kv rollback", material.Name, p.engine.Mount, path, p.engine.Mount, material.Name+canarySuffix)
	}
	p.proofs.Store(key, digest)
	if tell {
		p.lastDrill = &tenant.RestoreDrill{Generation: generation, Request: token, At: p.Clock.Now()}
	}
	return nil
}

func digestOf(value map[string]string) string {
	bytes := make(map[string][]byte, len(value))
	for name, field := range value {
		bytes[name] = []byte(field)
	}
	return tenant.DigestMap(bytes)
}

// canaryCipher seals with a key of its own, derived from the value: the server's key itself
// is used by the server alone.
func canaryCipher(value map[string]string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(digestOf(value)), nil, "holdfast restore drill", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func sealCanary(value map[string]string) (map[string]string, error) {
	aead, err := canaryCipher(value)
	if err != nil {
		return nil, fmt.Errorf("seal a canary: %w", err)
	}
	return map[string]string{canaryField: base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, []byte(canaryText), nil))}, nil
}

func opensCanary(value, canary map[string]string) bool {
	aead, err := canaryCipher(value)
	if err != nil {
		return false
	}
	sealed, err := base64.StdEncoding.DecodeString(canary[canaryField])
	if err != nil {
		return false
	}
	text, err := aead.Open(nil, nil, sealed, nil)
	return err == nil && string(text) == canaryText
}
