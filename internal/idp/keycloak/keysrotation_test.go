package keycloak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/keycloaktest"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// short is for how long the clients keep the published keys and hold a token; the waits of the
// ring are longer, as they are for a tenant.
const short = 3 * time.Second

// TestNoClientNoticesARotation takes a realm that is in use over to the operator's keys and moves
// the ring twice, while clients fetch and verify tokens. Every Advance is killed after one write.
// Without the waits of the ring they notice, so that the check can fail.
func TestNoClientNoticesARotation(t *testing.T) {
	s := server(t)
	for name, wait := range map[string]time.Duration{"as it is": short + 2*time.Second, "without waits": 0} {
		t.Run(name, func(t *testing.T) {
			realm := "rotated" + fmt.Sprint(wait.Milliseconds())
			rotated()
			party := newParty(t, s, realm)
			lasts := short
			if wait == 0 {
				lasts = time.Hour // however slow the machine is, somebody has what is gone
			}
			traffic := party.traffic(t, lasts)
			rotate(t, s, realm, wait, traffic)
			traffic.stop()
			if traffic.used < 30 || wait > 0 && len(traffic.signers) != 4 {
				t.Errorf("tokens were used %d times, and %d keys signed; want many, and 4", traffic.used, len(traffic.signers))
			}
			if noticed := wait == 0; (len(traffic.failures) > 0) != noticed {
				t.Errorf("%d failures; want some: %t: %v", len(traffic.failures), noticed, slices.Compact(traffic.failures))
			}
			t.Logf("tokens were used %d times, %d keys signed, %d failures", traffic.used, len(traffic.signers), len(traffic.failures))
		})
	}
}

// rotated are the keys of a ring that moves twice.
var rotated = sync.OnceValue(func() (made []idp.SigningKey) {
	for generation := range 4 {
		key, err := idptest.SigningKey(generation + 1)
		if err != nil {
			panic(err)
		}
		made = append(made, key)
	}
	return made
})

// rotate plays the part of a tenant's passes: each gives the server the ring and looks whether
// it may move.
func rotate(t *testing.T, s *keycloaktest.Server, realm string, wait time.Duration, seen *traffic) {
	t.Helper()
	made := rotated()
	for i := range made {
		id, _ := keycloak.Driver{}.KeyID(made[i].Certificate)
		seen.call(id, fmt.Sprintf("ours %d", i+1))
	}
	ring := idp.Ring{Current: made[0], Next: made[1], Ahead: wait, LongestToken: wait, Now: time.Now,
		Over: func(began time.Time, wait time.Duration) bool { return time.Since(began) >= wait }}
	var published, signing time.Time
	for begin := time.Now(); time.Since(begin) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
		live, again, err := advanceOnce(t, s, realm, ring)
		if err != nil {
			continue // killed
		}
		current, _ := keycloak.Driver{}.KeyID(ring.Current.Certificate)
		next, _ := keycloak.Driver{}.KeyID(ring.Next.Certificate)
		if published.IsZero() && live.Publishes(next) {
			published = time.Now()
		}
		if signing.IsZero() && live.Signing == current {
			signing = time.Now()
		}
		if signing.IsZero() || !again.IsZero() {
			continue // the realm's own key still has its time
		}
		decision := rotation.Decide(rotation.Material{Name: "token-signing", Asked: true, Ring: &rotation.Ring{NextPublished: published, Ahead: wait,
			Previous: ring.Previous != nil, PreviousRetired: signing, LongestToken: wait}}, time.Now())
		if !decision.Due {
			continue
		}
		if ring.Current.Generation == 3 {
			if seen.has(made[2]) {
				return
			}
			continue
		}
		ring.Previous, ring.Current, ring.Next = new(ring.Current), ring.Next, made[ring.Next.Generation]
		published, signing = time.Time{}, time.Time{}
	}
	t.Fatal("the ring did not come to its end")
}

// advanceOnce is one pass, which is killed when it writes twice.
func advanceOnce(t *testing.T, s *keycloaktest.Server, realm string, ring idp.Ring) (live idp.KeyRing, again time.Time, err error) {
	t.Helper()
	var writes atomic.Int64
	access := s.Access(another)
	access.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet && !signsIn(r) && writes.Add(1) > 1 {
				return nil, errors.New("killed")
			}
			return next.RoundTrip(r)
		})
	}
	keys, err := keycloak.Driver{}.Keys(tenant.Spec{Realms: []tenant.Realm{{Name: realm}}}, access)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	advanced, err := keys.Advance(t.Context(), ring)
	if err == nil {
		live, err = keys.Observe(t.Context())
	}
	return live, advanced.Again, err
}

// party is an application of a realm.
type party struct {
	base, realm, secret string
	client              func() *http.Client
}

// newParty makes a realm with an application, so that the realm is one in use.
func newParty(t *testing.T, s *keycloaktest.Server, realm string) *party {
	t.Helper()
	k := newKeeper(t, s)
	if _, err := k.admin.(idp.RealmMaker).EnsureRealms(t.Context(), []string{realm}); err != nil {
		t.Fatal(err)
	}
	p := &party{realm: realm, secret: keystore.GeneratePassword()}
	k.ask(t, http.MethodPost, pathOf(realm)+"/clients", map[string]any{"clientId": "shop", "secret": p.secret, "publicClient": false,
		"serviceAccountsEnabled": true, "standardFlowEnabled": false}, nil)
	p.client = func() *http.Client {
		client, base, err := idp.NewHTTPClient(s.Access(idp.UsernamePassword{}), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		p.base = base
		return client
	}
	p.client()
	return p
}

func (p *party) ask(ctx context.Context, client *http.Client, method, path string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, p.base+"/realms/"+p.realm+"/protocol/openid-connect/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %w", response.Status, body, err)
	}
	return json.Unmarshal(body, into)
}

func (p *party) token(ctx context.Context, client *http.Client) (*jose.JSONWebSignature, error) {
	var answer struct {
		Token string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"shop"}, "client_secret": {p.secret}}
	if err := p.ask(ctx, client, http.MethodPost, "token", form, &answer); err != nil {
		return nil, err
	}
	return jose.ParseSigned(answer.Token, []jose.SignatureAlgorithm{jose.RS256})
}

func (p *party) keys(ctx context.Context, client *http.Client) (set jose.JSONWebKeySet, err error) {
	return set, p.ask(ctx, client, http.MethodGet, "certs", nil, &set)
}

func verify(token *jose.JSONWebSignature, keys jose.JSONWebKeySet) error {
	id := token.Signatures[0].Header.KeyID
	found := keys.Key(id)
	if len(found) == 0 {
		return fmt.Errorf("no published key is %s", id)
	}
	_, err := token.Verify(found[0])
	return err
}

// traffic is what clients met.
type traffic struct {
	mutex    sync.Mutex
	began    time.Time
	names    map[string]string // of keys, for the history
	used     int
	failures []string
	signers  map[string]bool
	history  string
	stop     func()
}

// traffic has three kinds of clients: one fetches a token and the keys each time, one holds a
// token, one keeps the keys. What they did late, on a slow machine, does not count.
func (p *party) traffic(t *testing.T, lasts time.Duration) *traffic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seen := &traffic{began: time.Now(), names: map[string]string{}, signers: map[string]bool{}}
	var group sync.WaitGroup
	seen.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(seen.stop)
	repeat := func(who string, use func(*http.Client) (token *jose.JSONWebSignature, keys jose.JSONWebKeySet, counts bool, err error)) {
		client := p.client()
		group.Go(func() {
			for ctx.Err() == nil {
				token, keys, counts, err := use(client)
				if err == nil {
					err = verify(token, keys)
				}
				if ctx.Err() == nil && counts {
					seen.note(t, who, token, keys, err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	repeat("fresh", func(client *http.Client) (*jose.JSONWebSignature, jose.JSONWebKeySet, bool, error) {
		token, err := p.token(ctx, client)
		keys, also := p.keys(ctx, client)
		return token, keys, true, errors.Join(err, also)
	})
	var held *jose.JSONWebSignature
	var heldSince time.Time
	repeat("holds a token", func(client *http.Client) (*jose.JSONWebSignature, jose.JSONWebKeySet, bool, error) {
		var err error
		if time.Since(heldSince) > lasts {
			heldSince = time.Now()
			held, err = p.token(ctx, client)
		}
		keys, also := p.keys(ctx, client)
		return held, keys, time.Since(heldSince) < lasts, errors.Join(err, also)
	})
	var kept jose.JSONWebKeySet
	var keptSince time.Time
	repeat("keeps the keys", func(client *http.Client) (*jose.JSONWebSignature, jose.JSONWebKeySet, bool, error) {
		var err error
		if time.Since(keptSince) > lasts {
			keptSince = time.Now()
			kept, err = p.keys(ctx, client)
		}
		token, also := p.token(ctx, client)
		return token, kept, time.Since(keptSince) < lasts, errors.Join(err, also)
	})
	return seen
}

func (s *traffic) call(id, name string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.names[id] = name
}

func (s *traffic) has(key idp.SigningKey) bool {
	id, _ := keycloak.Driver{}.KeyID(key.Certificate)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.signers[id]
}

// note counts, and tells what is published and what signed when that changed.
func (s *traffic) note(t *testing.T, who string, token *jose.JSONWebSignature, keys jose.JSONWebKeySet, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.used++
	if err != nil {
		s.failures = append(s.failures, who+": "+err.Error())
		return
	}
	signer := token.Signatures[0].Header.KeyID
	s.signers[signer] = true
	if who != "fresh" {
		return
	}
	var published []string
	for _, key := range keys.Keys {
		if key.Use == "sig" {
			published = append(published, s.name(key.KeyID))
		}
	}
	slices.Sort(published)
	if now := fmt.Sprintf("signs %q, published %q", s.name(signer), published); now != s.history {
		s.history = now
		t.Logf("%6.1f s: %s", time.Since(s.began).Seconds(), now)
	}
}

func (s *traffic) name(id string) string {
	if name, ok := s.names[id]; ok {
		return name
	}
	return "the server's own"
}
