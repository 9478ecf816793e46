package keycloak

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// keys are those that sign the tokens of each realm of a tenant. All of them sign with one ring.
type keys struct {
	admin  *admin
	realms []string
	// borrowed: the admin is closed by whoever has it.
	borrowed bool
}

var (
	_ idp.Keys       = &keys{}
	_ idp.KeysHolder = &admin{}
)

// Keys implements idp.Driver.
func (Driver) Keys(want tenant.Spec, access idp.Access) (idp.Keys, error) {
	client, err := newClient(access)
	if err != nil {
		return nil, err
	}
	return &keys{admin: &admin{client: client, access: access}, realms: realmsOf(want)}, nil
}

// Keys implements idp.KeysHolder.
func (a *admin) Keys(want tenant.Spec) idp.Keys {
	return &keys{admin: a, realms: realmsOf(want), borrowed: true}
}

func realmsOf(want tenant.Spec) []string {
	realms := []string{tenant.RootRealm}
	for _, realm := range want.Realms {
		realms = append(realms, realm.Name)
	}
	slices.Sort(realms)
	return slices.Compact(realms)
}

// Observe implements idp.Keys with one GET for each realm, as its clients do. What signs the
// administrator is told by another; without one, Signing stays empty. Keys for encryption are
// published beside those that verify, and are left out.
func (k *keys) Observe(ctx context.Context) (idp.KeyRing, error) {
	var ring idp.KeyRing
	var signing []string
	for i, realm := range k.realms {
		published, err := k.published(ctx, realm)
		if err != nil {
			return idp.KeyRing{}, err
		}
		if i == 0 {
			ring.Published = published
		}
		ring.Published = slices.DeleteFunc(ring.Published, func(id string) bool { return !slices.Contains(published, id) })
		if k.admin.access.Bootstrap.Username == "" {
			continue
		}
		listed, err := k.listed(ctx, realm)
		if err != nil {
			return idp.KeyRing{}, err
		}
		signing = append(signing, listed.Active[signatureAlgorithm])
	}
	if slices.Sort(signing); len(slices.Compact(signing)) == 1 {
		ring.Signing = signing[0]
	}
	return ring, nil
}

// published are the ids of the keys that everybody is told of.
func (k *keys) published(ctx context.Context, realm string) ([]string, error) {
	var set idp.KeySet
	err := k.admin.client.do(ctx, call{method: http.MethodGet, path: "/realms/" + url.PathEscape(idp.NameOf(realm, masterRealm)) + "/protocol/openid-connect/certs", into: &set})
	var answer *refusal
	if err = realmFault(realm, err); errors.As(err, &answer) && !fault.Is(err) {
		return nil, fault.Waiting(idp.ReasonServerUnreachable, "%s does not publish the keys of realm %s", k.admin.client.base, realm).Because(err)
	}
	return set.Published("sig"), err
}

// Close implements idp.Keys.
func (k *keys) Close() error {
	if k.borrowed {
		return nil
	}
	return k.admin.Close()
}

// KeyID implements idp.Driver: the SHA-256 of the public key in base64url. Another
// certificate of the same key has the same id.
func (Driver) KeyID(certificate *x509.Certificate) (string, error) {
	public, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil {
		return "", fmt.Errorf("a key of kind %T signs no token: %w", certificate.PublicKey, err)
	}
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
