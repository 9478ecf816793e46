package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

const leaseRole, tokenRole = "acme", "holdfast-iam"

// An account goes on working after the login of whoever took it has ended, is renewed
// without any login, and ends when its token is revoked.
func TestLeaseOutlivesTheLogin(t *testing.T) {
	db := vaulttest.StartDatabase(t)
	db.Role(t, leaseRole, time.Hour, 4*time.Hour)
	db.TokenRole(t, tokenRole, leaseRole, 24*time.Hour)
	conn := db.DatabaseConnection(t, leaseRole, tokenRole)
	r := newRig(t)
	client, err := r.Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	role, err := client.ReadRole(t.Context(), vaulttest.DatabaseMount, leaseRole)
	if err != nil || role != (vault.DatabaseRole{DefaultTTL: time.Hour, MaxTTL: 4 * time.Hour}) {
		t.Errorf("the role's accounts live for %v, %v, want 1h and 4h", role, err)
	}
	token, err := client.NewToken(t.Context(), tokenRole, "iam/acme")
	if err != nil {
		t.Fatal(err)
	}
	lease, err := client.Take(t.Context(), token.Value, vaulttest.DatabaseMount, leaseRole)
	if err != nil {
		t.Fatal(err)
	}
	if token.TTL != 24*time.Hour || lease.TTL != time.Hour {
		t.Errorf("the token lives for %v and the lease for %v, want 24h and 1h", token.TTL, lease.TTL)
	}
	signsIn := func() error {
		_, err := db.Postgres.Query(t.Context(), lease.Username, string(lease.Password), "SELECT 1")
		return err
	}
	if err := signsIn(); err != nil {
		t.Fatal(err)
	}

	db.RevokeLogins(t)
	before := r.Logins()
	if err := signsIn(); err != nil {
		t.Errorf("after the login ended: %v", err)
	}
	renewed, err := client.Renew(t.Context(), token.Value, lease.ID)
	if err != nil || renewed.Lease != time.Hour || renewed.Token != 24*time.Hour {
		t.Errorf("renewed for %+v, %v, want 1h and 24h", renewed, err)
	}
	if err := client.Revoke(t.Context(), token.Value); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account is refused", func() bool {
		err := signsIn()
		return err != nil && strings.Contains(err.Error(), "authentication failed")
	})
	if db.Accounts(t) != "0" {
		t.Error("the account is still there")
	}
	if err := client.Revoke(t.Context(), token.Value); err != nil {
		t.Errorf("revoked again: %v", err)
	}
	if err := client.CheckLease(t.Context(), token.Value, lease.ID); !errors.Is(err, vault.ErrLeaseGone) {
		t.Errorf("looked at: %v, want a lease that is gone", err)
	}
	_, err = client.Renew(t.Context(), token.Value, lease.ID)
	wantFault(t, err, fault.KindWaiting, vault.ReasonLeaseGone, []string{conn.Name}, string(token.Value), lease.ID)
	if !errors.Is(err, vault.ErrLeaseGone) {
		t.Errorf("the fault does not tell its cause: %v", err)
	}
	if r.Logins() != before {
		t.Error("what a lease's own token may do took a login")
	}
}

// A lease that somebody revoked by itself has ended, although its token lives.
func TestRevokedLeaseIsGone(t *testing.T) {
	db := vaulttest.StartDatabase(t)
	db.Role(t, leaseRole, time.Hour, 0)
	db.TokenRole(t, tokenRole, leaseRole, time.Hour)
	client, err := newRig(t).Client(t.Context(), db.DatabaseConnection(t, leaseRole, tokenRole), nil)
	if err != nil {
		t.Fatal(err)
	}
	role, err := client.ReadRole(t.Context(), vaulttest.DatabaseMount, leaseRole)
	if err != nil || role.MaxTTL != 768*time.Hour {
		t.Errorf("a role without max_ttl gives accounts that live for %v, %v, want Vault's own limit of 768h", role.MaxTTL, err)
	}
	token, err := client.NewToken(t.Context(), tokenRole, "iam/acme")
	if err != nil {
		t.Fatal(err)
	}
	lease, err := client.Take(t.Context(), token.Value, vaulttest.DatabaseMount, leaseRole)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.CheckLease(t.Context(), token.Value, lease.ID); err != nil {
		t.Errorf("a lease that lives: %v", err)
	}
	db.Write(t, "sys/leases/revoke", map[string]any{"lease_id": lease.ID, "sync": true})
	if err := client.CheckLease(t.Context(), token.Value, lease.ID); !errors.Is(err, vault.ErrLeaseGone) {
		t.Errorf("looked at: %v, want a lease that is gone", err)
	}
	if _, err := client.Renew(t.Context(), token.Value, lease.ID); !errors.Is(err, vault.ErrLeaseGone) {
		t.Errorf("renewed: %v, want a lease that is gone", err)
	}
}

func TestStaticAccount(t *testing.T) {
	db := vaulttest.StartDatabase(t)
	db.StaticRole(t, leaseRole, "identity")
	client, err := newRig(t).Client(t.Context(), db.DatabaseConnection(t, leaseRole, tokenRole), nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func() vault.StaticAccount {
		t.Helper()
		account, err := client.ReadStatic(t.Context(), vaulttest.DatabaseMount, leaseRole)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Postgres.Query(t.Context(), account.Username, string(account.Password), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		return account
	}
	first := read()
	if first.Username != "identity" || first.Rotated.IsZero() || first.TTL <= 0 || first.TTL > 24*time.Hour {
		t.Errorf("user %q, rotated %v, for %v more", first.Username, first.Rotated, first.TTL)
	}
	db.Write(t, vaulttest.DatabaseMount+"/rotate-role/"+leaseRole, map[string]any{})
	if second := read(); second.Password == first.Password || !second.Rotated.After(first.Rotated) {
		t.Error("the password was rotated, and the old one was read")
	}
}

// Each refusal says what to grant, or what to write.
func TestDatabaseRefusals(t *testing.T) {
	db := vaulttest.StartDatabase(t)
	db.Role(t, leaseRole, time.Hour, 4*time.Hour)
	db.TokenRole(t, tokenRole, leaseRole, time.Hour)
	db.TokenRole(t, "elsewhere", "other", time.Hour)
	db.TokenRole(t, "unknown", "nobody", time.Hour)
	db.Write(t, "auth/token/roles/child", map[string]any{"allowed_policies": "default", "orphan": false, "token_period": 3600})
	db.Write(t, "auth/token/roles/mortal", map[string]any{"allowed_policies": "default", "orphan": true})
	db.Write(t, "auth/token/roles/limited", map[string]any{"allowed_policies": "default", "orphan": true, "token_period": 3600, "token_explicit_max_ttl": 7200})
	db.Write(t, "auth/token/roles/batch", map[string]any{"allowed_policies": "default", "orphan": true, "renewable": false, "token_type": "batch"})
	db.Policy(t, "all", `path "*" { capabilities = ["create", "read", "update", "list"] }`)
	strict := db.DatabaseConnection(t, leaseRole, tokenRole)
	lax := db.Connection(t)
	db.Write(t, "auth/approle/role/"+lax.KVPrefix, map[string]any{"token_policies": "all"})
	r := newRig(t)
	connect := func(conn vault.Connection) *vault.Client {
		client, err := r.Client(t.Context(), conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	narrow, wide := connect(strict), connect(lax)
	token := func(tokenRole string) vault.Secret {
		t.Helper()
		token, err := wide.NewToken(t.Context(), tokenRole, "iam/acme")
		if err != nil {
			t.Fatal(err)
		}
		return token.Value
	}
	engine := vaulttest.DatabaseMount
	for what, c := range map[string]struct {
		err    error
		reason string
		words  []string
	}{
		"read another role":      {second(narrow.ReadRole(t.Context(), engine, "other")), vault.ReasonForbidden, []string{`"read"`, `"database/roles/other"`}},
		"read another account":   {second(narrow.ReadStatic(t.Context(), engine, "other")), vault.ReasonForbidden, []string{`"read"`, `"database/static-creds/other"`}},
		"another token role":     {second(narrow.NewToken(t.Context(), "elsewhere", "o")), vault.ReasonForbidden, []string{`"read"`, `"auth/token/roles/elsewhere"`}},
		"no such role":           {second(wide.ReadRole(t.Context(), engine, "nobody")), vault.ReasonRoleInvalid, []string{"database/roles/nobody"}},
		"no such static role":    {second(wide.ReadStatic(t.Context(), engine, "nobody")), vault.ReasonRoleInvalid, []string{"database/static-creds/nobody"}},
		"no such token role":     {second(wide.NewToken(t.Context(), "nobody", "o")), vault.ReasonRoleInvalid, []string{"auth/token/roles/nobody"}},
		"a child token":          {second(wide.NewToken(t.Context(), "child", "o")), vault.ReasonRoleInvalid, []string{"auth/token/roles/child", "orphan=true"}},
		"a token without period": {second(wide.NewToken(t.Context(), "mortal", "o")), vault.ReasonRoleInvalid, []string{"auth/token/roles/mortal", "token_period=24h"}},
		"a batch token":          {second(wide.NewToken(t.Context(), "batch", "o")), vault.ReasonRoleInvalid, []string{"auth/token/roles/batch", "renewable=true"}},
		"a token with an end":    {second(wide.NewToken(t.Context(), "limited", "o")), vault.ReasonRoleInvalid, []string{"auth/token/roles/limited", "token_explicit_max_ttl"}},
		"take from another role": {second(wide.Take(t.Context(), token("elsewhere"), engine, leaseRole)), vault.ReasonForbidden, []string{`"read"`, `"database/creds/acme"`, "token role"}},
		"take from no role":      {second(wide.Take(t.Context(), token("unknown"), engine, "nobody")), vault.ReasonRoleInvalid, []string{"database/creds/nobody"}},
		"another engine":         {second(wide.ReadRole(t.Context(), "secret", leaseRole)), vault.ReasonMountMissing, []string{"secret is a kv engine"}},
		"no engine":              {second(wide.ReadRole(t.Context(), "nowhere", leaseRole)), vault.ReasonMountMissing, []string{"nowhere"}},
		"a path that climbs":     {second(wide.ReadRole(t.Context(), engine, "../creds/acme")), vault.ReasonPathInvalid, nil},
	} {
		t.Run(what, func(t *testing.T) {
			wantFault(t, c.err, fault.KindTerminal, c.reason, append(c.words, "VaultConnection"), r.recorder.Tokens()...)
		})
	}
	if db.Accounts(t) != "0" {
		t.Error("a refusal left an account behind")
	}

	held := token(tokenRole)
	if err := db.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"renew": second(wide.Renew(t.Context(), held, "database/creds/acme/x")), "revoke": wide.Revoke(t.Context(), held),
		"take": second(wide.Take(t.Context(), held, engine, leaseRole)), "role": second(wide.ReadRole(t.Context(), engine, leaseRole)),
	} {
		t.Run("sealed "+what, func(t *testing.T) {
			wantFault(t, err, fault.KindWaiting, vault.ReasonSealed, []string{"unseal"}, r.recorder.Tokens()...)
		})
	}
}
