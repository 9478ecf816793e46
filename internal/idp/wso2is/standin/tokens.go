package standin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// application may ask for tokens.
type application struct {
	// Salt and Hash of its secret.
	Salt, Hash []byte
}

// AddApplication registers an application of the root realm, as a person at the console
// would, or gives it another secret.
func (s *State) AddApplication(id, secret string) error {
	return s.update(func(d *database) error {
		kept := user{}
		if err := kept.setPassword(secret); err != nil {
			return err
		}
		if d.Applications == nil {
			d.Applications = map[string]application{}
		}
		d.Applications[id] = application{Salt: kept.Salt, Hash: kept.Hash}
		return nil
	})
}

func (s *State) application(id, secret string) (ok bool, err error) {
	err = s.update(func(d *database) error {
		kept, found := d.Applications[id]
		ok = found && (&user{Salt: kept.Salt, Hash: kept.Hash}).accepts(secret)
		return nil
	})
	return ok, err
}

// token issues an access token for the application itself, a JWT that is signed by the
// key that deployment.toml names. Nothing remembers it: its signature is all there is.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, description string) {
		answer(w, status, map[string]string{"error": code, "error_description": description})
	}
	if err := r.ParseForm(); err != nil {
		refuse(http.StatusBadRequest, "invalid_request", "The body is no form.")
		return
	}
	for name := range r.URL.Query() {
		if name == "username" || name == "password" || name == "client_secret" {
			refuse(http.StatusBadRequest, "invalid_request", name+" must not be in the query.")
			return
		}
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if ok, err := s.state.application(id, secret); err != nil || !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 Identity Server"`)
		refuse(http.StatusUnauthorized, "invalid_client", "A valid OAuth client could not be found for client_id: "+id)
		return
	}
	if grant := r.PostForm.Get("grant_type"); grant != "client_credentials" {
		refuse(http.StatusBadRequest, "unsupported_grant_type", fmt.Sprintf("This stand-in issues tokens for client_credentials only, not for %q.", grant))
		return
	}
	lifetime := s.configuration.tokenLifetime()
	signed, err := s.sign(id, lifetime)
	if err != nil {
		failure(w, http.StatusInternalServerError, "500", "The token could not be signed.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusOK, map[string]any{"access_token": signed, "token_type": "Bearer", "expires_in": int(lifetime.Seconds())})
}

// tokenLifetime is the one of applications' tokens.
func (c configuration) tokenLifetime() time.Duration {
	lifetime, err := time.ParseDuration(c.text("oauth.token_validation.app_access_token_validity"))
	if err != nil {
		return time.Hour
	}
	return lifetime
}

// sign makes a JWT. The key and its id are those of the store as it was read at the start.
func (s *Server) sign(subject string, lifetime time.Duration) (string, error) {
	entry := s.stores.entry(signing)
	now := s.now()
	header := map[string]string{"typ": "at+jwt", "alg": algorithmOf(entry.Chain[0]), "kid": keyIDOf(entry.Chain[0])}
	claims := map[string]any{
		"iss": "https://" + s.configuration.text("server.hostname") + "/oauth2/token",
		"sub": subject, "client_id": subject, "aud": subject, "aut": "APPLICATION", "jti": newID(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	var parts []string
	for _, part := range []any{header, claims} {
		encoded, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(encoded))
	}
	input := strings.Join(parts, ".")
	digest := sha256.Sum256([]byte(input))
	signature, err := signatureOf(entry.PrivateKey, digest[:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// signatureOf signs as RS256 and ES256 (RFC 7518, 3.3 and 3.4) do.
func signatureOf(key crypto.Signer, digest []byte) ([]byte, error) {
	private, isECDSA := key.(*ecdsa.PrivateKey)
	if !isECDSA {
		return key.Sign(rand.Reader, digest, crypto.SHA256)
	}
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	half := (private.Curve.Params().BitSize + 7) / 8
	return append(padded(r, half), padded(s, half)...), nil
}

func padded(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }

func algorithmOf(certificate *x509.Certificate) string {
	if _, ok := certificate.PublicKey.(*rsa.PublicKey); ok {
		return "RS256"
	}
	return "ES256"
}
