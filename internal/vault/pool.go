package vault

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"k8s.io/utils/clock"
)

// Options of a Pool. The zero value is ready for use.
type Options struct {
	// Clock measures the life of tokens; the real clock when nil.
	Clock clock.PassiveClock
	// WrapTransport wraps the transport of every connection, to count requests
	// or to inject failures.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// OnLogin is told of every login with its outcome, for a metric. It must
	// not block.
	OnLogin func(connection string, err error)
}

// Pool keeps one signed-in client per connection, shared by all who use it. It
// runs no goroutine: tokens are renewed when they are used.
type Pool struct {
	options Options
	logins  atomic.Int64
	mu      sync.Mutex
	clients map[string]*Client
}

// NewPool makes an empty pool.
func NewPool(options Options) *Pool {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Pool{options: options, clients: map[string]*Client{}}
}

// Client returns the client of conn, signed in. It signs in only when nobody
// did yet, when the connection changed, or when the token is near its end;
// parallel callers share one login, and a failed login is answered from memory
// for a while. The source is asked for a JWT under Kubernetes auth, else it may
// be nil.
//
// Faults: ReasonConnectionInvalid, ReasonLoginFailed, and the states in which
// Vault serves nobody.
func (p *Pool) Client(ctx context.Context, conn Connection, source TokenSource) (*Client, error) {
	if err := conn.Validate(); err != nil {
		return nil, err
	}
	client := p.client(conn, source)
	if _, err := client.session(ctx, nil); err != nil {
		return nil, err
	}
	return client, nil
}

func (p *Pool) client(conn Connection, source TokenSource) *Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.clients[conn.Name]
	if known != nil && known.digest == conn.Digest() {
		return known
	}
	if known != nil {
		known.idle()
	}
	made := newClient(p, conn, source)
	p.clients[conn.Name] = made
	return made
}

// Forget drops the client of a connection that is gone. Its token ends by its
// own time to live.
func (p *Pool) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.clients[name]; known != nil {
		known.idle()
		delete(p.clients, name)
	}
}

// Logins counts the logins that were sent to a Vault, failed ones included.
func (p *Pool) Logins() int64 { return p.logins.Load() }

// Close drops every client and its idle connections.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, known := range p.clients {
		known.idle()
		delete(p.clients, name)
	}
}
