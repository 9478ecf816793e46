package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Database is what users need of Vault's database engine: accounts that come and go,
// each with a lease, and accounts that stay, whose password Vault changes.
//
// A lease ends with the token that took it. So that it outlives the login of whoever
// took it, each is taken with a token that serves nothing else: NewToken, then Take.
// Renew and Revoke use that token alone and need no login.
type Database interface {
	// ReadRole reads how long accounts of a role live.
	ReadRole(ctx context.Context, mount, role string) (DatabaseRole, error)
	// NewToken makes a token that no other token's end takes with it, and that lives as
	// long as it is renewed, by a token role. Who owns it shows in Vault's audit log and
	// in the names of accounts.
	NewToken(ctx context.Context, tokenRole, owner string) (Token, error)
	// Take makes an account. The answer can be lost while the account is there: whoever
	// revokes the token ends it too.
	Take(ctx context.Context, token Secret, mount, role string) (Lease, error)
	// CheckLease asks whether a lease and its token are still there; ErrLeaseGone when not.
	CheckLease(ctx context.Context, token Secret, lease string) error
	// Renew prolongs the token and then the lease. ErrLeaseGone when one of them ended.
	Renew(ctx context.Context, token Secret, lease string) (Renewal, error)
	// Revoke ends the token; Vault then ends all accounts that were taken with it, which
	// can take a moment. A token that ended before is no error.
	Revoke(ctx context.Context, token Secret) error
	// ReadStatic reads the present password of an account that stays.
	ReadStatic(ctx context.Context, mount, role string) (StaticAccount, error)
}

// DatabaseRole is a role of the engine.
type DatabaseRole struct {
	// DefaultTTL is how long an account lives without renewal.
	DefaultTTL time.Duration
	// MaxTTL is how long an account can live, however often it is renewed: the least of
	// what the role, the mount and Vault say.
	MaxTTL time.Duration
}

// Token is one that lives until nobody renews it.
type Token struct {
	Value Secret
	// TTL is how long it lives without renewal.
	TTL time.Duration
}

// Lease is an account that was just made.
type Lease struct {
	ID       string
	Username string
	Password Secret
	// TTL is how long it lives without renewal.
	TTL time.Duration
}

// Renewal is how long a lease and its token live from now on without another one. Near
// the end of its maximal life a lease is renewed by less and less.
type Renewal struct{ Lease, Token time.Duration }

// StaticAccount is an account whose password Vault changes.
type StaticAccount struct {
	Username string
	Password Secret
	// Rotated is when the password was last changed, zero when Vault does not tell.
	Rotated time.Time
	// TTL is when it is changed next.
	TTL time.Duration
}

// ErrLeaseGone is the cause inside the fault of a lease that ended, for errors.Is.
var ErrLeaseGone = errors.New("no such lease")

var _ Database = (*Client)(nil)

// ReadRole implements Database.
func (c *Client) ReadRole(ctx context.Context, mount, name string) (DatabaseRole, error) {
	op := operation{verb: "read", path: mount + "/roles/" + name, capabilities: `"read"`}
	seen, err := c.databaseAt(ctx, mount, name, op)
	if err != nil {
		return DatabaseRole{}, err
	}
	found, err := c.readRole(ctx, op)
	if err != nil {
		return DatabaseRole{}, err
	}
	granted := func(own any, mount int64) time.Duration {
		if d := seconds(own); d > 0 {
			return d
		}
		return time.Duration(mount) * time.Second
	}
	role := DatabaseRole{DefaultTTL: granted(found["default_ttl"], seen.Config.DefaultLeaseTTL), MaxTTL: granted(found["max_ttl"], seen.Config.MaxLeaseTTL)}
	if limit := time.Duration(seen.Config.MaxLeaseTTL) * time.Second; limit > 0 {
		role.MaxTTL = min(role.MaxTTL, limit)
	}
	role.DefaultTTL = min(role.DefaultTTL, role.MaxTTL)
	return role, nil
}

// ReadStatic implements Database.
func (c *Client) ReadStatic(ctx context.Context, mount, role string) (StaticAccount, error) {
	op := operation{verb: "read", path: mount + "/static-creds/" + role, capabilities: `"read"`}
	const known = "database "
	if _, seen := c.mounts.Load(known + mount); !seen {
		if _, err := c.databaseAt(ctx, mount, role, op); err != nil {
			return StaticAccount{}, err
		}
		c.mounts.Store(known+mount, true)
	}
	if err := checkPaths(c.conn.Name, mount, role); err != nil {
		return StaticAccount{}, err
	}
	found, err := c.readRole(ctx, op)
	if err != nil {
		return StaticAccount{}, err
	}
	account := StaticAccount{Username: text(found["username"]), Password: Secret(text(found["password"])), TTL: seconds(found["ttl"])}
	account.Rotated, _ = time.Parse(time.RFC3339Nano, text(found["last_vault_rotation"]))
	if account.Username == "" || account.Password == "" {
		return StaticAccount{}, c.noPassword(op.path)
	}
	return account, nil
}

func checkPaths(connection string, paths ...string) error {
	for _, path := range paths {
		if err := CheckPath(path); err != nil {
			return fmt.Errorf("VaultConnection %s: %w", connection, err)
		}
	}
	return nil
}

// databaseAt sees to it that the mount is a database engine.
func (c *Client) databaseAt(ctx context.Context, mount, role string, op operation) (mounted, error) {
	if err := checkPaths(c.conn.Name, mount, role); err != nil {
		return mounted{}, err
	}
	seen, err := c.mountAt(ctx, mount, op)
	switch {
	case err != nil:
		return seen, err
	case seen.Path != mount+"/":
		return seen, c.mountMissing(mount)
	case seen.Type != "database":
		return seen, fault.Terminal(ReasonMountMissing, "VaultConnection %s: %s is a %s engine; name the mount of a database engine",
			c.conn.Name, mount, seen.Type).After(retryByHand)
	}
	return seen, nil
}

// readRole reads with our own login what the engine knows under a role's name.
func (c *Client) readRole(ctx context.Context, op operation) (map[string]any, error) {
	var answer *api.Secret
	unknown := false
	err := c.do(ctx, op, func(v *api.Client) (err error) {
		answer, err = v.Logical().ReadWithContext(ctx, op.path)
		if unknown = unknownRole(err); unknown {
			return nil // an answer like any other: Vault serves us
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case unknown || answer == nil:
		return nil, c.noRole(op.path)
	}
	return answer.Data, nil
}

func unknownRole(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest && contains(answer, "unknown role")
}

func (c *Client) noRole(path string) error {
	return fault.Terminal(ReasonRoleInvalid, "VaultConnection %s: Vault has no role %s; write it, or correct the name", c.conn.Name, path).After(retryByHand)
}

func (c *Client) noPassword(path string) error {
	return fault.Terminal(ReasonRoleInvalid, "VaultConnection %s: %s gives no user name with a password; the role's credential_type has to be password",
		c.conn.Name, path).After(retryByHand)
}

func text(field any) string {
	s, _ := field.(string)
	return s
}

// seconds reads a number of seconds, 0 for what is none.
func seconds(field any) time.Duration {
	number, ok := field.(json.Number)
	if !ok {
		return 0
	}
	n, err := number.Float64()
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}
