package standin_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
)

// token asks for a token and wants a status.
func (a api) token(status int, grant string) map[string]any {
	a.Helper()
	body := url.Values{"grant_type": {grant}}.Encode()
	request, err := http.NewRequest(http.MethodPost, "https://"+a.server.Address()+"/oauth2/token", strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(a.account.Username, a.account.Password)
	response, err := a.client.Do(request)
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		a.Fatalf("status %d, want %d: %s %v", response.StatusCode, status, data, err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		a.Fatal(err)
	}
	return out
}

// verify checks a token by a JWKS, and gives its header and claims.
func verify(token string, jwks map[string]any) (header, claims map[string]any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("%d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(data, into); err != nil {
			return nil, nil, err
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, nil, err
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, entry := range jwks["keys"].([]any) {
		key := entry.(map[string]any)
		if key["kid"] != header["kid"] || key["alg"] != header["alg"] {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(key["x5c"].([]any)[0].(string))
		if err != nil {
			return nil, nil, err
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, err
		}
		switch public := certificate.PublicKey.(type) {
		case *rsa.PublicKey:
			return header, claims, rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
		case *ecdsa.PublicKey:
			half := len(signature) / 2
			if !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])) {
				return nil, nil, fmt.Errorf("the signature is wrong")
			}
			return header, claims, nil
		}
	}
	return nil, nil, fmt.Errorf("no published key has the id %v", header["kid"])
}

// A token is signed by the key that deployment.toml names, which is read once, and every
// key of the store verifies.
func TestTokensAreSignedByTheNamedKey(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	if err := state.AddApplication("shop", "its-secret"); err != nil {
		t.Fatal(err)
	}
	before := caller(t, home, home.Start(t, state)).as("shop", "its-secret")
	first := before.token(http.StatusOK, "client_credentials")["access_token"].(string)

	moved := home.Clone()
	moved.Files["conf/deployment.toml"].Data = []byte(strings.Replace(string(moved.Files["conf/deployment.toml"].Data), `alias = "current"`, `alias = "next"`, 1))
	after := caller(t, home, moved.Start(t, state)).as("shop", "its-secret")
	second := after.token(http.StatusOK, "client_credentials")["access_token"].(string)
	third := before.token(http.StatusOK, "client_credentials")["access_token"].(string)

	ids := map[string]string{}
	for _, certificate := range home.Signing(t) {
		id, err := wso2is.Driver{}.KeyID(certificate)
		if err != nil {
			t.Fatal(err)
		}
		ids[strings.Fields(certificate.Subject.CommonName)[0]] = id
	}
	for _, pod := range []api{before, after} {
		jwks := pod.call(http.StatusOK, http.MethodGet, "/oauth2/jwks", "")
		for name, want := range map[string]struct{ token, key string }{"first": {first, "current"}, "second": {second, "next"}, "third": {third, "current"}} {
			header, claims, err := verify(want.token, jwks)
			if err != nil {
				t.Errorf("the %s token: %v", name, err)
				continue
			}
			if header["kid"] != ids[want.key] {
				t.Errorf("the %s token has kid %v, want that of %s, %s", name, header["kid"], want.key, ids[want.key])
			}
			if claims["sub"] != "shop" || claims["iss"] != "https://id.acme.example/oauth2/token" {
				t.Errorf("the %s token says %v", name, claims)
			}
			if left := time.Until(time.Unix(int64(claims["exp"].(float64)), 0)); left > time.Hour || left < 59*time.Minute {
				t.Errorf("the %s token ends in %s", name, left)
			}
		}
	}
	if _, _, err := verify(first[:len(first)-8]+"AAAAAAAA", before.call(http.StatusOK, http.MethodGet, "/oauth2/jwks", "")); err == nil {
		t.Error("a token with another signature was verified: this test proves nothing")
	}

	before.token(http.StatusBadRequest, "password")
	before.as("shop", "another").token(http.StatusUnauthorized, "client_credentials")
	before.as("nobody", "its-secret").token(http.StatusUnauthorized, "client_credentials")
}

// Lifetimes are those of deployment.toml.
func TestTokensLiveAsLongAsTheyAreTold(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	file := home.Files["conf/deployment.toml"]
	file.Data = append(file.Data, "[oauth.token_validation]\napp_access_token_validity = \"2m\"\n"...)
	if err := state.AddApplication("shop", "its-secret"); err != nil {
		t.Fatal(err)
	}
	answer := caller(t, home, home.Start(t, state)).as("shop", "its-secret").token(http.StatusOK, "client_credentials")
	if answer["expires_in"] != 120.0 {
		t.Errorf("the answer is %v", answer)
	}
}
