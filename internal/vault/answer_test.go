package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

// States that one local Vault cannot be brought into, or that only a server
// which is not Vault shows, are played by a fake server.

const canaryToken, canaryJWT, canaryValue = "hvs.canary-token", "eyJ.canary.jwt", "canary-value"

// fakeVault signs everybody in and knows the mount; kv answers the rest.
func fakeVault(t *testing.T, kv http.HandlerFunc) vault.Connection {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/auth/kubernetes/login"):
			fmt.Fprintf(w, `{"auth": {"client_token": %q, "lease_duration": 3600, "renewable": true}}`, canaryToken)
		case strings.HasPrefix(r.URL.Path, "/v1/sys/internal/ui/mounts/"):
			fmt.Fprint(w, `{"data": {"type": "kv", "path": "secret/", "options": {"version": "2"}}}`)
		default:
			kv(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return vault.Connection{
		Name: "iam/vault", Address: server.URL, CA: string(ca), KVMount: "secret", KVPrefix: "holdfast",
		Auth: vault.Auth{Kubernetes: &vault.KubernetesAuth{Mount: "kubernetes", Role: "iam", Audience: "vault", ServiceAccount: "holdfast-vault"}},
	}
}

func (r rig) signIn(t testing.TB, conn vault.Connection) *vault.Client {
	t.Helper()
	client, err := r.Client(t.Context(), conn, jwt)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestAnswersAreToldApart(t *testing.T) {
	health := func(initialized, sealed, standby bool, mode string) string {
		return fmt.Sprintf(`{"initialized": %t, "sealed": %t, "standby": %t, "replication_dr_mode": %q, "version": "1.21.2"}`, initialized, sealed, standby, mode)
	}
	serving := health(true, false, false, "disabled")
	for name, c := range map[string]struct {
		code         int
		body, health string
		kind         fault.Kind
		reason       string
		word         string
	}{
		"not initialized":    {503, `{"errors": ["Vault is sealed"]}`, health(false, true, true, ""), fault.KindWaiting, vault.ReasonNotInitialized, "operator init"},
		"sealed":             {503, `{"errors": ["Vault is sealed"]}`, health(true, true, true, ""), fault.KindWaiting, vault.ReasonSealed, "unseal"},
		"standby":            {500, `{"errors": ["local node not active but active cluster node not found"]}`, serving, fault.KindWaiting, vault.ReasonStandby, "active"},
		"standby by health":  {503, `{"errors": []}`, health(true, false, true, ""), fault.KindWaiting, vault.ReasonStandby, "active"},
		"disaster recovery":  {400, `{"errors": ["path disabled in replication DR secondary mode"]}`, "", fault.KindWaiting, vault.ReasonStandby, "active"},
		"not yet consistent": {412, `{"errors": ["required index state not present"]}`, "", fault.KindWaiting, vault.ReasonStandby, "active"},
		"472":                {472, `{"errors": []}`, "", fault.KindWaiting, vault.ReasonStandby, "active"},
		"473":                {473, `{"errors": []}`, "", fault.KindWaiting, vault.ReasonStandby, "active"},
		"rate limit":         {429, `{"errors": ["request path \"secret\": rate limit quota exceeded"]}`, "", fault.KindWaiting, vault.ReasonRateLimited, "quota"},
		"a proxy":            {503, `<html>no backend</html>`, `<html>no backend</html>`, fault.KindWaiting, vault.ReasonUnreachable, "is not Vault"},
		"another API":        {500, `{"kind": "Status"}`, `{"kind": "Status"}`, fault.KindWaiting, vault.ReasonUnreachable, "is not Vault"},
		"a broken storage":   {500, `{"errors": ["1 error occurred:\n\t* storage is\n\n \u001b\u0000full"]}`, serving, fault.KindTransient, "", "answered 500 to read secret/data/a; Vault's log tells more: 1 error occurred: * storage is full"},
		"no JSON":            {200, `<html>welcome</html>`, "", fault.KindTransient, "", "makes no sense"},
		"too large":          {200, `{"data": {"data": {"k": "` + strings.Repeat("x", 5<<20) + `"}}}`, "", fault.KindWaiting, vault.ReasonUnreachable, "larger than any"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := fakeVault(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/v1/sys/health") {
					fmt.Fprint(w, c.health)
					return
				}
				w.WriteHeader(c.code)
				fmt.Fprint(w, c.body)
			})
			_, err := newRig(t).signIn(t, conn).Read(t.Context(), "secret", "a")
			if c.reason == "" {
				if got := fault.Of(err, ""); got.Kind != c.kind || !strings.Contains(err.Error(), c.word) {
					t.Errorf("got kind %v: %v", got.Kind, err)
				}
				return
			}
			wantFault(t, err, c.kind, c.reason, []string{"iam/vault", c.word}, canaryToken, canaryJWT)
		})
	}
}

// A server that sends back what it got brings no secret into an error.
func TestErrorsQuoteNoSecret(t *testing.T) {
	for _, format := range []string{"raw", "json"} {
		for _, code := range []int{400, 403, 404, 405, 413, 418, 429, 500, 502, 503} {
			conn := fakeVault(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				echo := fmt.Sprint(r.Header, string(body))
				if format == "json" {
					encoded, _ := json.Marshal(map[string]any{"errors": []string{echo}, "version": "1"})
					echo = string(encoded)
				}
				w.WriteHeader(code)
				fmt.Fprint(w, echo)
			})
			client := newRig(t).signIn(t, conn)
			value := map[string]string{"password": canaryValue}
			conn.Name, conn.Auth.Kubernetes = "iam/login", &vault.KubernetesAuth{Mount: "other", Role: "iam"}
			for what, err := range map[string]error{
				"read":   second(client.Read(t.Context(), "secret", "a")),
				"create": second(client.Create(t.Context(), "secret", "a", value)),
				"update": second(client.Update(t.Context(), "secret", "a", value, 1)),
				"delete": client.Delete(t.Context(), "secret", "a"),
				"list":   second(client.List(t.Context(), "secret", "a")),
				"login":  second(newRig(t).Client(t.Context(), conn, jwt)),
			} {
				if err == nil {
					if code != http.StatusNotFound { // a missing value, for list and delete
						t.Errorf("%s %d %s: no error", format, code, what)
					}
					continue
				}
				wantNoSecret(t, err, canaryToken, canaryJWT, canaryValue)
			}
		}
	}
}

func TestCertificateOfAnotherName(t *testing.T) {
	conn := fakeVault(t, func(http.ResponseWriter, *http.Request) {})
	conn.Address = strings.Replace(conn.Address, "127.0.0.1", "localhost", 1) // httptest signs for 127.0.0.1
	_, err := newRig(t).Client(t.Context(), conn, jwt)
	wantFault(t, err, fault.KindTerminal, vault.ReasonUnreachable, []string{"another name", "localhost"}, canaryJWT)
}

// A status that repeats a message must not change from one try to the next.
func TestMessagesStayTheSame(t *testing.T) {
	expired := expiredServer(t)
	for what, conn := range map[string]vault.Connection{
		"reset": fakeVault(t, func(w http.ResponseWriter, _ *http.Request) {
			raw, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			raw.Close()
		}),
		"expired": expired,
	} {
		t.Run(what, func(t *testing.T) {
			var messages []string
			for range 2 {
				r := newRig(t)
				client, err := r.Client(t.Context(), conn, jwt)
				if err == nil {
					_, err = client.Create(t.Context(), "secret", "a", map[string]string{"k": canaryValue})
				}
				wantFault(t, err, fault.KindWaiting, vault.ReasonUnreachable, []string{conn.Address}, canaryValue, canaryJWT)
				messages = append(messages, err.Error())
			}
			if messages[0] != messages[1] || strings.Contains(messages[0], "->") || strings.Contains(messages[0], "current time") {
				t.Errorf("the message changes: %q", messages)
			}
		})
	}
}

func expiredServer(t *testing.T) vault.Connection {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is refused on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	conn := fakeVault(t, nil)
	conn.Address, conn.CA = server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return conn
}

func TestHTTPSToAPlainServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	conn := fakeVault(t, nil)
	conn.Address = strings.Replace(server.URL, "http:", "https:", 1)
	_, err := newRig(t).Client(t.Context(), conn, jwt)
	wantFault(t, err, fault.KindTerminal, vault.ReasonConnectionInvalid, []string{"does not speak TLS"}, canaryJWT)
}

// Near its maximal life a token is renewed by less than it needs.
func TestTokenAtItsMaximalLifeIsReplaced(t *testing.T) {
	conn := fakeVault(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/auth/token/renew-self" {
			fmt.Fprintf(w, `{"auth": {"client_token": %q, "lease_duration": 600, "renewable": true}}`, canaryToken)
		}
	})
	r := newRig(t)
	r.signIn(t, conn)
	r.pass(45 * time.Minute)
	r.signIn(t, conn)
	if renewals := countPrefix(r.recorder.Requests(), "PUT auth/token/renew-self"); renewals != 1 || r.Logins() != 2 {
		t.Errorf("%d renewals and %d logins, want 1 and 2", renewals, r.Logins())
	}
	r.signIn(t, conn)
	if r.Logins() != 2 {
		t.Error("the new token is not used")
	}
}

// A login whose tokens do not last must not become a login storm.
func TestTokenThatIsAlwaysRefused(t *testing.T) {
	conn := fakeVault(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`)
	})
	r := newRig(t)
	_, err := r.signIn(t, conn).Read(t.Context(), vaulttest.Mount, "a")
	if err == nil || r.Logins() != 2 {
		t.Errorf("error %v after %d logins, want one after 2", err, r.Logins())
	}
}
