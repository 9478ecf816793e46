package wso2is

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// jwksPath is where the server publishes the keys of the root realm.
const jwksPath = "/oauth2/jwks"

// keys are those of one server. It signs with the key that its deployment.toml names, reads
// that once at its start, and tells nobody: an id in a token would say it, but a token
// takes an application, and the operator has none.
type keys struct{ client *client }

var _ idp.Keys = keys{}

// Keys implements idp.Driver.
func (Driver) Keys(_ tenant.Spec, access idp.Access) (idp.Keys, error) {
	client, err := newClient(access)
	if err != nil {
		return nil, err
	}
	return keys{client}, nil
}

// Observe implements idp.Keys with one GET. Signing stays empty.
func (k keys) Observe(ctx context.Context) (idp.KeyRing, error) {
	var set idp.KeySet
	err := k.client.do(ctx, call{method: http.MethodGet, path: jwksPath, into: &set})
	var answer *refusal
	if errors.As(err, &answer) {
		return idp.KeyRing{}, fault.Waiting(idp.ReasonServerUnreachable, "%s does not publish its keys", k.client.base).Because(err)
	}
	if err != nil {
		return idp.KeyRing{}, err
	}
	return idp.KeyRing{Published: set.Published("")}, nil
}

// Advance implements idp.Keys. The server has no way to load a key while it runs.
func (k keys) Advance(context.Context, idp.Ring) (idp.Advanced, error) {
	return idp.Advanced{Effect: idp.NeedsRevision}, nil
}

// Close implements idp.Keys.
func (k keys) Close() error {
	k.client.http.CloseIdleConnections()
	return nil
}

// KeyID implements idp.Driver: the hexadecimal SHA-256 of the certificate in base64url, and
// the algorithm. Another certificate of the same key has another id.
func (Driver) KeyID(certificate *x509.Certificate) (string, error) {
	algorithm := ""
	switch certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		algorithm = "RS256"
	case *ecdsa.PublicKey:
		algorithm = "ES256"
	default:
		return "", fmt.Errorf("a key of kind %T signs no token", certificate.PublicKey)
	}
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))) + "_" + algorithm, nil
}
