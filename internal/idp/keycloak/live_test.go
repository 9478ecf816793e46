package keycloak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/keycloaktest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// administrator is the account that the operator manages, another the one of somebody else
// who may do as much.
var (
	administrator = idp.UsernamePassword{Username: "holdfast-administrator", Password: "Aa1-" + keystore.GeneratePassword()}
	another       = idp.UsernamePassword{Username: "another", Password: "Aa1-" + keystore.GeneratePassword()}
)

// live is one server for all tests of this package.
var live struct {
	once   sync.Once
	server *keycloaktest.Server
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if live.server != nil && live.server.Keycloak != nil {
		live.server.Close()
	}
	os.Exit(code)
}

// server gives the live server. Its first account has made another administrator.
func server(t *testing.T) *keycloaktest.Server {
	t.Helper()
	live.once.Do(func() {
		if live.server, live.err = keycloaktest.Start(context.Background(), os.Stderr); live.err != nil {
			return
		}
		live.err = makeAnother(live.server)
	})
	if live.err != nil {
		t.Fatal(live.err)
	}
	return live.server
}

// makeAnother has the first account make another, which it does not outlive.
func makeAnother(s *keycloaktest.Server) error {
	access := s.Access(another)
	access.First = s.First
	admin, err := keycloak.Driver{}.Connect(context.Background(), tenant.Spec{}, tenant.Facts{}, access)
	if err != nil {
		return err
	}
	_, err = admin.EnsureAccounts(context.Background())
	return err
}

func connect(t *testing.T, access idp.Access) idp.Admin {
	t.Helper()
	admin, err := keycloak.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

// keeper is another administrator, who gives the server back what it had.
type keeper struct {
	server *keycloaktest.Server
	admin  idp.Admin
	realms map[string]map[string]any
}

func newKeeper(t *testing.T, s *keycloaktest.Server) *keeper {
	t.Helper()
	k := &keeper{server: s, admin: connect(t, s.Access(another)), realms: map[string]map[string]any{}}
	if _, err := k.admin.(idp.RealmMaker).EnsureRealms(t.Context(), []string{secondRealm}); err != nil {
		t.Fatal(err)
	}
	for _, realm := range []string{tenant.RootRealm, secondRealm} {
		var live map[string]any
		k.ask(t, http.MethodGet, pathOf(realm), nil, &live)
		if _, ok := live["passwordPolicy"]; !ok {
			live["passwordPolicy"] = ""
		}
		k.realms[realm] = live
		t.Cleanup(func() { k.put(t, realm, live) })
	}
	return k
}

// restore gives back the settings and the accounts.
func (k *keeper) restore(t *testing.T) {
	t.Helper()
	for realm, settings := range k.realms {
		k.put(t, realm, settings)
	}
	var users []struct{ ID, Username string }
	k.ask(t, http.MethodGet, "/admin/realms/master/users", nil, &users)
	for _, user := range users {
		if user.Username != another.Username {
			k.ask(t, http.MethodDelete, "/admin/realms/master/users/"+user.ID, nil, nil)
		}
	}
	k.makeAdministrator(t, administrator)
}

// addRealm makes a realm that goes with the test.
func (k *keeper) addRealm(t *testing.T, name string) {
	t.Helper()
	k.ask(t, http.MethodPost, "/admin/realms", map[string]any{"realm": name, "enabled": true}, nil)
	t.Cleanup(func() { k.ask(t, http.MethodDelete, "/admin/realms/"+url.PathEscape(name), nil, nil) })
}

// makeAdministrator makes an account that may do everything.
func (k *keeper) makeAdministrator(t *testing.T, account idp.UsernamePassword) {
	t.Helper()
	k.ask(t, http.MethodPost, "/admin/realms/master/users", map[string]any{"username": account.Username, "enabled": true, "emailVerified": true,
		"credentials": []any{map[string]any{"type": "password", "value": account.Password}}}, nil)
	var users []struct{ ID string }
	k.ask(t, http.MethodGet, "/admin/realms/master/users?exact=true&username="+account.Username, nil, &users)
	var role map[string]any
	k.ask(t, http.MethodGet, "/admin/realms/master/roles/admin", nil, &role)
	k.ask(t, http.MethodPost, "/admin/realms/master/users/"+users[0].ID+"/role-mappings/realm", []any{role}, nil)
}

func pathOf(realm string) string {
	if realm == tenant.RootRealm {
		realm = "master"
	}
	return "/admin/realms/" + realm
}

func (k *keeper) put(t *testing.T, realm string, settings map[string]any) {
	t.Helper()
	k.ask(t, http.MethodPut, pathOf(realm), settings, nil)
}

// ask speaks to the server past the driver.
func (k *keeper) ask(t *testing.T, method, path string, body, into any) {
	t.Helper()
	client, base, err := idp.NewHTTPClient(k.server.Access(another), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	signIn, err := client.PostForm(base+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {another.Username}, "password": {another.Password}})
	if err != nil {
		t.Fatal(err)
	}
	defer signIn.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(signIn.Body).Decode(&token); err != nil || token.Access == "" {
		t.Fatalf("%s signs in for %s %s: %s %v", another.Username, method, path, signIn.Status, err)
	}
	var encoded bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&encoded).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	// A case that has ended still has its server to restore.
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, base+path, &encoded)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Access)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, path, response.Status, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheFirstAccountMakesTheAdministratorAndGoes(t *testing.T) {
	s := server(t)
	k := newKeeper(t, s)
	k.restore(t)
	access := s.Access(idp.UsernamePassword{Username: "second-administrator", Password: "Bb2-" + keystore.GeneratePassword()})
	access.First = administrator // as a first account that made nobody yet
	admin := connect(t, access)
	if changed, err := admin.EnsureAccounts(t.Context()); err != nil || !changed {
		t.Fatalf("changed %t, %v", changed, err)
	}
	if in, err := admin.Login(t.Context(), access.First); in || err != nil {
		t.Errorf("the first account signs in: %t, %v", in, err)
	}
	if health, err := admin.Probe(t.Context()); err != nil || health != (idp.Health{Version: keycloaktest.Version, Serving: true, LoggedIn: true}) {
		t.Errorf("%+v, %v", health, err)
	}
	if changed, err := admin.EnsureAccounts(t.Context()); err != nil || changed {
		t.Errorf("the second time: changed %t, %v", changed, err)
	}
	k.makeAdministrator(t, administrator) // one that was left behind
	if changed, err := admin.EnsureAccounts(t.Context()); err != nil || !changed {
		t.Errorf("with a first account left: changed %t, %v", changed, err)
	}
	if in, err := admin.Login(t.Context(), access.First); in || err != nil {
		t.Errorf("the first account that was left signs in: %t, %v", in, err)
	}
}

// TestAPolicyRefuses has the server itself say what is declared.
func TestAPolicyRefuses(t *testing.T) {
	s := server(t)
	k := newKeeper(t, s)
	k.restore(t)
	admin := connect(t, s.Access(administrator))
	if err := admin.Configure(t.Context(), tenant.Compare(tenant.Settings{tenant.RootRealm: hardened}, nil)); err != nil {
		t.Fatal(err)
	}
	person := idp.UsernamePassword{Username: "Jane-Doe-1990-Oslo", Password: "Correct-Horse-7-staple"}
	if _, err := admin.OpenAccount(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ password, rule string }{
		{"Sh0rt-one", "MinLength"}, {"no-capital-letter-7", "MinUpperCase"}, {"No-digit-in-this-one", "MinDigits"}, {"NoSpecialCharacter7", "MinSpecialChars"},
		{"Jane-Doe-1990-Oslo", "NotUsername"}, {"Password-2024", "Blacklisted"}, {person.Password, "History"},
		{"Aaa-four-in-a-rowwww-7", "RegexPattern"}, {"Aa1-Aa1-Aa1-Aa1", "RegexPattern"},
	} {
		err := admin.SetPassword(t.Context(), idp.UsernamePassword{Username: person.Username, Password: c.password})
		if f := fault.Of(err, "none"); f.Reason != idp.ReasonPasswordRefused || !strings.Contains(err.Error(), c.rule) || c.password != person.Username && strings.Contains(err.Error(), c.password) {
			t.Errorf("%s: %v; want it refused by the rule %s", c.password, err, c.rule)
		}
	}
	if in, err := admin.Login(t.Context(), person); !in || err != nil {
		t.Errorf("the password that was good: %t, %v", in, err)
	}
	for range 6 {
		_, _ = admin.Login(t.Context(), idp.UsernamePassword{Username: person.Username, Password: "Wrong-password-1"})
	}
	if in, err := admin.Login(t.Context(), person); in || err != nil {
		t.Errorf("after more failures than permitted the right password signs in: %t, %v", in, err)
	}
}

// What nobody declares stays, also where the server keeps it in one text with what is.
func TestWhatNobodyDeclaresStays(t *testing.T) {
	s := server(t)
	k := newKeeper(t, s)
	k.restore(t)
	k.put(t, secondRealm, map[string]any{"passwordPolicy": "hashIterations(5) and length(8) and notEmail(undefined) and regexPattern([a-z].*)",
		"displayName": "Theirs", "eventsListeners": []string{"jboss-logging", "email"}})
	admin := connect(t, s.Access(administrator))
	want := tenant.Settings{secondRealm: hardened}
	if err := admin.Configure(t.Context(), tenant.Compare(want, nil)); err != nil {
		t.Fatal(err)
	}
	var live map[string]any
	k.ask(t, http.MethodGet, pathOf(secondRealm), nil, &live)
	policy := strings.Split(live["passwordPolicy"].(string), " and ")
	for _, kept := range []string{"hashIterations(5)", "notEmail(undefined)"} {
		if !slices.Contains(policy, kept) {
			t.Errorf("%s is gone: %v", kept, policy)
		}
	}
	if !slices.ContainsFunc(policy, func(rule string) bool {
		return strings.HasPrefix(rule, "regexPattern(") && strings.HasSuffix(rule, "[a-z].*)")
	}) {
		t.Errorf("somebody's expression is gone: %v", policy)
	}
	if live["displayName"] != "Theirs" || !slices.Contains(live["eventsListeners"].([]any), any("jboss-logging")) {
		t.Errorf("display name %v, listeners %v", live["displayName"], live["eventsListeners"])
	}
	k.put(t, secondRealm, map[string]any{"passwordPolicy": "length(4)"}) // by hand
	seen, err := admin.Observe(t.Context(), []string{secondRealm})
	if err != nil {
		t.Fatal(err)
	}
	drift := tenant.Compare(want, seen)
	if !slices.ContainsFunc(drift, func(c tenant.Change) bool {
		return c.Setting == tenant.PasswordMinLength && c.From == "4" && c.To == "12"
	}) {
		t.Errorf("drift is %v", drift)
	}
	if err := admin.Configure(t.Context(), drift); err != nil {
		t.Fatal(err)
	}
	if seen, err = admin.Observe(t.Context(), []string{secondRealm}); err != nil || len(tenant.Compare(want, seen)) != 0 {
		t.Errorf("after it was put back: %v, %v", tenant.Compare(want, seen), err)
	}
}
