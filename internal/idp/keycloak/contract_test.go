package keycloak_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/keycloaktest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hardened differs from the product's defaults in every setting, and relaxed from
// hardened.
var (
	hardened = tenant.RealmSettings{
		tenant.PasswordMinLength: "12", tenant.PasswordMaxLength: "64",
		tenant.PasswordLower: "1", tenant.PasswordUpper: "1", tenant.PasswordDigit: "1", tenant.PasswordSpecial: "1",
		tenant.PasswordMaxRepeated: "2", tenant.PasswordMinUnique: "6",
		tenant.PasswordHistory: "5", tenant.PasswordMaxAgeDays: "90", tenant.PasswordNotUsername: "true", tenant.PasswordNotCommon: "true",
		tenant.LockoutAttempts: "5", tenant.LockoutMinutes: "15",
		tenant.RecoveryEmailLink: "true", tenant.RecoveryLinkMinutes: "15", tenant.RecoveryNotifySuccess: "true", tenant.ForcedResetMinutes: "60",
		tenant.RegistrationSelf: "true", tenant.RegistrationConfirmEmail: "true", tenant.RegistrationCodeMinutes: "60",
		tenant.SessionIdleMinutes: "15", tenant.SessionMaximumMinutes: "480", tenant.SessionRememberMinutes: "240",
		tenant.TokenAccessMinutes: "10", tenant.TokenCodeMinutes: "2", tenant.TokenRefreshOnce: "true",
		tenant.EventsDays: "90", tenant.EventsAdminDays: "365", tenant.TLSRequired: "true",
		tenant.BrowserHeaders: "false", // a new realm has the hardened ones
	}
	relaxed = tenant.RealmSettings{
		tenant.PasswordMinLength: "10", tenant.PasswordMaxLength: "128",
		tenant.PasswordLower: "0", tenant.PasswordUpper: "2", tenant.PasswordDigit: "0", tenant.PasswordSpecial: "0",
		tenant.PasswordMaxRepeated: "0", tenant.PasswordMinUnique: "3",
		tenant.PasswordHistory: "0", tenant.PasswordMaxAgeDays: "0", tenant.PasswordNotUsername: "false", tenant.PasswordNotCommon: "false",
		tenant.LockoutAttempts: "0", tenant.LockoutMinutes: "0",
		tenant.RecoveryEmailLink: "false", tenant.RecoveryLinkMinutes: "30", tenant.RecoveryNotifySuccess: "false", tenant.ForcedResetMinutes: "120",
		tenant.RegistrationSelf: "false", tenant.RegistrationConfirmEmail: "false", tenant.RegistrationCodeMinutes: "120",
		tenant.SessionIdleMinutes: "20", tenant.SessionMaximumMinutes: "600", tenant.SessionRememberMinutes: "480",
		tenant.TokenAccessMinutes: "20", tenant.TokenCodeMinutes: "3", tenant.TokenRefreshOnce: "false",
		tenant.EventsDays: "0", tenant.EventsAdminDays: "0", tenant.TLSRequired: "false", tenant.BrowserHeaders: "true",
	}
	impossible = tenant.RealmSettings{
		tenant.PasswordMinLength: "012", tenant.PasswordMaxLength: "0", tenant.PasswordLower: "-1", tenant.PasswordNotCommon: "yes",
		tenant.LockoutAttempts: "five", tenant.LockoutMinutes: "15m", tenant.SessionIdleMinutes: "0", tenant.RecoveryLinkMinutes: "99999999",
		tenant.TokenAccessMinutes: "0", tenant.EventsDays: "10000", tenant.TLSRequired: "all", tenant.BrowserHeaders: "",
	}
	beyond = tenant.RealmSettings{
		tenant.RecoveryCallbacks: "https://id.acme.example/*", tenant.CORSAnyOrigin: "false", tenant.Invitation: "true",
	}
)

const secondRealm = "second"

func TestContractOnARealKeycloak(t *testing.T) {
	s := server(t)
	newKeeper(t, s)
	giveRing(t, s)
	keeper := newKeeper(t, s) // whose session is signed with a key that stays
	idptest.Run(t, idptest.Subject{Driver: keycloak.Driver{}, Start: func(t *testing.T) idptest.Server {
		keeper.restore(t)
		giveRing(t, s)
		return contractServer(t, s, keeper)
	}})
}

// contractServer is the live server as one case sees it, over a wire that the case can cut
// and that can swallow a write on its way.
func contractServer(t *testing.T, s *keycloaktest.Server, k *keeper) idptest.Server {
	w := &wire{t: t, keeper: k, counter: &idptest.Counter{Ignore: signsIn}}
	access := s.Access(administrator)
	access.System = idp.UsernamePassword{Username: "contract", Password: "Contract-1-" + administrator.Password}
	access.Dial, access.WrapTransport = w.dial, w.wrap
	return idptest.Server{
		Access: access, Version: keycloaktest.Version, SignIn: signsIn, Count: w.counter.Count,
		Realms: []string{tenant.RootRealm, secondRealm}, MissingRealm: "third",
		Want: hardened, Other: relaxed, NotEnforced: beyond, Impossible: impossible,
		Certificates:    []*x509.Certificate{ring().Current.Certificate, ring().Next.Certificate},
		AddRealm:        func(name string) { k.addRealm(t, name) },
		ManyRealms:      2,
		Stop:            w.cut,
		Swallow:         w.swallow.Store,
		Race:            w.race,
		RefusePasswords: w.refusePasswords,
	}
}

// ring is the one that the server has at first.
var ring = sync.OnceValue(func() idp.Ring {
	current, err := idptest.SigningKey(1)
	next, also := idptest.SigningKey(2)
	if err := errors.Join(err, also); err != nil {
		panic(err)
	}
	return idp.Ring{Current: current, Next: next, Now: time.Now, Over: func(time.Time, time.Duration) bool { return true }}
})

// giveRing has the server sign with our keys, and with nobody else's, at once.
func giveRing(t *testing.T, s *keycloaktest.Server) {
	t.Helper()
	keys, err := keycloak.Driver{}.Keys(tenant.Spec{Realms: []tenant.Realm{{Name: secondRealm}}}, s.Access(another))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	if _, err := keys.Advance(t.Context(), ring()); err != nil {
		t.Fatal(err)
	}
}

func signsIn(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/openid-connect/token") || strings.HasSuffix(r.URL.Path, "/openid-connect/logout")
}

// wire lies between an Admin and the server.
type wire struct {
	t       *testing.T
	keeper  *keeper
	counter *idptest.Counter
	swallow atomic.Bool

	mutex       sync.Mutex
	down        bool
	connections []net.Conn
	refusals    int
	afterWrite  func()
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.down {
		return nil, errors.New("connection refused")
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		w.connections = append(w.connections, connection)
	}
	return connection, err
}

func (w *wire) cut() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.down = true
	for _, connection := range w.connections {
		_ = connection.Close()
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *wire) wrap(next http.RoundTripper) http.RoundTripper {
	return w.counter.Wrap(roundTripper(func(r *http.Request) (*http.Response, error) {
		ofRealm := r.Method == http.MethodPut && strings.Count(r.URL.Path, "/") == 3
		if ofRealm && w.swallow.Load() {
			return &http.Response{StatusCode: http.StatusNoContent, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
		}
		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if ofRealm && w.afterWrite != nil {
			w.afterWrite()
		}
		if w.refusals > 0 && !signsIn(r) && response.StatusCode == http.StatusBadRequest {
			if w.refusals--; w.refusals == 0 {
				w.keeper.put(w.t, tenant.RootRealm, map[string]any{"passwordPolicy": ""})
			}
		}
		return response, nil
	}))
}

// refusePasswords has the server's own policy refuse them.
func (w *wire) refusePasswords(number int) {
	w.keeper.put(w.t, tenant.RootRealm, map[string]any{"passwordPolicy": "length(250)"})
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.refusals = number
}

// race has another administrator take a setting back as soon as it was written.
func (w *wire) race(setting tenant.Setting, value string) func() bool {
	var happened atomic.Bool
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.afterWrite = func() {
		seen, err := w.keeper.admin.Observe(w.t.Context(), []string{tenant.RootRealm})
		if err != nil || happened.Load() || seen[tenant.RootRealm][setting] == value {
			return
		}
		happened.Store(true)
		if err := w.keeper.admin.Configure(w.t.Context(), tenant.Diff{{Realm: tenant.RootRealm, Setting: setting, To: value}}); err != nil {
			w.t.Errorf("the other administrator: %v", err)
		}
	}
	return happened.Load
}

// What the contract's values leave out would be a setting that nobody tries.
func TestContractCoversEverySetting(t *testing.T) {
	k := newKeeper(t, server(t))
	k.restore(t)
	if err := k.admin.Configure(t.Context(), tenant.Compare(tenant.Settings{tenant.RootRealm: hardened}, nil)); err != nil {
		t.Fatal(err)
	}
	seen, err := k.admin.Observe(t.Context(), []string{tenant.RootRealm})
	if err != nil {
		t.Fatal(err)
	}
	// What the product does and no setting changes.
	inherent := tenant.RealmSettings{}
	for setting, value := range seen[tenant.RootRealm] {
		if _, declared := hardened[setting]; !declared {
			inherent[setting] = value
		}
	}
	if err := k.admin.Configure(t.Context(), tenant.Compare(tenant.Settings{tenant.RootRealm: inherent}, nil)); err != nil {
		t.Errorf("%v", err)
	}
	want := tenant.RealmSettings{tenant.LockoutBackoffFactor: "1", tenant.ForcedResetLink: "true", tenant.RegistrationLite: "false", tenant.RegistrationTellsNames: "true",
		tenant.RegistrationAutoLogin: "true", tenant.AccountsDisabling: "true", tenant.SessionOutlivesPassword: "true", tenant.AssertionReuse: "false"}
	if diff := cmp.Diff(want, inherent); diff != "" {
		t.Errorf("what Observe sees beside what the contract declares (-expected +seen):\n%s", diff)
	}
}
