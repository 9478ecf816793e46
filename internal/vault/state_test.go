package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

func TestStatesOfVaultAreToldApart(t *testing.T) {
	server := vaulttest.StartOwn(t)
	conn := server.Connection(t)
	r := newRig(t)
	if err := r.use(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	newcomer := conn
	newcomer.Name = "iam/newcomer" // has to log in while Vault is away
	want := func(reason string, words ...string) {
		t.Helper()
		r.pass(2 * time.Minute) // past Check's memory and any hold
		client, err := r.Client(t.Context(), conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"use": r.use(t.Context(), conn), "check": client.Check(t.Context()), "login": r.use(t.Context(), newcomer),
		} {
			t.Run(reason+" "+what, func(t *testing.T) {
				wantFault(t, err, fault.KindWaiting, reason, append(words, conn.Address), r.recorder.Tokens()...)
			})
		}
	}
	if err := server.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(vault.ReasonSealed, "unseal")
	if err := server.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.pass(time.Minute)
	if err := r.use(t.Context(), conn); err != nil {
		t.Fatalf("unsealed again: %v", err)
	}
	server.Stop()
	want(vault.ReasonUnreachable, "cannot connect")
	if err := server.RestartSealed(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(vault.ReasonSealed)
	if err := server.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.pass(time.Minute)
	before := r.Logins()
	if err := r.use(t.Context(), conn); err != nil {
		t.Fatalf("restarted: %v", err)
	}
	if r.Logins() != before {
		t.Error("the token outlives a restart of Vault, yet there was another login")
	}
}

func TestRateLimit(t *testing.T) {
	server := vaulttest.StartOwn(t)
	conn := server.Connection(t)
	r := newRig(t)
	client, err := r.Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Write(t, "sys/quotas/rate-limit/kv", map[string]any{"path": "secret/", "rate": 0.001, "interval": "1h"})
	eventually(t, "the quota refuses", func() bool {
		_, err = client.Read(t.Context(), vaulttest.Mount, conn.KVPrefix+"/a")
		return !errors.Is(err, vault.ErrNotFound)
	})
	wantFault(t, err, fault.KindWaiting, vault.ReasonRateLimited, []string{conn.Name, "quota"})
}

func TestForbidden(t *testing.T) {
	server := vaulttest.Start(t)
	client := server.Client(t)
	canary := map[string]string{"k": "canary-value"}
	for what, c := range map[string]struct {
		err   error
		words []string
	}{
		"read":   {second(client.Read(t.Context(), "secret", "elsewhere/a")), []string{`"read"`, `"secret/data/elsewhere/a"`}},
		"create": {second(client.Create(t.Context(), "secret", "elsewhere/a", canary)), []string{`"create"`, `"secret/data/elsewhere/a"`}},
		"update": {second(client.Update(t.Context(), "secret", "elsewhere/a", canary, 1)), []string{`"update"`, `"secret/data/elsewhere/a"`}},
		"delete": {client.Delete(t.Context(), "secret", "elsewhere/a"), []string{`"delete"`, `"secret/metadata/elsewhere/a"`}},
		"list":   {second(client.List(t.Context(), "secret", "elsewhere/a")), []string{`"list"`, `"secret/metadata/elsewhere/a/"`}},
		"mount":  {second(client.Read(t.Context(), "nowhere", "a")), []string{`"read"`, `"nowhere/data/a"`}},
	} {
		t.Run(what, func(t *testing.T) {
			wantFault(t, c.err, fault.KindTerminal, vault.ReasonForbidden, append(c.words, client.Connection().Name), "canary")
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestMounts(t *testing.T) {
	server := vaulttest.Start(t)
	for mount, input := range map[string]*api.MountInput{
		"old":  {Type: "kv", Options: map[string]string{"version": "1"}},
		"pass": {Type: "transit"},
	} {
		if err := server.Root().Sys().MountWithContext(t.Context(), mount, input); err != nil {
			t.Fatal(err)
		}
	}
	server.Policy(t, "all", `path "*" { capabilities = ["create", "read", "update", "delete", "list"] }`)
	conn := server.Connection(t)
	server.Write(t, "auth/approle/role/"+conn.KVPrefix, map[string]any{"token_policies": "all"})
	client, err := newRig(t).Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	for mount, c := range map[string]struct {
		reason string
		words  []string
	}{
		"old":        {vault.ReasonKVVersion, []string{"version 1", "enable-versioning old"}},
		"pass":       {vault.ReasonMountMissing, []string{"transit"}},
		"nowhere":    {vault.ReasonMountMissing, []string{"mounted at nowhere;"}},
		"secret/sub": {vault.ReasonMountMissing, []string{"mounted at secret/sub;"}},
	} {
		t.Run(mount, func(t *testing.T) {
			_, _, err := vault.Ensure(t.Context(), client, mount, "a/b", vaulttest.Owner, func() (map[string]string, error) {
				t.Error("a value was generated")
				return map[string]string{"k": "v"}, nil
			})
			wantFault(t, err, fault.KindTerminal, c.reason, append(c.words, conn.Name))
			_, err = client.Create(t.Context(), mount, "a/b", map[string]string{"k": "v"})
			wantFault(t, err, fault.KindTerminal, c.reason, c.words)
		})
	}
	if answer, err := server.Root().Logical().ListWithContext(t.Context(), "old"); err != nil || answer != nil {
		t.Errorf("something was written to the version 1 mount: %v, %v", answer, err)
	}
}

func TestCertificates(t *testing.T) {
	server := vaulttest.Start(t)
	good := server.Connection(t)
	for what, c := range map[string]struct {
		change func(*vault.Connection)
		kind   fault.Kind
		reason string
		word   string
	}{
		"another CA":      {func(c *vault.Connection) { c.CA = otherCA(t) }, fault.KindTerminal, vault.ReasonUnreachable, "spec.ca"},
		"no CA":           {func(c *vault.Connection) { c.CA = "" }, fault.KindTerminal, vault.ReasonUnreachable, "spec.ca"},
		"http, not https": {func(c *vault.Connection) { c.Address = strings.Replace(c.Address, "https", "http", 1) }, fault.KindTerminal, vault.ReasonConnectionInvalid, "write https"},
		"nobody listens":  {func(c *vault.Connection) { c.Address = "https://127.0.0.1:1" }, fault.KindWaiting, vault.ReasonUnreachable, "refused"},
		"name not in DNS": {func(c *vault.Connection) { c.Address = "https://vault.invalid" }, fault.KindWaiting, vault.ReasonUnreachable, "vault.invalid: "},
	} {
		t.Run(what, func(t *testing.T) {
			conn := good
			c.change(&conn)
			_, err := newRig(t).Client(t.Context(), conn, nil)
			wantFault(t, err, c.kind, c.reason, []string{conn.Name, c.word}, string(conn.Auth.AppRole.SecretID))
		})
	}
}

func otherCA(t *testing.T) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another authority"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A write whose answer is lost is found by the next call, never repeated.
func TestLostAnswerIsFoundAgain(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	for what, lost := range map[string]error{"broken": errors.New("connection reset"), "timeout": os.ErrDeadlineExceeded} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t)
			path := conn.KVPrefix + "/" + what
			failed := false
			r.recorder.After = func(request *http.Request, answer *http.Response, err error) (*http.Response, error) {
				if request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, path) && !failed {
					failed = true
					answer.Body.Close()
					return nil, lost
				}
				return answer, err
			}
			client, err := r.Client(t.Context(), conn, nil)
			if err != nil {
				t.Fatal(err)
			}
			generate := func() (map[string]string, error) { return map[string]string{"k": rand.Text()}, nil }
			_, _, err = vault.Ensure(t.Context(), client, vaulttest.Mount, path, vaulttest.Owner, generate)
			wantFault(t, err, fault.KindWaiting, vault.ReasonUnreachable, []string{path})
			entry, created, err := vault.Ensure(t.Context(), client, vaulttest.Mount, path, vaulttest.Owner, generate)
			if err != nil || created || entry.Version != 1 {
				t.Errorf("the next call: created %v, version %d, error %v", created, entry.Version, err)
			}
			if n := countPrefix(r.recorder.Requests(), "PUT secret/"); n != 1 {
				t.Errorf("%d writes, want 1", n)
			}
		})
	}
}

func TestFieldsThatPeopleWrote(t *testing.T) {
	server := vaulttest.Start(t)
	client := server.Client(t)
	path := client.Connection().KVPrefix + "/db"
	server.Write(t, "secret/data/"+path, map[string]any{"data": map[string]any{
		"username": "app", "port": 5432, "tls": true, "none": nil, "more": map[string]any{"a": []int{1}},
	}})
	got, err := client.Read(t.Context(), "secret", path)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"username": "app", "port": "5432", "tls": "true", "more": `{"a":[1]}`} {
		if got.Data[field] != want {
			t.Errorf("%s: got %q, want %q", field, got.Data[field], want)
		}
	}
	if _, found := got.Data["none"]; found {
		t.Error("null became a string")
	}
}
