package idptest

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// FakeServer is an identity server in memory: a fake, for tests of what stands above
// idp. It is safe for concurrent use. Fields are read when an Admin connects or calls;
// change them before that, or through the methods.
type FakeServer struct {
	// Access that the server lets in. Empty parts let anything in.
	Access idp.Access

	mutex     sync.Mutex
	realms    tenant.Settings
	passwords map[string]string // of accounts other than Bootstrap
	ring      idp.KeyRing
	closed    map[string]bool // accounts that nobody gets into
	refusals  int             // new passwords that are still to be refused
	down      bool
	unwell    bool
	swallow   bool
	race      func()
	reads     int
	writes    int
}

// NewFakeServer makes a server with a root realm and the given others, in which no
// setting has a value yet.
func NewFakeServer(access idp.Access, realms ...string) *FakeServer {
	s := &FakeServer{Access: access, realms: tenant.Settings{tenant.RootRealm: {}}, passwords: map[string]string{}, closed: map[string]bool{}}
	for _, realm := range realms {
		s.realms[realm] = tenant.RealmSettings{}
	}
	return s
}

// Count gives the requests so far.
func (s *FakeServer) Count() (reads, writes int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.reads, s.writes
}

// Set changes a setting as somebody else would.
func (s *FakeServer) Set(realm string, setting tenant.Setting, value string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.realms[realm][setting] = value
}

// AddRealm makes a realm as somebody else would.
func (s *FakeServer) AddRealm(name string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if name == tenant.RootRealm {
		name = idp.RealmCalledRoot
	}
	s.realms[name] = tenant.RealmSettings{}
}

// Settings are what the server holds.
func (s *FakeServer) Settings() tenant.Settings {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.copied()
}

func (s *FakeServer) copied() tenant.Settings {
	out := tenant.Settings{}
	for realm, settings := range s.realms {
		out[realm] = maps.Clone(settings)
	}
	return out
}

// SetKeys gives the server the keys that it publishes and the one that signs.
func (s *FakeServer) SetKeys(ring idp.KeyRing) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ring = ring
}

func (s *FakeServer) wrote() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.writes++
}

// Down makes the server not answer.
func (s *FakeServer) Down(down bool) { s.set(&s.down, down) }

// Unwell makes it report ill health.
func (s *FakeServer) Unwell(unwell bool) { s.set(&s.unwell, unwell) }

// Swallow makes it accept writes of settings without keeping them.
func (s *FakeServer) Swallow(swallow bool) { s.set(&s.swallow, swallow) }

// RefusePasswords makes it refuse the next new passwords, as rules or a history would.
func (s *FakeServer) RefusePasswords(number int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.refusals = number
}

// Race calls f once, after the next write and before it is read back.
func (s *FakeServer) Race(f func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.race = f
}

func (s *FakeServer) set(field *bool, value bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	*field = value
}

// FakeDriver connects to FakeServers. Everything else is the embedded Driver's, such
// as the rendering of a real product.
type FakeDriver struct {
	idp.Driver
	// Server gives a tenant's server; nil means that none answers yet.
	Server func(want tenant.Spec) *FakeServer
	// Unenforceable are settings that this product cannot enforce, with the reason.
	Unenforceable map[tenant.Setting]string
}

// NotEnforceable implements idp.Driver.
func (d FakeDriver) NotEnforceable(want tenant.Spec) map[string][]string {
	out := map[string][]string{}
	for realm, settings := range want.Settings() {
		for _, setting := range sorted(settings) {
			if reason, ok := d.Unenforceable[setting]; ok {
				out[realm] = append(out[realm], idp.NotEnforced(setting, reason))
			}
		}
	}
	return out
}

// Connect implements idp.Driver.
func (d FakeDriver) Connect(_ context.Context, want tenant.Spec, seen tenant.Facts, access idp.Access) (idp.Admin, error) {
	server := d.Server(want)
	if server == nil {
		return nil, fault.Waiting(idp.ReasonServerUnreachable, "the fake server of %s does not exist", want.Key())
	}
	admin := &FakeAdmin{server: server, driver: d, access: access, version: seen.ServingVersion}
	if err := admin.reach(); err != nil {
		return nil, err
	}
	return admin, nil
}

// Keys implements idp.Driver.
func (d FakeDriver) Keys(want tenant.Spec, access idp.Access) (idp.Keys, error) {
	server := d.Server(want)
	if server == nil {
		return nil, fault.Waiting(idp.ReasonServerUnreachable, "the fake server of %s does not exist", want.Key())
	}
	return fakeKeys{&FakeAdmin{server: server, driver: d, access: access}}, nil
}

// KeyID implements idp.Driver: the embedded Driver's, or one of the fake's own.
func (d FakeDriver) KeyID(certificate *x509.Certificate) (string, error) {
	if d.Driver != nil {
		return d.Driver.KeyID(certificate)
	}
	return "fake-" + certificate.SerialNumber.String(), nil
}

// fakeKeys are a server's that loads keys while it runs.
type fakeKeys struct{ admin *FakeAdmin }

// Observe implements idp.Keys.
func (k fakeKeys) Observe(ctx context.Context) (idp.KeyRing, error) {
	if err := ctx.Err(); err != nil {
		return idp.KeyRing{}, err
	}
	if err := k.admin.reach(); err != nil {
		return idp.KeyRing{}, err
	}
	server := k.admin.server
	server.mutex.Lock()
	defer server.mutex.Unlock()
	return idp.KeyRing{Published: slices.Clone(server.ring.Published), Signing: server.ring.Signing}, nil
}

// Advance implements idp.Keys. The fake takes a ring at once, whatever its waits.
func (k fakeKeys) Advance(ctx context.Context, ring idp.Ring) (idp.Advanced, error) {
	held, err := k.Observe(ctx)
	if err != nil {
		return idp.Advanced{}, err
	}
	var wanted idp.KeyRing
	for _, key := range ring.All() {
		id, err := k.admin.driver.KeyID(key.Certificate)
		if err != nil {
			return idp.Advanced{}, err
		}
		if key.Generation == ring.Current.Generation {
			wanted.Signing = id
		}
		wanted.Published = append(wanted.Published, id)
	}
	slices.Sort(wanted.Published)
	advanced := idp.Advanced{Effect: idp.Live}
	if held.Signing != wanted.Signing || !slices.Equal(held.Published, wanted.Published) {
		k.admin.server.SetKeys(wanted)
		k.admin.server.wrote()
		advanced.Changes = []idp.KeyChange{{Realm: tenant.RootRealm, What: "key " + wanted.Signing + " signs"}}
	}
	return advanced, nil
}

// Close implements idp.Keys.
func (k fakeKeys) Close() error { return nil }

// FakeAdmin speaks to a FakeServer.
type FakeAdmin struct {
	server  *FakeServer
	driver  FakeDriver
	access  idp.Access
	version string
}

var _ idp.Admin = &FakeAdmin{}

// reach fails as a network and TLS would.
func (a *FakeAdmin) reach() error {
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	known := a.server.Access
	switch {
	case a.server.down, known.Address != "" && known.Address != a.access.Address:
		return fault.Waiting(idp.ReasonServerUnreachable, "the fake server does not answer at %s", a.access.Address)
	case known.CA != nil && !bytes.Equal(known.CA, a.access.CA),
		known.ServerName != "" && known.ServerName != a.access.ServerName:
		return fault.Waiting(idp.ReasonServerUnreachable, "the fake server at %s does not prove that it is %s", a.access.Address, a.access.ServerName)
	}
	a.server.reads++
	return nil
}

// login is reach with a password, in front of a write or a read.
func (a *FakeAdmin) login(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.reach(); err != nil {
		return err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	if known := a.server.Access.Bootstrap; known != (idp.UsernamePassword{}) && known != a.access.Bootstrap {
		return fault.Terminal(idp.ReasonServerRefusedLogin, "the fake server refuses the account %q", a.access.Bootstrap.Username)
	}
	return nil
}

// Probe implements idp.Admin.
func (a *FakeAdmin) Probe(ctx context.Context) (idp.Health, error) {
	health := idp.Health{Version: a.version}
	if err := a.login(ctx); err != nil {
		return health, err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	health.Serving, health.LoggedIn = !a.server.unwell, true
	return health, nil
}

// Realms implements idp.Admin.
func (a *FakeAdmin) Realms(ctx context.Context) ([]string, error) {
	if err := a.login(ctx); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(a.server.Settings())), nil
}

// Observe implements idp.Admin.
func (a *FakeAdmin) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	out := tenant.Settings{}
	for _, realm := range realms {
		if err := a.login(ctx); err != nil {
			return nil, err
		}
		settings, ok := a.server.Settings()[realm]
		if !ok {
			return nil, fault.Waiting(idp.ReasonRealmMissing, "realm %s: the fake server has none of this name", realm)
		}
		out[realm] = settings
	}
	return out, nil
}

// Configure implements idp.Admin.
func (a *FakeAdmin) Configure(ctx context.Context, change tenant.Diff) error {
	change = slices.DeleteFunc(slices.Clone(change), func(c tenant.Change) bool { _, ok := a.driver.Unenforceable[c.Setting]; return ok })
	for _, c := range change {
		if !possible(c) {
			return fault.Terminal(idp.ReasonSettingRefused, "realm %s: %s = %q: the fake server cannot hold it", c.Realm, c.Setting, c.To)
		}
	}
	for attempt := 0; ; attempt++ {
		var open tenant.Diff
		for _, c := range change {
			seen, err := a.Observe(ctx, []string{c.Realm})
			if err != nil {
				return err
			}
			if value, ok := seen[c.Realm][c.Setting]; !ok || value != c.To {
				open = append(open, c)
			}
		}
		if len(open) == 0 {
			return nil
		}
		if attempt == 3 {
			return fault.Terminal(idp.ReasonSettingRefused, "realm %s: %s = %q: the fake server did not keep it", open[0].Realm, open[0].Setting, open[0].To)
		}
		a.server.write(open)
	}
}

// write keeps the changes in one request, and lets a race in behind it.
func (s *FakeServer) write(change tenant.Diff) {
	s.mutex.Lock()
	s.writes++
	for _, c := range change {
		if !s.swallow {
			s.realms[c.Realm][c.Setting] = c.To
		}
	}
	race := s.race
	s.race = nil
	s.mutex.Unlock()
	if race != nil {
		race()
	}
}

// EnsureAccounts implements idp.Admin.
func (a *FakeAdmin) EnsureAccounts(ctx context.Context) (changed bool, err error) {
	return a.ensure(ctx, a.access.System, false)
}

// OpenAccount implements idp.Admin.
func (a *FakeAdmin) OpenAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	return a.ensure(ctx, account, true)
}

func (a *FakeAdmin) ensure(ctx context.Context, account idp.UsernamePassword, open bool) (changed bool, err error) {
	if err := a.login(ctx); err != nil {
		return false, err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	if a.server.lets(account) {
		return false, nil
	}
	if err := a.server.take(account); err != nil {
		return false, err
	}
	if open {
		delete(a.server.closed, account.Username)
	}
	if !a.server.lets(account) {
		return true, fault.Terminal(idp.ReasonServerRefusedLogin, "the fake server's account %q is closed", account.Username)
	}
	return true, nil
}

// lets tells whether an account gets in. The mutex is held.
func (s *FakeServer) lets(account idp.UsernamePassword) bool {
	if account.Username == s.Access.Bootstrap.Username {
		return account == s.Access.Bootstrap
	}
	password, known := s.passwords[account.Username]
	return known && password == account.Password && !s.closed[account.Username]
}

// take gives an account a password, or refuses it. The mutex is held.
func (s *FakeServer) take(account idp.UsernamePassword) error {
	s.writes++
	if s.refusals > 0 {
		s.refusals--
		return fault.Terminal(idp.ReasonPasswordRefused, "the fake server does not permit a new password of the account %q", account.Username)
	}
	if account.Username == s.Access.Bootstrap.Username {
		s.Access.Bootstrap = account
		return nil
	}
	s.passwords[account.Username] = account.Password
	return nil
}

// Login implements idp.Admin.
func (a *FakeAdmin) Login(ctx context.Context, account idp.UsernamePassword) (bool, error) {
	if err := errors.Join(ctx.Err(), a.reach()); err != nil {
		return false, err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	return a.server.lets(account), nil
}

// SetPassword implements idp.Admin.
func (a *FakeAdmin) SetPassword(ctx context.Context, account idp.UsernamePassword) error {
	if err := a.login(ctx); err != nil {
		return err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	return a.server.take(account)
}

// CloseAccount implements idp.Admin.
func (a *FakeAdmin) CloseAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	if err := a.login(ctx); err != nil {
		return false, err
	}
	a.server.mutex.Lock()
	defer a.server.mutex.Unlock()
	if _, known := a.server.passwords[account.Username]; !known || a.server.closed[account.Username] {
		return false, nil
	}
	a.server.writes++
	a.server.closed[account.Username] = true
	return true, nil
}

// Close implements idp.Admin.
func (a *FakeAdmin) Close() error { return nil }

var (
	numbers  = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	prefixes = []string{"password.", "lockout.", "recovery.", "registration.", "forcedReset.", "invitation.", "accounts.", "sessions.", "cors.", "clientRegistration.", "assertions.", "tokens.", "events.", "tls.", "headers."}
	switches = []tenant.Setting{
		tenant.RecoveryEmailLink, tenant.RecoveryNotifySuccess, tenant.RecoveryAutoLogin, tenant.ForcedResetLink,
		tenant.RegistrationSelf, tenant.RegistrationLite, tenant.RegistrationConfirmEmail, tenant.RegistrationTellsNames, tenant.RegistrationAutoLogin,
		tenant.Invitation, tenant.AccountsEmailVerified, tenant.AccountsDisabling, tenant.SessionOutlivesPassword,
		tenant.CORSAnyOrigin, tenant.CORSSubdomains, tenant.CORSAnyHeader, tenant.ClientsAuthenticate, tenant.ClientsFAPI, tenant.AssertionReuse,
		tenant.PasswordNotUsername, tenant.PasswordNotCommon, tenant.TokenRefreshOnce, tenant.TLSRequired, tenant.BrowserHeaders,
	}
)

// possible knows the kinds of values: lists of URLs, switches and numbers.
func possible(c tenant.Change) bool {
	switch {
	case c.Setting == tenant.RecoveryCallbacks, c.Setting == tenant.RegistrationCallbacks:
		return !slices.ContainsFunc(strings.Fields(c.To), func(url string) bool { return !strings.HasPrefix(url, "https://") })
	case slices.Contains(switches, c.Setting):
		return c.To == "true" || c.To == "false"
	}
	known := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(string(c.Setting), prefix) })
	return known && numbers.MatchString(c.To)
}
