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

// session is one login. It does not change; a renewal makes another one.
type session struct {
	api *api.Client
	// ttl is what the login granted; zero never ends.
	ttl       time.Duration
	expires   time.Time
	renewable bool
}

// due: less than a third of the time to live is left.
func (s *session) due(now time.Time) bool {
	return s.ttl > 0 && s.expires.Sub(now) < s.ttl/3
}

// renewOrLogin follows on s, which is nil without a login.
func (c *Client) renewOrLogin(ctx context.Context, s *session) (*session, error) {
	if s != nil && s.renewable && c.now().Before(s.expires) {
		next, err := c.renew(ctx, s)
		// Near its maximal life a token is renewed by less and less.
		if err == nil && !next.due(c.now()) {
			return next, nil
		}
		if err != nil && !refused(err) {
			return nil, c.explain(ctx, s.api, operation{verb: "update", path: "auth/token/renew-self", capabilities: `"update"`}, err)
		}
	}
	return c.login(ctx)
}

func (c *Client) renew(ctx context.Context, s *session) (*session, error) {
	asked := c.now()
	answer, err := s.api.Auth().Token().RenewSelfWithContext(ctx, 0)
	if err != nil {
		return nil, err
	}
	if answer == nil || answer.Auth == nil {
		return nil, errors.New("renewal without a lease")
	}
	next := *s
	next.expires = asked.Add(time.Duration(answer.Auth.LeaseDuration) * time.Second)
	next.renewable = answer.Auth.Renewable
	return &next, nil
}

func (c *Client) login(ctx context.Context) (*session, error) {
	client, err := newAPIClient(c.conn, c.wrapped)
	if err != nil {
		// Not wrapped: an address that cannot be parsed is quoted in full there.
		return nil, fault.Terminal(ReasonConnectionInvalid,
			"VaultConnection %s: no client can be made of spec.address and spec.ca", c.conn.Name)
	}
	if t := c.conn.Auth.Token; t != nil {
		client.SetToken(string(t.Token))
		return &session{api: client}, nil
	}
	mount, credentials, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	asked := c.now()
	answer, err := client.Logical().WriteWithContext(ctx, "auth/"+mount+"/login", credentials)
	if err != nil {
		err = c.explainLogin(ctx, client, mount, credentials, err)
	} else if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
		err = fault.Terminal(ReasonLoginFailed,
			"VaultConnection %s: the login at auth/%s gave no token; is the mount an auth method of the right type, without MFA?",
			c.conn.Name, mount).After(retryByHand)
	}
	c.pool.logins.Add(1)
	if told := c.pool.options.OnLogin; told != nil {
		told(c.conn.Name, err)
	}
	if err != nil {
		return nil, err
	}
	client.SetToken(answer.Auth.ClientToken)
	ttl := time.Duration(answer.Auth.LeaseDuration) * time.Second
	return &session{api: client, ttl: ttl, expires: asked.Add(ttl), renewable: answer.Auth.Renewable}, nil
}

// credentials are written by hand and not with vault/api's auth helpers: given
// an empty JWT, the Kubernetes helper sends the process's own service account
// token, which here is the operator's.
func (c *Client) credentials(ctx context.Context) (mount string, body map[string]any, err error) {
	if a := c.conn.Auth.AppRole; a != nil {
		return a.Mount, map[string]any{"role_id": a.RoleID, "secret_id": string(a.SecretID)}, nil
	}
	k := c.conn.Auth.Kubernetes
	if c.source == nil {
		return "", nil, fmt.Errorf("VaultConnection %s: no source of service account tokens", c.conn.Name)
	}
	jwt, err := c.source(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("VaultConnection %s: token of service account %s: %w", c.conn.Name, k.ServiceAccount, err)
	}
	if jwt == "" {
		return "", nil, fmt.Errorf("VaultConnection %s: token of service account %s is empty", c.conn.Name, k.ServiceAccount)
	}
	return k.Mount, map[string]any{"role": k.Role, "jwt": jwt}, nil
}

func (c *Client) explainLogin(ctx context.Context, client *api.Client, mount string, sent map[string]any, err error) error {
	op := operation{verb: "log in at", path: "auth/" + mount, carriesValue: true}
	var answer *api.ResponseError
	if !errors.As(err, &answer) || ctx.Err() != nil || rawPlainHTTP(answer) {
		return c.explain(ctx, client, op, err)
	}
	if f := c.explainState(ctx, client, answer); f != nil {
		return f
	}
	what := "spec.auth.appRole: are role id and secret id right and the secret id not used up"
	if k := c.conn.Auth.Kubernetes; k != nil {
		what = fmt.Sprintf("spec.auth.kubernetes: does role %q allow service account %q with audience %q",
			k.Role, k.ServiceAccount, k.Audience)
	}
	secret := sent["jwt"]
	if secret == nil {
		secret = sent["secret_id"]
	}
	message := fmt.Sprintf("VaultConnection %s: login at auth/%s was refused; check %s, and that the method is mounted there%s",
		c.conn.Name, mount, what, words(answer, secret.(string)))
	if answer.StatusCode >= http.StatusInternalServerError {
		return fault.Waiting(ReasonLoginFailed, "%s", message).After(retryOutage)
	}
	return fault.Terminal(ReasonLoginFailed, "%s", message).After(retryByHand)
}

// refused: Vault understood the request and said no.
func refused(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusBadRequest)
}

func forbidden(err error) bool {
	var answer *api.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden
}
