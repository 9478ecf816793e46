package vault_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

func jwt(context.Context) (string, error) { return canaryJWT, nil }

// The real auth plugin runs in the real Vault; only the API server that reviews
// the token is a fake.
func TestKubernetesLogin(t *testing.T) {
	server := vaulttest.Start(t)
	reviewer := fakeTokenReviewer(t)
	if err := server.EnableKubernetesAuth(t.Context(), "kubernetes", reviewer); err != nil {
		t.Fatal(err)
	}
	conn := server.Connection(t)
	err := server.WriteKubernetesRole(t.Context(), "kubernetes", "iam", localenv.KubernetesRole{
		ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{"iam"}, Audience: "vault",
		Policies: []string{conn.KVPrefix}, TTL: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account, audience, role, mount string
		kind                           fault.Kind
		reason                         string
		words                          []string
	}{
		"good":            {"holdfast-vault", "vault", "iam", "kubernetes", 0, "", nil},
		"other account":   {"default", "vault", "iam", "kubernetes", fault.KindTerminal, vault.ReasonLoginFailed, []string{"spec.auth.kubernetes", "default"}},
		"other audience":  {"holdfast-vault", "api", "iam", "kubernetes", fault.KindTerminal, vault.ReasonLoginFailed, []string{"spec.auth.kubernetes", `audience "api"`}},
		"unknown role":    {"holdfast-vault", "vault", "nobody", "kubernetes", fault.KindTerminal, vault.ReasonLoginFailed, []string{`role "nobody"`}},
		"unknown mount":   {"holdfast-vault", "vault", "iam", "k8s", fault.KindTerminal, vault.ReasonLoginFailed, []string{"auth/k8s", "mounted"}},
		"another's mount": {"holdfast-vault", "vault", "iam", "approle", fault.KindWaiting, vault.ReasonLoginFailed, []string{"auth/approle"}}, // Vault answers 500
	} {
		t.Run(name, func(t *testing.T) {
			conn := conn
			conn.Auth = vault.Auth{Kubernetes: &vault.KubernetesAuth{Mount: c.mount, Role: c.role, Audience: c.audience, ServiceAccount: c.account}}
			token := signedJWT(t, c.account, c.audience)
			asked := 0
			source := func(context.Context) (string, error) { asked++; return token, nil }
			r := newRig(t)
			for range 2 {
				client, err := r.Client(t.Context(), conn, source)
				if c.reason != "" {
					wantFault(t, err, c.kind, c.reason, append(c.words, conn.Name), token)
				} else if err != nil {
					t.Fatal(err)
				} else if _, err := client.Read(t.Context(), "secret", conn.KVPrefix+"/a"); !errors.Is(err, vault.ErrNotFound) {
					t.Error(err)
				}
			}
			if asked != 1 || r.Logins() != 1 {
				t.Errorf("asked for %d tokens, %d logins, want 1 and 1", asked, r.Logins())
			}
		})
	}
}

// The operator's own service account token must never go to a tenant's Vault.
func TestNoTokenNoLogin(t *testing.T) {
	conn := fakeVault(t, nil)
	missing := fault.Waiting("ReferenceMissing", "no service account holdfast-vault")
	for name, source := range map[string]vault.TokenSource{
		"none":  nil,
		"empty": func(context.Context) (string, error) { return "", nil },
		"fault": func(context.Context) (string, error) { return "", missing },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, err := r.Client(t.Context(), conn, source)
			if err == nil || len(r.recorder.Requests()) != 0 || r.Logins() != 0 {
				t.Errorf("error %v, requests %v", err, r.recorder.Requests())
			}
			if name == "fault" && !errors.Is(err, missing) {
				t.Errorf("%v lost the fault of the source", err)
			}
		})
	}
}

func TestTokenAuthIsUsedAsItIs(t *testing.T) {
	server := vaulttest.Start(t)
	conn := server.Connection(t)
	conn.Auth = vault.Auth{Token: &vault.TokenAuth{Token: vault.Secret(server.RootToken())}}
	r := newRig(t)
	for range 3 {
		if err := r.use(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		r.pass(1000 * time.Hour)
	}
	if r.Logins() != 0 {
		t.Errorf("%d logins with a given token", r.Logins())
	}
	conn.Auth.Token.Token = "hvs.canary-wrong"
	client, err := r.Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, client.Check(t.Context()), fault.KindTerminal, vault.ReasonLoginFailed, []string{"spec.auth.token"}, "canary")
	_, err = client.Read(t.Context(), "secret", "a")
	wantFault(t, err, fault.KindTerminal, vault.ReasonLoginFailed, []string{"spec.auth.token"}, "canary")
}

func fakeTokenReviewer(t *testing.T) localenv.KubernetesReviewer {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct {
				Token     string   `json:"token"`
				Audiences []string `json:"audiences"`
			} `json:"spec"`
		}
		if json.NewDecoder(r.Body).Decode(&review) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var claims struct {
			Audience []string `json:"aud"`
			Subject  string   `json:"sub"`
		}
		payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(review.Spec.Token+"..", ".")[1])
		_ = json.Unmarshal(payload, &claims)
		status := map[string]any{"authenticated": false}
		if len(review.Spec.Audiences) == 0 || slices.Contains(claims.Audience, review.Spec.Audiences[0]) {
			status = map[string]any{"authenticated": true, "audiences": claims.Audience, "user": map[string]any{
				"username": claims.Subject, "uid": "1", "groups": []string{"system:serviceaccounts"}}}
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return localenv.KubernetesReviewer{Host: server.URL, CA: ca, Token: "reviewer"}
}

func signedJWT(t *testing.T, account, audience string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "ES256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:iam:" + account, "aud": []string{audience},
		"iat": now, "nbf": now - 60, "exp": now + 600,
		"kubernetes.io": map[string]any{"namespace": "iam", "serviceaccount": map[string]string{"name": account, "uid": "1"}},
	})
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}
