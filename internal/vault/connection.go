// Package vault is the port to HashiCorp Vault: one shared, renewed login per
// connection (Pool, Client), a small key-value interface (KV), and material
// that is generated once and never overwritten (Ensure, Adopt, DeleteTree).
//
// Every error is a fault (internal/fault) whose reason is one of the constants
// of this package, or a transient error. No error quotes a token or a value.
package vault

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/url"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Secret is a string that no formatter and no encoder prints.
type Secret string

const redacted = "[redacted]"

// String implements fmt.Stringer without the value.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer without the value.
func (Secret) GoString() string { return redacted }

// MarshalText keeps the value out of JSON and of structured logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Connection says where a Vault is and how to sign in. It is a plain value:
// equal digests mean the same login.
type Connection struct {
	// Name is the namespace/name of the VaultConnection object; it is the key
	// in the pool and the first word of every message.
	Name string
	// Address is an https URL; plain http is refused except on loopback.
	Address string
	// CA is a PEM bundle that alone is trusted; empty means the system's roots.
	CA string
	// Namespace is the Vault namespace (Vault Enterprise); empty is the root.
	Namespace string
	// KVMount is the mount of the KV v2 engine, without slashes around it.
	KVMount string
	// KVPrefix is put before every path of ours, one or more segments.
	KVPrefix string
	// Auth is how to sign in.
	Auth Auth
}

// Auth has exactly one member.
type Auth struct {
	Kubernetes *KubernetesAuth
	AppRole    *AppRoleAuth
	Token      *TokenAuth
}

// KubernetesAuth signs in with a JWT that the pool's TokenSource makes.
type KubernetesAuth struct {
	// Mount of the auth method, without "auth/".
	Mount string
	// Role of the auth method.
	Role string
	// Audience and ServiceAccount tell whose token the TokenSource asks for;
	// here they only make messages and the digest.
	Audience       string
	ServiceAccount string
}

// AppRoleAuth signs in with a role id and a secret id.
type AppRoleAuth struct {
	// Mount of the auth method, without "auth/".
	Mount    string
	RoleID   string
	SecretID Secret
}

// TokenAuth uses a given token as it is, never renewed; loopback only.
type TokenAuth struct{ Token Secret }

// TokenSource makes a short-lived, audience-bound service account token. It is
// asked once per login.
type TokenSource func(ctx context.Context) (string, error)

// Digest tells whether two connections are the same login. It covers secrets,
// so it belongs in memory only.
func (c Connection) Digest() string {
	parts := []string{c.Name, c.Address, c.CA, c.Namespace, c.KVMount, c.KVPrefix}
	switch a := c.Auth; {
	case a.Kubernetes != nil:
		k := a.Kubernetes
		parts = append(parts, "kubernetes", k.Mount, k.Role, k.Audience, k.ServiceAccount)
	case a.AppRole != nil:
		parts = append(parts, "appRole", a.AppRole.Mount, a.AppRole.RoleID, string(a.AppRole.SecretID))
	case a.Token != nil:
		parts = append(parts, "token", string(a.Token.Token))
	}
	// JSON keeps the borders between the parts.
	encoded, _ := json.Marshal(parts)
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// Validate refuses what would send a credential in the clear or to nobody. The
// fault is Terminal with ReasonConnectionInvalid.
func (c Connection) Validate() error {
	invalid := func(format string, args ...any) error {
		return fault.Terminal(ReasonConnectionInvalid, "VaultConnection "+c.Name+": "+format, args...)
	}
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return invalid("spec.address is not a plain URL; write for example https://vault.example:8200")
	}
	loopback := isLoopback(u.Hostname())
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return invalid("spec.address has the scheme %q; write https", u.Scheme)
	case u.Scheme == "http" && !loopback:
		return invalid("spec.address is plain http, which would send tokens in the clear; write https")
	case c.Auth.Token != nil && !loopback:
		return invalid("spec.auth.token is for a Vault on loopback only; use spec.auth.kubernetes or spec.auth.appRole")
	}
	if c.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(c.CA)) {
		return invalid("spec.ca holds no PEM certificate; put the CA of Vault's server certificate there")
	}
	return c.validateAuth(invalid)
}

func (c Connection) validateAuth(invalid func(string, ...any) error) error {
	members := 0
	if k := c.Auth.Kubernetes; k != nil {
		members++
		if k.Role == "" || CheckPath(k.Mount) != nil {
			return invalid("spec.auth.kubernetes needs a role and a mount such as kubernetes")
		}
	}
	if a := c.Auth.AppRole; a != nil {
		members++
		if a.RoleID == "" || a.SecretID == "" || CheckPath(a.Mount) != nil {
			return invalid("spec.auth.appRole needs a role id, a secret id and a mount such as approle")
		}
	}
	if t := c.Auth.Token; t != nil {
		members++
		if t.Token == "" {
			return invalid("spec.auth.token refers to an empty token")
		}
	}
	if members != 1 {
		return invalid("spec.auth has %d members; name exactly one of kubernetes, appRole and token", members)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
