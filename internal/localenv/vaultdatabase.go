package localenv

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"
)

// databaseConnection is the name of the one server that an engine of EnableDatabase knows.
const databaseConnection = "postgresql"

// EnableDatabase mounts the database engine and lets it manage roles in p.
func (v *Vault) EnableDatabase(ctx context.Context, mount string, p *Postgres) error {
	if err := v.client.Sys().MountWithContext(ctx, mount, &api.MountInput{Type: "database"}); err != nil {
		return fmt.Errorf("enable the database engine: %w", err)
	}
	_, err := v.client.Logical().WriteWithContext(ctx, mount+"/config/"+databaseConnection, map[string]any{
		"plugin_name":    "postgresql-database-plugin",
		"allowed_roles":  "*",
		"connection_url": fmt.Sprintf("postgresql://{{username}}:{{password}}@127.0.0.1:%d/%s?sslmode=verify-full&sslrootcert=%s", p.Port(), PostgresDatabase, p.file("ca.crt")),
		"username":       postgresSuperuser,
		"password":       p.superuser,
	})
	return err
}

// DatabaseRole makes accounts that come and go.
type DatabaseRole struct {
	MemberOf string        // role of the database whose rights an account gets
	TTL      time.Duration // of a lease that nobody renews
	MaxTTL   time.Duration // of any lease; Vault's own limit when 0
}

// WriteDatabaseRole writes a role of the engine at mount.
func (v *Vault) WriteDatabaseRole(ctx context.Context, mount, name string, role DatabaseRole) error {
	_, err := v.client.Logical().WriteWithContext(ctx, mount+"/roles/"+name, map[string]any{
		"db_name": databaseConnection,
		"creation_statements": fmt.Sprintf(
			`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE %s;`, role.MemberOf),
		"default_ttl": int(role.TTL.Seconds()),
		"max_ttl":     int(role.MaxTTL.Seconds()),
	})
	return err
}

// WriteDatabaseStaticRole has the engine at mount keep the password of an account that exists, and change it once in a period.
func (v *Vault) WriteDatabaseStaticRole(ctx context.Context, mount, name, username string, period time.Duration) error {
	_, err := v.client.Logical().WriteWithContext(ctx, mount+"/static-roles/"+name, map[string]any{
		"db_name": databaseConnection, "username": username, "rotation_period": int(period.Seconds()),
	})
	return err
}

// WriteLeaseTokenRole writes a token role: its tokens may take accounts of one role of the engine at mount and nothing else. They end when nobody
// renews them for a period, and not before, whoever asked for them.
func (v *Vault) WriteLeaseTokenRole(ctx context.Context, name, mount, role string, period time.Duration) error {
	policy := name + "-lease"
	if err := v.WritePolicy(ctx, policy, fmt.Sprintf("path %q { capabilities = [\"read\"] }\n", mount+"/creds/"+role)); err != nil {
		return err
	}
	_, err := v.client.Logical().WriteWithContext(ctx, "auth/token/roles/"+name, map[string]any{
		"allowed_policies": []string{policy}, "orphan": true, "renewable": true, "token_period": int(period.Seconds()),
	})
	return err
}
