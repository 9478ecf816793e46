package localenv

import (
	"context"
	"errors"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestVaultKeepsItsDataOverSealAndRestart(t *testing.T) {
	ctx := t.Context()
	v := startVault(t, VaultOptions{TLS: true})
	if err := v.EnableKV(ctx, "apps"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Root().KVv2("apps").Put(ctx, "acme", map[string]any{"key": "kept"}); err != nil {
		t.Fatal(err)
	}
	read := func() (any, error) {
		secret, err := v.Root().KVv2("apps").Get(ctx, "acme")
		if err != nil {
			return nil, err
		}
		return secret.Data["key"], nil
	}

	if err := v.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	var answer *api.ResponseError
	if _, err := read(); !errors.As(err, &answer) || answer.StatusCode != 503 {
		t.Errorf("reading from a sealed Vault: %v, want status 503", err)
	}
	if err := v.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	if value, err := read(); value != "kept" {
		t.Errorf("after Unseal: %v, %v", value, err)
	}

	address := v.Address()
	v.Stop()
	if err := dial(address); err == nil {
		t.Errorf("something listens on %s after Stop", address)
	}
	if err := v.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if value, err := read(); value != "kept" || v.Address() != address {
		t.Errorf("after Restart: %v, %v on %s, want the value that was written on %s", value, err, v.Address(), address)
	}
}

func TestVaultAcceptsTheServiceAccountTokenOfItsRole(t *testing.T) {
	ctx := t.Context()
	c := startControlPlane(t, ControlPlaneOptions{})
	v := startVault(t, VaultOptions{})
	namespace := makeNamespace(t, c, "restricted")
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "holdfast-vault"}}
	if _, err := c.Client().CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	reviewer, err := c.VaultReviewer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	role := KubernetesRole{
		ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{namespace}, Audience: "vault.example", Policies: []string{"tenant"}, TTL: time.Hour,
	}
	if err := errors.Join(
		v.EnableKV(ctx, "apps"),
		v.WritePolicy(ctx, "tenant", `path "apps/data/test/*" { capabilities = ["create", "read", "update"] }`),
		v.EnableKubernetesAuth(ctx, "kubernetes", reviewer),
		v.WriteKubernetesRole(ctx, "kubernetes", "tenant", role),
	); err != nil {
		t.Fatal(err)
	}

	client := login(t, c, v, "vault.example")
	if _, err := client.KVv2("apps").Put(ctx, "test/acme", map[string]any{"key": "value"}); err != nil {
		t.Errorf("writing where the policy allows: %v", err)
	}
	if _, err := client.KVv2("apps").Put(ctx, "other/acme", map[string]any{"key": "value"}); err == nil {
		t.Error("writing where the policy does not allow succeeded")
	}
	if client := login(t, c, v, "another.example"); client != nil {
		t.Error("a token for another audience logs in")
	}

	v.Close()
	if err := syscall.Kill(-v.Process().PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process group of vault, with its plugin, is still there after Close: %v", err)
	}
}

// login returns a client of the ServiceAccount holdfast-vault, nil when Vault refuses the token.
func login(t *testing.T, c *ControlPlane, v *Vault, audience string) *api.Client {
	t.Helper()
	token, err := c.ServiceAccountToken(t.Context(), "test", "holdfast-vault", 10*time.Minute, audience)
	if err != nil {
		t.Fatal(err)
	}
	client, err := v.Client("")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := client.Logical().WriteWithContext(t.Context(), "auth/kubernetes/login", map[string]any{"role": "tenant", "jwt": token})
	if err != nil {
		t.Logf("login with audience %s: %v", audience, err)
		return nil
	}
	client.SetToken(secret.Auth.ClientToken)
	return client
}

func startVault(t *testing.T, options VaultOptions) *Vault {
	t.Helper()
	options.Log = t.Output()
	begin := time.Now()
	v, err := StartVault(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	t.Logf("vault started in %s", since(begin))
	return v
}

func dial(address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", parsed.Host)
	if err == nil {
		connection.Close()
	}
	return err
}
