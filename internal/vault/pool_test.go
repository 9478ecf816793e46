package vault_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

// rig is a pool whose time and requests are in the test's hands.
type rig struct {
	*vault.Pool
	clock    *testingclock.FakePassiveClock
	recorder *vaulttest.Recorder
}

func newRig(t testing.TB) rig {
	r := rig{clock: testingclock.NewFakePassiveClock(time.Now()), recorder: new(vaulttest.Recorder)}
	r.Pool = vault.NewPool(vault.Options{Clock: r.clock, WrapTransport: r.recorder.Wrap})
	t.Cleanup(r.Close)
	return r
}

func (r rig) pass(d time.Duration) { r.clock.SetTime(r.clock.Now().Add(d)) }

// use signs in when needed and writes or reads one value, as a reconcile does.
func (r rig) use(ctx context.Context, conn vault.Connection) error {
	client, err := r.Client(ctx, conn, nil)
	if err != nil {
		return err
	}
	_, _, err = vault.Ensure(ctx, client, conn.KVMount, conn.KVPrefix+"/a", vaulttest.Owner, func() (map[string]string, error) {
		return map[string]string{"k": "canary-value"}, nil
	})
	return err
}

func TestOneLoginServesAll(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	r := newRig(t)
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := r.use(t.Context(), conn); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if r.Logins() != 1 || countPrefix(r.recorder.Requests(), "PUT auth/approle/login") != 1 {
		t.Errorf("%d logins, want 1", r.Logins())
	}
	if n := countPrefix(r.recorder.Requests(), "PUT auth/token/renew-self"); n != 0 {
		t.Errorf("a token of a moment ago was renewed %d times", n)
	}
	r.recorder.Reset()
	for range 100 {
		if err := r.use(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
	// A pass over what is there costs one read for each value, and nothing else.
	if n := len(r.recorder.Requests()); n != 100 || r.Logins() != 1 {
		t.Errorf("100 passes made %d requests and %d logins in all: %v", n, r.Logins(), r.recorder.Requests())
	}
}

func TestChangedConnectionSignsInAgain(t *testing.T) {
	server := vaulttest.Start(t)
	one, two := server.Connection(t), server.Connection(t)
	two.Name = one.Name
	r := newRig(t)
	for i, conn := range []vault.Connection{one, one, two, two} {
		if err := r.use(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		if want := int64(1 + i/2); r.Logins() != want {
			t.Errorf("after use %d: %d logins, want %d", i, r.Logins(), want)
		}
	}
	r.Forget(two.Name)
	if err := r.use(t.Context(), two); err != nil || r.Logins() != 3 {
		t.Errorf("after being forgotten: %v, %d logins", err, r.Logins())
	}
}

func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t) // its tokens live for one hour
	r := newRig(t)
	for i, step := range []struct {
		pass             time.Duration
		renewals, logins int
	}{
		{0, 0, 1},
		{39 * time.Minute, 0, 1},
		{2 * time.Minute, 1, 1},
		{30 * time.Minute, 1, 1},
		{11 * time.Minute, 2, 1},
		{2 * time.Hour, 2, 2}, // nobody used it in time
	} {
		r.pass(step.pass)
		if err := r.use(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		renewals := countPrefix(r.recorder.Requests(), "PUT auth/token/renew-self")
		if renewals != step.renewals || int(r.Logins()) != step.logins {
			t.Errorf("step %d: %d renewals and %d logins, want %d and %d", i, renewals, r.Logins(), step.renewals, step.logins)
		}
	}
}

func TestRevokedTokenIsReplacedOnce(t *testing.T) {
	server := vaulttest.StartOwn(t) // revokes the logins of all
	conn := server.Connection(t)
	r := newRig(t)
	client, err := r.Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.use(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	for _, use := range []func() error{
		func() error { return r.use(t.Context(), conn) },
		func() error { r.pass(time.Minute); return client.Check(t.Context()) },
	} {
		server.RevokeLogins(t)
		before := r.Logins()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if err := use(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := r.Logins() - before; got != 1 {
			t.Errorf("%d logins after the token was revoked, want 1", got)
		}
	}
}

func TestFailedLoginsAreNotHammered(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	good := conn.Auth.AppRole.SecretID
	conn.Auth.AppRole.SecretID = "canary-secret-id"
	r := newRig(t)
	wantRefused := func(logins int64) {
		t.Helper()
		for range 10 {
			_, err := r.Client(t.Context(), conn, nil)
			wantFault(t, err, fault.KindTerminal, vault.ReasonLoginFailed,
				[]string{conn.Name, "auth/approle", "spec.auth.appRole", "invalid role or secret ID"}, "canary-secret-id")
		}
		if r.Logins() != logins {
			t.Errorf("%d logins, want %d", r.Logins(), logins)
		}
	}
	wantRefused(1)
	r.pass(2 * time.Second)
	wantRefused(2)
	r.pass(3 * time.Second) // the pause doubles
	wantRefused(2)
	r.pass(time.Second)
	wantRefused(3)
	conn.Auth.AppRole = &vault.AppRoleAuth{Mount: "approle", RoleID: conn.Auth.AppRole.RoleID, SecretID: good}
	if err := r.use(t.Context(), conn); err != nil { // a corrected connection does not wait
		t.Error(err)
	}
}

func TestCallerWhoGivesUpSpoilsNothing(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.recorder.Fail = func(*http.Request) (*http.Response, error) { cancel(); return nil, nil }
	if _, err := r.Client(ctx, conn, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a cancelled login", err)
	}
	if err := r.use(t.Context(), conn); err != nil {
		t.Errorf("the next caller: %v", err)
	}
}

func TestOnLoginIsTold(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	told := map[string]int{}
	pool := vault.NewPool(vault.Options{OnLogin: func(name string, err error) {
		told[name]++
		if err != nil {
			told["failed"]++
		}
	}})
	defer pool.Close()
	if _, err := pool.Client(t.Context(), conn, nil); err != nil {
		t.Fatal(err)
	}
	conn.Auth.AppRole.RoleID = "nobody"
	if _, err := pool.Client(t.Context(), conn, nil); err == nil {
		t.Error("a login without role worked")
	}
	if told[conn.Name] != 2 || told["failed"] != 1 {
		t.Errorf("told %v", told)
	}
}

func TestCheckCostsAtMostOneRequest(t *testing.T) {
	conn := vaulttest.Start(t).Connection(t)
	r := newRig(t)
	client, err := r.Client(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.recorder.Reset()
	for i, step := range []struct {
		pass time.Duration
		want int
	}{{0, 0}, {4 * time.Second, 0}, {2 * time.Second, 1}, {time.Second, 1}, {time.Minute, 2}} {
		r.pass(step.pass)
		if err := client.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(r.recorder.Requests()); got != step.want {
			t.Errorf("step %d: %d requests, want %d", i, got, step.want)
		}
	}
}

func TestEnvironmentOfTheProcessIsNotUsed(t *testing.T) {
	server := vaulttest.Start(t)
	conn := server.Connection(t)
	wrong := conn
	wrong.CA, wrong.Name = "", "iam/no-ca"
	for name, value := range map[string]string{
		"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_AGENT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": server.RootToken(),
		"VAULT_NAMESPACE": "elsewhere", "VAULT_SKIP_VERIFY": "true", "VAULT_MAX_RETRIES": "9", "VAULT_WRAP_TTL": "1m",
		"VAULT_HEADERS": `{"X-Canary": "yes"}`,
	} {
		t.Setenv(name, value)
	}
	r := newRig(t)
	r.recorder.Fail = func(request *http.Request) (*http.Response, error) {
		for header := range request.Header {
			if header == "X-Canary" || header == "X-Vault-Namespace" || header == "X-Vault-Wrap-Ttl" {
				t.Errorf("%s was sent", header)
			}
		}
		return nil, nil
	}
	if err := r.use(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	for _, token := range r.recorder.Tokens() {
		if token == server.RootToken() {
			t.Error("the token of the environment was sent")
		}
	}
	_, err := r.Client(t.Context(), wrong, nil)
	wantFault(t, err, fault.KindTerminal, vault.ReasonUnreachable, []string{"spec.ca"})
}
