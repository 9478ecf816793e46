package vault_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

func connection() vault.Connection {
	return vault.Connection{
		Name: "iam/vault", Address: "https://vault.example:8200", KVMount: "secret", KVPrefix: "holdfast",
		Auth: vault.Auth{AppRole: &vault.AppRoleAuth{Mount: "approle", RoleID: "role", SecretID: "canary-secret-id"}},
	}
}

func TestConnectionValidate(t *testing.T) {
	token := vault.Auth{Token: &vault.TokenAuth{Token: "canary-token"}}
	for name, c := range map[string]struct {
		change func(*vault.Connection)
		says   string // empty: valid
	}{
		"https":              {func(*vault.Connection) {}, ""},
		"http on loopback":   {func(c *vault.Connection) { c.Address = "http://127.0.0.1:8200" }, ""},
		"token on loopback":  {func(c *vault.Connection) { c.Address, c.Auth = "http://localhost:8200", token }, ""},
		"token on IPv6":      {func(c *vault.Connection) { c.Address, c.Auth = "http://[::1]:8200", token }, ""},
		"http elsewhere":     {func(c *vault.Connection) { c.Address = "http://vault.example:8200" }, "write https"},
		"http that pretends": {func(c *vault.Connection) { c.Address = "http://127.0.0.1.example" }, "write https"},
		"token elsewhere":    {func(c *vault.Connection) { c.Auth = token }, "spec.auth.kubernetes"},
		"no host":            {func(c *vault.Connection) { c.Address = "vault" }, "spec.address"},
		"user in the URL":    {func(c *vault.Connection) { c.Address = "https://a:canary-password@vault" }, "spec.address"},
		"query":              {func(c *vault.Connection) { c.Address = "https://vault?a=b" }, "spec.address"},
		"unix socket":        {func(c *vault.Connection) { c.Address = "unix://host/run/vault" }, "write https"},
		"CA is no PEM":       {func(c *vault.Connection) { c.CA = "canary" }, "spec.ca"},
		"no auth":            {func(c *vault.Connection) { c.Auth = vault.Auth{} }, "exactly one"},
		"two auths":          {func(c *vault.Connection) { c.Auth.Kubernetes = &vault.KubernetesAuth{Mount: "k", Role: "r"} }, "exactly one"},
		"no secret id":       {func(c *vault.Connection) { c.Auth.AppRole.SecretID = "" }, "secret id"},
		"mount that climbs":  {func(c *vault.Connection) { c.Auth.AppRole.Mount = "../sys" }, "mount"},
		"empty token": {func(c *vault.Connection) {
			c.Address, c.Auth = "http://localhost", vault.Auth{Token: &vault.TokenAuth{}}
		}, "empty token"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := connection()
			c.change(&conn)
			err := conn.Validate()
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantFault(t, err, fault.KindTerminal, vault.ReasonConnectionInvalid, []string{"iam/vault", c.says}, "canary")
		})
	}
}

func TestConnectionDigest(t *testing.T) {
	seen := map[string]string{connection().Digest(): "the same"}
	for name, change := range map[string]func(*vault.Connection){
		"address":   func(c *vault.Connection) { c.Address += "1" },
		"ca":        func(c *vault.Connection) { c.CA = "x" },
		"namespace": func(c *vault.Connection) { c.Namespace = "x" },
		"secret id": func(c *vault.Connection) { c.Auth.AppRole.SecretID += "x" },
		"shifted":   func(c *vault.Connection) { c.Auth.AppRole.Mount, c.Auth.AppRole.RoleID = "approlero", "le" },
		"kubernetes": func(c *vault.Connection) {
			c.Auth = vault.Auth{Kubernetes: &vault.KubernetesAuth{Mount: "approle", Role: "role"}}
		},
	} {
		c := connection()
		change(&c)
		if other, twice := seen[c.Digest()]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[c.Digest()] = name
	}
	if connection().Digest() != connection().Digest() {
		t.Error("equal connections have different digests")
	}
}

func TestConnectionPrintsNoSecret(t *testing.T) {
	conn := connection()
	conn.Auth.Token = &vault.TokenAuth{Token: "canary-token"}
	text, err := json.Marshal(conn)
	if err != nil {
		t.Fatal(err)
	}
	printed := string(text) + fmt.Sprintf("%v %+v %#v", conn, conn, conn) +
		fmt.Sprintf("%v %+v %#v %s %q %x", *conn.Auth.AppRole, *conn.Auth.Token, *conn.Auth.Token,
			conn.Auth.Token.Token, conn.Auth.Token.Token, conn.Auth.Token.Token)
	if strings.Contains(printed, "canary") || strings.Contains(printed, fmt.Sprintf("%x", "canary")) {
		t.Errorf("a secret was printed: %s", printed)
	}
}

func TestPath(t *testing.T) {
	got, err := vault.Path("team/holdfast", "iam", "IdentityTenant", "acme.two", "data-key", 12)
	if want := "team/holdfast/iam/IdentityTenant/acme.two/data-key/12"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err := vault.Tree("holdfast", "iam", "Keystore", "acme"); err != nil || got != "holdfast/iam/Keystore/acme" {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", "..", ".", "a/b", "../b", "a..b", "-a", "a\n", "a b", "ä", "%2e%2e", "a\x00"} {
		for i := range 4 {
			parts := []string{"iam", "IdentityTenant", "acme", "data-key"}
			parts[i] = bad
			_, err := vault.Path("holdfast", parts[0], parts[1], parts[2], parts[3], 1)
			wantFault(t, err, fault.KindTerminal, vault.ReasonPathInvalid, nil)
		}
	}
	for _, bad := range []string{"", "/a", "a/", "a//b", "a/../b"} {
		_, err := vault.Path(bad, "iam", "IdentityTenant", "acme", "data-key", 1)
		wantFault(t, err, fault.KindTerminal, vault.ReasonPathInvalid, nil)
	}
	_, err = vault.Path("holdfast", "iam", "IdentityTenant", "acme", "data-key", 0)
	wantFault(t, err, fault.KindTerminal, vault.ReasonPathInvalid, nil)
}
