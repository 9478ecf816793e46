package idptest

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// bench is one case's server and the ways to look at it.
type bench struct {
	*testing.T
	ctx     context.Context
	subject Subject
	server  Server
	counter *Counter
}

func newBench(ctx context.Context, t *testing.T, s Subject) *bench {
	t.Helper()
	b := &bench{T: t, ctx: ctx, subject: s, server: s.Start(t)}
	b.counter = &Counter{Ignore: b.server.SignIn}
	if b.server.Count == nil {
		b.server.Access.WrapTransport = b.counter.Wrap
		b.server.Count = b.counter.Count
	}
	return b
}

// connect gives an Admin that works.
func (b *bench) connect() idp.Admin {
	b.Helper()
	admin, err := b.tryConnect(b.server.Access)
	if err != nil {
		b.Fatalf("Connect: %v", err)
	}
	return admin
}

func (b *bench) tryConnect(access idp.Access) (idp.Admin, error) {
	admin, err := b.subject.Driver.Connect(b.ctx, spec(b.server.Realms, b.server.Want), tenant.Facts{ServingVersion: b.server.Version}, access)
	if err == nil {
		b.Cleanup(func() { _ = admin.Close() })
	}
	return admin, err
}

func (b *bench) observe(admin idp.Admin) tenant.Settings {
	b.Helper()
	seen, err := admin.Observe(b.ctx, b.server.Realms)
	if err != nil {
		b.Fatalf("Observe: %v", err)
	}
	return seen
}

func (b *bench) configure(admin idp.Admin, change tenant.Diff) {
	b.Helper()
	if err := admin.Configure(b.ctx, change); err != nil {
		b.Fatalf("Configure(%v): %v", change, err)
	}
}

// want declares the same settings in every realm of the server.
func (b *bench) want(settings tenant.RealmSettings) tenant.Settings {
	return spec(b.server.Realms, settings).Settings()
}

// restored sees to it that a server that lives on gets its settings back. What no
// Admin could write, such as somebody's own expression, stays as the case left it.
func (b *bench) restored(admin idp.Admin) tenant.Settings {
	b.Helper()
	before := b.observe(admin)
	if b.server.Stop != nil {
		return before
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), caseTimeout)
		defer cancel()
		seen, err := admin.Observe(ctx, b.server.Realms)
		if err != nil {
			b.Errorf("the server did not get its settings back: %v", err)
		}
		for _, change := range tenant.Compare(before, seen) {
			if err := admin.Configure(ctx, tenant.Diff{change}); err != nil {
				b.Logf("NOT RESTORED: %v", err)
			}
		}
	})
	return before
}

// writes counts the writing requests of f.
func (b *bench) writes(f func()) int {
	_, before := b.server.Count()
	f()
	_, after := b.server.Count()
	return after - before
}

// refuses checks a fault's kind and reason, that its message names all of names, and
// that it repeats no secret.
func (b *bench) refuses(err error, terminal bool, reason string, names ...string) {
	b.Helper()
	if err == nil {
		b.Fatalf("no error; want reason %s", reason)
	}
	f := fault.Of(err, "none")
	if f.Reason != reason || fault.IsTerminal(err) != terminal || fault.IsWaiting(err) == terminal {
		b.Errorf("reason %s, terminal %t, waiting %t; want reason %s, terminal %t: %v",
			f.Reason, fault.IsTerminal(err), fault.IsWaiting(err), reason, terminal, err)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			b.Errorf("the message does not name %q: %v", name, err)
		}
	}
	b.quotesNoSecret(err)
}

func (b *bench) quotesNoSecret(err error) {
	b.Helper()
	for _, account := range []idp.UsernamePassword{b.server.Access.Bootstrap, b.server.Access.System, wrong(b.server.Access.Bootstrap)} {
		for _, secret := range []string{account.Password, base64.StdEncoding.EncodeToString([]byte(account.Username + ":" + account.Password))} {
			if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
				b.Errorf("the message quotes a password: %v", err)
			}
		}
	}
}

func wrong(account idp.UsernamePassword) idp.UsernamePassword {
	return idp.UsernamePassword{Username: account.Username, Password: "Wrong-" + account.Password}
}

func (b *bench) differs(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// leavesOut says that a case cannot be tried here.
func (b *bench) leavesOut(why string) {
	b.Logf("NOT TRIED on this server: %s", why)
}

// sorted gives the settings in an order that is the same each time.
func sorted(settings tenant.RealmSettings) []tenant.Setting {
	return slices.Sorted(maps.Keys(settings))
}

// Counter counts requests at a transport.
type Counter struct {
	// Ignore tells requests that are not counted; nil: all are.
	Ignore        func(*http.Request) bool
	reads, writes atomic.Int64
}

// Wrap stands around a transport.
func (c *Counter) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		switch {
		case c.Ignore != nil && c.Ignore(r):
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			c.reads.Add(1)
		default:
			c.writes.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// Count gives the requests so far.
func (c *Counter) Count() (reads, writes int) { return int(c.reads.Load()), int(c.writes.Load()) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
