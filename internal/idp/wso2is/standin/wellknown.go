package standin

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/http"
)

// health answers without a login. The real one checks its database where
// [carbon_health_check] is on.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if s.unwell.Load() {
		answer(w, http.StatusServiceUnavailable, map[string]any{"errors": []map[string]string{{"code": "HC_00001", "message": "the database does not answer"}}})
		return
	}
	answer(w, http.StatusOK, map[string]any{"health": []any{}})
}

// jwks publishes every key of the store that signs tokens.
func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	keys := []map[string]any{}
	for _, entry := range s.stores.entries[signing] {
		if entry.PrivateKey == nil {
			continue
		}
		certificate := entry.Chain[0]
		sum := sha256.Sum256(certificate.Raw)
		key := map[string]any{
			"use": "sig", "x5c": []string{base64.StdEncoding.EncodeToString(certificate.Raw)},
			"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:]),
		}
		switch public := certificate.PublicKey.(type) {
		case *rsa.PublicKey:
			key["kty"], key["n"], key["e"] = "RSA", encoded(public.N), encoded(big.NewInt(int64(public.E)))
		case *ecdsa.PublicKey:
			key["kty"], key["crv"] = "EC", public.Curve.Params().Name
			if point, err := public.Bytes(); err == nil {
				half := (len(point) - 1) / 2
				key["x"], key["y"] = base64.RawURLEncoding.EncodeToString(point[1:1+half]), base64.RawURLEncoding.EncodeToString(point[1+half:])
			}
		}
		key["alg"], key["kid"] = algorithmOf(certificate), keyIDOf(certificate)
		keys = append(keys, key)
	}
	answer(w, http.StatusOK, map[string]any{"keys": keys})
}

// keyIDOf is how the product names a key, in the JWKS and in tokens.
func keyIDOf(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))) + "_" + algorithmOf(certificate)
}

func encoded(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// discovery names the issuer and where its keys are.
func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	base := "https://" + s.configuration.text("server.hostname")
	answer(w, http.StatusOK, map[string]any{
		"issuer":                 base + "/oauth2/token",
		"authorization_endpoint": base + "/oauth2/authorize",
		"token_endpoint":         base + "/oauth2/token",
		"jwks_uri":               base + "/oauth2/jwks",
	})
}
