package vaulttest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// DatabaseMount is where the engine of a Database is mounted, DatabaseGroup the role of the
// database whose rights the accounts have.
const (
	DatabaseMount = "database"
	DatabaseGroup = "app"
)

// Database is a Vault of its own whose database engine makes accounts in a real PostgreSQL.
type Database struct {
	*Server
	Postgres *localenv.Postgres
}

// StartDatabase starts both for one test.
func StartDatabase(t testing.TB) *Database {
	t.Helper()
	postgres, err := localenv.StartPostgres(context.Background(), os.Stderr)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(postgres.Close)
	d := &Database{Server: StartOwn(t), Postgres: postgres}
	d.SQL(t, "CREATE ROLE "+DatabaseGroup+" NOLOGIN")
	if err := d.EnableDatabase(t.Context(), DatabaseMount, postgres); err != nil {
		t.Fatal(err)
	}
	return d
}

// SQL runs a statement as the role that may do everything.
func (d *Database) SQL(t testing.TB, statement string) string {
	t.Helper()
	answer, err := d.Postgres.Superuser(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// Role writes a role that makes accounts.
func (d *Database) Role(t testing.TB, name string, ttl, maxTTL time.Duration) {
	t.Helper()
	err := d.WriteDatabaseRole(t.Context(), DatabaseMount, name, localenv.DatabaseRole{MemberOf: DatabaseGroup, TTL: ttl, MaxTTL: maxTTL})
	if err != nil {
		t.Fatal(err)
	}
}

// StaticRole makes an account and has Vault keep its password.
func (d *Database) StaticRole(t testing.TB, name, username string) {
	t.Helper()
	d.SQL(t, fmt.Sprintf("CREATE ROLE %s LOGIN IN ROLE %s", username, DatabaseGroup))
	if err := d.WriteDatabaseStaticRole(t.Context(), DatabaseMount, name, username, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
}

// Accounts counts the accounts that Vault made and that are still there.
func (d *Database) Accounts(t testing.TB) string {
	t.Helper()
	return d.SQL(t, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'")
}

// DatabasePolicy gives the rules that the login of a namespace needs for a role of the
// engine and for a token role.
func DatabasePolicy(role, tokenRole string) string {
	return fmt.Sprintf(`path "%[1]s/roles/%[2]s" { capabilities = ["read"] }
path "%[1]s/static-creds/%[2]s" { capabilities = ["read"] }
path "auth/token/roles/%[3]s" { capabilities = ["read"] }
path "auth/token/create/%[3]s" { capabilities = ["update"] }
`, DatabaseMount, role, tokenRole)
}

// TokenRole writes a token role whose tokens may take accounts of a role and nothing else,
// and live until nobody renews them for the period.
func (d *Database) TokenRole(t testing.TB, name, role string, period time.Duration) {
	t.Helper()
	if err := d.WriteLeaseTokenRole(t.Context(), name, DatabaseMount, role, period); err != nil {
		t.Fatal(err)
	}
}

// DatabaseConnection is a Connection whose login may have accounts of a role made.
func (d *Database) DatabaseConnection(t testing.TB, role, tokenRole string) vault.Connection {
	t.Helper()
	conn := d.Connection(t)
	name := conn.KVPrefix + "-database"
	d.Policy(t, name, DatabasePolicy(role, tokenRole))
	d.Write(t, "auth/"+AppRoleMount+"/role/"+conn.KVPrefix, map[string]any{"token_policies": []string{conn.KVPrefix, name}})
	return conn
}
