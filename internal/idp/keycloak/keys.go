package keycloak

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// keysPath is where the server publishes the keys of the root realm.
const keysPath = "/realms/" + masterRealm + "/protocol/openid-connect/certs"

// keys are those of the root realm.
type keys struct{ client *connection }

var _ idp.Keys = keys{}

// Keys implements idp.Driver.
func (Driver) Keys(_ tenant.Spec, access idp.Access) (idp.Keys, error) {
	client, err := newClient(access)
	if err != nil {
		return nil, err
	}
	return keys{client}, nil
}

// Observe implements idp.Keys with one GET. Signing stays empty while more than one key
// verifies. Keys for encryption are published beside those that verify, and are left out.
func (k keys) Observe(ctx context.Context) (idp.KeyRing, error) {
	var set idp.KeySet
	err := k.client.do(ctx, call{method: http.MethodGet, path: keysPath, into: &set})
	var answer *refusal
	if errors.As(err, &answer) && !fault.Is(err) {
		return idp.KeyRing{}, fault.Waiting(idp.ReasonServerUnreachable, "%s does not publish its keys", k.client.base).Because(err)
	}
	if err != nil {
		return idp.KeyRing{}, err
	}
	ring := idp.KeyRing{Published: set.Published("sig")}
	if len(ring.Published) == 1 {
		ring.Signing = ring.Published[0]
	}
	return ring, nil
}

// Advance implements idp.Keys. The server makes and keeps the keys of its realms by itself:
// a ring that it does not hold is a Terminal fault, reason SettingRefused.
func (k keys) Advance(ctx context.Context, ring idp.KeyRing) (idp.Effect, error) {
	held, err := k.Observe(ctx)
	if err != nil {
		return "", err
	}
	if held.Signing != ring.Signing || !slices.Equal(held.Published, ring.Published) {
		return "", fault.Terminal(idp.ReasonSettingRefused, "%s signs with keys of its own, which the operator does not replace; "+
			"rotate them in the server, and take their schedule out of the tenant", k.client.base)
	}
	return idp.Live, nil
}

// Close implements idp.Keys.
func (k keys) Close() error {
	k.client.http.CloseIdleConnections()
	return nil
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
