// Package vaulttest gives tests a real Vault, an in-memory fake of its KV, and
// the contract that both fulfil.
package vaulttest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// Mount is the KV v2 engine of every Server, AppRoleMount its auth method.
const (
	Mount        = "secret"
	AppRoleMount = "approle"
)

// Server is a real Vault over TLS with KV v2 at secret/ and AppRole.
type Server struct {
	*localenv.Vault
	prefixes atomic.Int64
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Start returns the one server of this test process. A test must not seal or
// stop it; StartOwn is for that.
func Start(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		t.Fatalf("start Vault: %v", shared.err)
	}
	return shared.server
}

// StartOwn returns a server of this test's own.
func StartOwn(t testing.TB) *Server {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatalf("start Vault: %v", err)
	}
	t.Cleanup(server.Close)
	return server
}

// Main runs the tests of a package and then ends the shared server: func
// TestMain(m *testing.M) { vaulttest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.Close()
	}
	os.Exit(code)
}

func start() (*Server, error) {
	ctx := context.Background()
	local, err := localenv.StartVault(ctx, localenv.VaultOptions{TLS: true, Log: os.Stderr})
	if err != nil {
		return nil, err
	}
	s := &Server{Vault: local}
	if err = s.EnableKV(ctx, Mount); err == nil {
		err = s.Root().Sys().EnableAuthWithOptionsWithContext(ctx, AppRoleMount, &api.EnableAuthOptions{Type: "approle"})
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Connection makes an AppRole of its own, whose policy reaches one fresh prefix
// under Mount and nothing else, and returns how to sign in with it.
func (s *Server) Connection(t testing.TB) vault.Connection {
	t.Helper()
	name := fmt.Sprintf("test-%d", s.prefixes.Add(1))
	s.Policy(t, name, fmt.Sprintf(`path "%[1]s/data/%[2]s/*" { capabilities = ["create", "read", "update"] }
path "%[1]s/metadata/%[2]s/*" { capabilities = ["list", "read", "delete"] }`, Mount, name))
	role := "auth/" + AppRoleMount + "/role/" + name
	s.Write(t, role, map[string]any{"token_policies": name, "token_ttl": "1h", "token_max_ttl": "24h"})
	roleID := s.Write(t, role+"/role-id", nil).Data["role_id"].(string)
	secretID := s.Write(t, role+"/secret-id", map[string]any{}).Data["secret_id"].(string)
	return vault.Connection{
		Name: "iam/" + name, Address: s.Address(), CA: string(s.CA()), KVMount: Mount, KVPrefix: name,
		Auth: vault.Auth{AppRole: &vault.AppRoleAuth{Mount: AppRoleMount, RoleID: roleID, SecretID: vault.Secret(secretID)}},
	}
}

// Client signs in with a Connection of its own.
func (s *Server) Client(t testing.TB) *vault.Client {
	t.Helper()
	pool := vault.NewPool(vault.Options{})
	t.Cleanup(pool.Close)
	client, err := pool.Client(t.Context(), s.Connection(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Subject makes the real KV ready for KVContract.
func (s *Server) Subject(t testing.TB) Subject {
	client := s.Client(t)
	return Subject{
		KV: client, Mount: Mount, Prefix: client.Connection().KVPrefix,
		SoftDelete: func(t testing.TB, path string) {
			if err := s.Root().KVv2(Mount).Delete(t.Context(), path); err != nil {
				t.Fatal(err)
			}
		},
		Destroy: func(t testing.TB, path string, version int) {
			if err := s.Root().KVv2(Mount).Destroy(t.Context(), path, []int{version}); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// Policy writes an ACL policy.
func (s *Server) Policy(t testing.TB, name, rules string) {
	t.Helper()
	if err := s.WritePolicy(t.Context(), name, rules); err != nil {
		t.Fatal(err)
	}
}

// Write writes as root; with nil data it reads.
func (s *Server) Write(t testing.TB, path string, data map[string]any) (answer *api.Secret) {
	t.Helper()
	var err error
	if data == nil {
		answer, err = s.Root().Logical().ReadWithContext(t.Context(), path)
	} else {
		answer, err = s.Root().Logical().WriteWithContext(t.Context(), path, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// RevokeLogins revokes every token that was got by AppRole, behind the backs of
// those who hold them.
func (s *Server) RevokeLogins(t testing.TB) {
	t.Helper()
	s.Write(t, "sys/leases/revoke-prefix/auth/"+AppRoleMount+"/login", map[string]any{"sync": true})
}
