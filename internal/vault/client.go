package vault

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
)

// Client is a signed-in connection, safe for parallel use. It is a KV.
type Client struct {
	pool      *Pool
	conn      Connection
	digest    string
	source    TokenSource
	transport *http.Transport
	wrapped   http.RoundTripper

	// current is the login in use, nil before the first and after a refusal.
	current atomic.Pointer[session]
	// turn is held by the one caller who signs in or renews; a channel, so that
	// the others can give up waiting with their context.
	turn chan struct{}
	// hold is touched only by the holder of turn.
	hold hold
	// mounts remembers the mounts that were seen to be KV v2.
	mounts sync.Map
	// seen is when Vault last answered with success, in Unix nanoseconds.
	seen atomic.Int64
}

// fresh is for how long an answer proves that Vault serves us.
const fresh = 5 * time.Second

func newClient(p *Pool, conn Connection, source TokenSource) *Client {
	c := &Client{
		pool: p, conn: conn, digest: conn.Digest(), source: source,
		transport: newTransport(conn.CA), turn: make(chan struct{}, 1),
	}
	c.wrapped = c.transport
	if wrap := p.options.WrapTransport; wrap != nil {
		c.wrapped = wrap(c.transport)
	}
	return c
}

// Connection returns what the client was made of.
func (c *Client) Connection() Connection { return c.conn }

// Check proves that Vault is reachable and unsealed and that we are signed in.
// It sends at most one request, and none when Vault answered another call with
// success in the last five seconds.
func (c *Client) Check(ctx context.Context) error {
	if c.now().Sub(time.Unix(0, c.seen.Load())) < fresh {
		return nil
	}
	op := operation{verb: "read", path: "auth/token/lookup-self", capabilities: `"read"`}
	return c.do(ctx, op, func(v *api.Client) error {
		_, err := v.Auth().Token().LookupSelfWithContext(ctx)
		if forbidden(err) && !tokenRejected(err) {
			// Vault knows the token; its policy just leaves out the default one.
			return nil
		}
		return err
	})
}

// do runs one request under the current login. A token that Vault no longer
// knows is replaced by one new login, after which the request is sent again.
func (c *Client) do(ctx context.Context, op operation, request func(*api.Client) error) error {
	s, err := c.session(ctx, nil)
	if err != nil {
		return err
	}
	err = request(s.api)
	if tokenRejected(err) && c.conn.Auth.Token == nil {
		if s, err = c.session(ctx, s); err != nil {
			return err
		}
		err = request(s.api)
	}
	if err != nil {
		return c.explain(ctx, s.api, op, err)
	}
	c.seen.Store(c.now().UnixNano())
	return nil
}

// session returns a login that lives and is not the rejected one.
func (c *Client) session(ctx context.Context, rejected *session) (*session, error) {
	if s := c.current.Load(); s != nil && s != rejected && !s.due(c.now()) {
		return s, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("VaultConnection %s: waiting for a login: %w", c.conn.Name, ctx.Err())
	}
	s := c.current.Load()
	if s != nil && s == rejected {
		c.current.Store(nil)
		s = nil
	}
	if s != nil && !s.due(c.now()) {
		return s, nil // somebody else signed in while we waited
	}
	if err := c.hold.active(c.now()); err != nil {
		return nil, err
	}
	next, err := c.renewOrLogin(ctx, s)
	if ctx.Err() == nil { // a caller who gave up says nothing about Vault
		c.hold.record(c.now(), err)
	}
	if err != nil {
		return nil, err
	}
	c.current.Store(next)
	if c.conn.Auth.Token == nil { // a given token was not shown to Vault yet
		c.seen.Store(c.now().UnixNano())
	}
	return next, nil
}

func (c *Client) now() time.Time { return c.pool.options.Clock.Now() }

func (c *Client) idle() { c.transport.CloseIdleConnections() }

// hold answers from memory after a failure, so that a hundred tenants of one
// broken connection do not sign in a hundred times, and Vault's user lockout is
// not set off.
type hold struct {
	err      error
	until    time.Time
	failures int
}

const (
	firstHold = 2 * time.Second
	mostHold  = time.Minute
)

func (h *hold) active(now time.Time) error {
	if h.err != nil && now.Before(h.until) {
		return h.err
	}
	return nil
}

func (h *hold) record(now time.Time, err error) {
	if err == nil {
		*h = hold{}
		return
	}
	h.err, h.until = err, now.Add(min(firstHold<<min(h.failures, 5), mostHold))
	h.failures++
}
