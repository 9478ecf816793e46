package keycloak_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/keycloaktest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const componentsPath = "/components?type=org.keycloak.keys.KeyProvider"

// theirKey adds a key that somebody else lets sign before all others, and gives its id.
func (k *keeper) theirKey(t *testing.T, realm string) (id string) {
	t.Helper()
	key, err := idptest.SigningKey(1)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := key.Private()
	encoded, err := keystore.MarshalPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	k.ask(t, http.MethodPost, pathOf(realm)+"/components", map[string]any{"name": "theirs", "providerId": "rsa", "providerType": "org.keycloak.keys.KeyProvider",
		"config": map[string]any{"priority": []string{"9999"}, "privateKey": []string{string(encoded)}, "certificate": []string{base64.StdEncoding.EncodeToString(key.Certificate.Raw)}}}, nil)
	id, err = keycloak.Driver{}.KeyID(key.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// component finds the component of a key by its name.
func (k *keeper) component(t *testing.T, realm, name string) map[string]any {
	t.Helper()
	var all []map[string]any
	k.ask(t, http.MethodGet, pathOf(realm)+componentsPath, nil, &all)
	at := slices.IndexFunc(all, func(c map[string]any) bool { return c["name"] == name })
	if at < 0 {
		t.Fatalf("realm %s has no key of the name %s", realm, name)
	}
	return all[at]
}

func liveKeys(t *testing.T, s *keycloaktest.Server) (idp.Keys, *idptest.Counter) {
	t.Helper()
	counter := &idptest.Counter{Ignore: signsIn}
	access := s.Access(another)
	access.WrapTransport = counter.Wrap
	keys, err := keycloak.Driver{}.Keys(tenant.Spec{Realms: []tenant.Realm{{Name: secondRealm}}}, access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	return keys, counter
}

func advanced(t *testing.T, keys idp.Keys, ring idp.Ring) idp.Advanced {
	t.Helper()
	done, err := keys.Advance(t.Context(), ring)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// What somebody does to the keys of a realm is put back and told, and a pass that finds nothing
// asks once for each realm.
func TestKeysAreKept(t *testing.T) {
	s := server(t)
	k := newKeeper(t, s)
	giveRing(t, s)
	keys, counter := liveKeys(t, s)
	wanted, err := keys.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	later := ring()
	later.LongestToken = 15 * time.Minute
	later.Over = func(began time.Time, wait time.Duration) bool { return time.Since(began) >= wait }

	reads, writes := counter.Count()
	if done := advanced(t, keys, later); len(done.Changes) != 0 || !done.Again.IsZero() {
		t.Errorf("at rest: %+v", done)
	}
	if after, wrote := counter.Count(); after-reads != 2 || wrote != writes {
		t.Errorf("at rest two realms are asked %d times, and there are %d writes; want 2 and none", after-reads, wrote-writes)
	}

	theirs := k.theirKey(t, secondRealm)
	if seen, err := keys.Observe(t.Context()); err != nil || seen.Signing != "" {
		t.Fatalf("one realm signs with another key, and %q is seen to sign: %v", seen.Signing, err)
	}
	done := advanced(t, keys, later)
	if len(done.Changes) == 0 || done.Changes[0].Realm != secondRealm || !strings.Contains(done.Changes[0].What, theirs) || done.Changes[0].Expected || done.Again.IsZero() {
		t.Errorf("a foreign key that signs: %+v", done)
	}
	if seen, err := keys.Observe(t.Context()); err != nil || seen.Signing != wanted.Signing {
		t.Errorf("%q signs; want %q: %v", seen.Signing, wanted.Signing, err)
	}
	published := k.component(t, secondRealm, "theirs")
	if published["config"].(map[string]any)["enabled"].([]any)[0] != "true" {
		t.Errorf("the tokens that the foreign key signed are refused at once: %v", published)
	}
	if again := advanced(t, keys, later); len(again.Changes) != 0 {
		t.Errorf("the second time: %+v", again)
	}
	if done := advanced(t, keys, ring()); len(done.Changes) != 1 || !done.Changes[0].Expected {
		t.Errorf("when no token needs it: %+v", done)
	}

	for name, spoil := range map[string]func(current, next map[string]any){
		"a key that is shut": func(current, _ map[string]any) {
			current["config"].(map[string]any)["enabled"] = []string{"false"}
			k.ask(t, http.MethodPut, pathOf(secondRealm)+"/components/"+current["id"].(string), current, nil)
		},
		"a key that signs too early": func(_, next map[string]any) {
			next["config"].(map[string]any)["active"] = []string{"true"}
			k.ask(t, http.MethodPut, pathOf(secondRealm)+"/components/"+next["id"].(string), next, nil)
		},
		"keys that are gone": func(current, next map[string]any) {
			for _, one := range []map[string]any{current, next} {
				k.ask(t, http.MethodDelete, pathOf(secondRealm)+"/components/"+one["id"].(string), nil, nil)
			}
		},
	} {
		spoil(k.component(t, secondRealm, "holdfast-token-signing-1"), k.component(t, secondRealm, "holdfast-token-signing-2"))
		if done := advanced(t, keys, ring()); len(done.Changes) == 0 || done.Changes[0].Realm != secondRealm {
			t.Errorf("%s: %+v", name, done)
		} else {
			t.Logf("%s: %s", name, done.Changes[0].What)
		}
		if seen, err := keys.Observe(t.Context()); err != nil || cmp.Diff(wanted, seen) != "" {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(wanted, seen))
		}
	}
}

// A realm that nobody uses yet signs with the ring at once; one with an application waits.
func TestANewRealmDoesNotWait(t *testing.T) {
	s := server(t)
	k := newKeeper(t, s)
	if _, err := k.admin.(idp.RealmMaker).EnsureRealms(t.Context(), []string{"fresh"}); err != nil {
		t.Fatal(err)
	}
	newParty(t, s, "used")
	waiting := ring()
	waiting.Ahead = time.Hour
	waiting.Over = func(time.Time, time.Duration) bool { return false }
	for realm, atOnce := range map[string]bool{"fresh": true, "used": false} {
		keys, err := keycloak.Driver{}.Keys(tenant.Spec{Realms: []tenant.Realm{{Name: realm}}}, s.Access(another))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = keys.Close() }()
		done := advanced(t, keys, waiting)
		signs := slices.ContainsFunc(done.Changes, func(c idp.KeyChange) bool { return c.Realm == realm && strings.Contains(c.What, "imported and signs") })
		if signs != atOnce || done.Again.IsZero() {
			t.Errorf("%s: %+v; want that it signs at once: %t", realm, done, atOnce)
		}
	}
}

// A key that the server does not take is a fault that names the realm and no secret.
func TestAKeyThatIsNotTaken(t *testing.T) {
	s := server(t)
	newKeeper(t, s)
	giveRing(t, s)
	keys, _ := liveKeys(t, s)
	wrong := ring()
	wrong.Next.Generation = 3
	other, err := idptest.SigningKey(3)
	if err != nil {
		t.Fatal(err)
	}
	wrong.Next.Certificate = other.Certificate // with the private key of another one
	_, err = keys.Advance(t.Context(), wrong)
	if f := fault.Of(err, "none"); !fault.IsTerminal(err) || f.Reason != idp.ReasonSettingRefused || !strings.Contains(err.Error(), "realm ") {
		t.Errorf("%v; want it refused", err)
	}
	if err != nil && strings.Contains(err.Error(), "PRIVATE KEY") {
		t.Errorf("the message quotes the key: %v", err)
	}
	t.Log(err)
	giveRing(t, s)
}
