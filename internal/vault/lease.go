package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// NewToken implements Database. Vault tells of the role, not of a token, whether it lasts,
// so the role is read before.
func (c *Client) NewToken(ctx context.Context, tokenRole, owner string) (Token, error) {
	if err := c.lasts(ctx, tokenRole); err != nil {
		return Token{}, err
	}
	op := operation{verb: "update", path: "auth/token/create/" + tokenRole, capabilities: `"update"`}
	var answer *api.Secret
	err := c.do(ctx, op, func(v *api.Client) (err error) {
		answer, err = v.Auth().Token().CreateWithRoleWithContext(ctx, &api.TokenCreateRequest{
			DisplayName: "holdfast", Metadata: map[string]string{OwnerField: owner},
		}, tokenRole)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
		return Token{}, fmt.Errorf("VaultConnection %s: Vault gave no token at %s", c.conn.Name, op.path)
	}
	return Token{Value: Secret(answer.Auth.ClientToken), TTL: time.Duration(answer.Auth.LeaseDuration) * time.Second}, nil
}

// lasts sees to it that the tokens of a role do not end with another one, nor at a time
// that no renewal puts off.
func (c *Client) lasts(ctx context.Context, tokenRole string) error {
	if err := checkPaths(c.conn.Name, tokenRole); err != nil {
		return err
	}
	op := operation{verb: "read", path: "auth/token/roles/" + tokenRole, capabilities: `"read"`}
	role, err := c.readRole(ctx, op)
	if err != nil {
		return err
	}
	orphan, _ := role["orphan"].(bool)
	renewable, _ := role["renewable"].(bool)
	if !orphan || !renewable || seconds(role["token_period"]) == 0 || seconds(role["token_explicit_max_ttl"]) != 0 {
		return fault.Terminal(ReasonRoleInvalid, "VaultConnection %s: tokens of %s end although they are renewed; "+
			"write orphan=true, renewable=true, token_period=24h and token_explicit_max_ttl=0 there", c.conn.Name, op.path).After(retryByHand)
	}
	return nil
}

// Take implements Database.
func (c *Client) Take(ctx context.Context, token Secret, mount, role string) (Lease, error) {
	if err := checkPaths(c.conn.Name, mount, role); err != nil {
		return Lease{}, err
	}
	op := operation{verb: "read", path: mount + "/creds/" + role, capabilities: `"read"`}
	answer, err := c.as(ctx, token, op, func(v *api.Client) (*api.Secret, error) {
		return v.Logical().ReadWithContext(ctx, op.path)
	})
	switch {
	case err != nil:
		return Lease{}, err
	case answer == nil:
		return Lease{}, c.noRole(op.path)
	}
	lease := Lease{ID: answer.LeaseID, Username: text(answer.Data["username"]), Password: Secret(text(answer.Data["password"])),
		TTL: time.Duration(answer.LeaseDuration) * time.Second}
	if lease.Username == "" || lease.Password == "" {
		return Lease{}, c.noPassword(op.path)
	}
	if lease.ID == "" || !answer.Renewable {
		return Lease{}, fault.Terminal(ReasonRoleInvalid, "VaultConnection %s: %s gives accounts whose lease cannot be renewed", c.conn.Name, op.path).After(retryByHand)
	}
	return lease, nil
}

// CheckLease implements Database.
func (c *Client) CheckLease(ctx context.Context, token Secret, lease string) error {
	op := operation{verb: "update", path: "sys/leases/lookup", capabilities: `"update"`}
	_, err := c.as(ctx, token, op, func(v *api.Client) (*api.Secret, error) {
		return v.Sys().LookupWithContext(ctx, lease)
	})
	return err
}

// Renew implements Database.
func (c *Client) Renew(ctx context.Context, token Secret, lease string) (Renewal, error) {
	op := operation{verb: "update", path: "auth/token/renew-self", capabilities: `"update"`}
	answer, err := c.as(ctx, token, op, func(v *api.Client) (*api.Secret, error) {
		return v.Auth().Token().RenewSelfWithContext(ctx, 0)
	})
	if err != nil {
		return Renewal{}, err
	}
	var renewed Renewal
	if answer != nil && answer.Auth != nil {
		renewed.Token = time.Duration(answer.Auth.LeaseDuration) * time.Second
	}
	op.path = "sys/leases/renew"
	answer, err = c.as(ctx, token, op, func(v *api.Client) (*api.Secret, error) {
		return v.Sys().RenewWithContext(ctx, lease, 0)
	})
	if err != nil {
		return Renewal{}, err
	}
	if answer != nil {
		renewed.Lease = time.Duration(answer.LeaseDuration) * time.Second
	}
	return renewed, nil
}

// Revoke implements Database.
func (c *Client) Revoke(ctx context.Context, token Secret) error {
	op := operation{verb: "update", path: "auth/token/revoke-self", capabilities: `"update"`}
	_, err := c.as(ctx, token, op, func(v *api.Client) (*api.Secret, error) {
		return nil, v.Auth().Token().RevokeSelfWithContext(ctx, "")
	})
	if errors.Is(err, ErrLeaseGone) {
		return nil
	}
	return err
}

// as sends one request with a lease's token. It needs no login: whoever holds the token
// may clean up although nobody signs in any more.
func (c *Client) as(ctx context.Context, token Secret, op operation, request func(*api.Client) (*api.Secret, error)) (*api.Secret, error) {
	client, err := newAPIClient(c.conn, c.wrapped)
	if err != nil {
		return nil, fault.Terminal(ReasonConnectionInvalid, "VaultConnection %s: no client can be made of spec.address and spec.ca", c.conn.Name)
	}
	client.SetToken(string(token))
	answer, err := request(client)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() == nil && (tokenRejected(err) || leaseEnded(err)):
		return nil, fault.Waiting(ReasonLeaseGone, "VaultConnection %s: Vault has ended a database account, or the token that it hangs on", c.conn.Name).
			Because(ErrLeaseGone).After(retrySoon)
	case ctx.Err() == nil && unknownRole(err):
		return nil, c.noRole(op.path)
	case ctx.Err() == nil && forbidden(err):
		return nil, fault.Terminal(ReasonForbidden,
			"VaultConnection %s: Vault refuses to %s %s with a token of the token role; allow %s on path %q in the policies of the token role",
			c.conn.Name, op.verb, op.path, op.capabilities, op.path).After(retryByHand)
	}
	return nil, c.explain(ctx, client, op, err)
}

// leaseEnded: Vault knows the token, but not, or no longer, the lease.
func leaseEnded(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusBadRequest &&
		(contains(answer, "invalid lease") || contains(answer, "lease not found") || contains(answer, "lease expired") || contains(answer, "lease is expired"))
}
