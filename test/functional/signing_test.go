package functional

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
	"github.com/holdfast-iam/holdfast/test/player"
)

// relyingParty is an application that uses tokens of the tenant's server, through the load
// balancer in front of its pods.
type relyingParty struct {
	base   string
	client *http.Client
}

func newRelyingParty(t *testing.T, acme *v1alpha1.IdentityTenant) relyingParty {
	t.Helper()
	if err := standin.FileState(serverOf(acme).file).AddApplication("shop", "a secret of the shop's"); err != nil {
		t.Fatal(err)
	}
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(storeOf(t, acme, "tls").Data["tls.crt"])
	host := acme.Name + "." + acme.Namespace + ".svc"
	return relyingParty{"https://" + host + ":9443", &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DialContext: player.Dialer(world.Player.Proxy()), DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: authority, ServerName: host},
		},
	}}
}

// ask sends a request; one that meets a pod that is just ending is sent again, as a load balancer does.
func (r relyingParty) ask(ctx context.Context, build func() (*http.Request, error), into any) error {
	var problem error
	for range 10 {
		request, err := build()
		if err != nil {
			return err
		}
		answer, err := r.client.Do(request.WithContext(ctx))
		if err == nil {
			var body []byte
			body, err = io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err == nil && answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", answer.Status, body)
			}
			if err == nil {
				return json.Unmarshal(body, into)
			}
		}
		if problem = err; ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return problem
}

func (r relyingParty) token(ctx context.Context) (string, error) {
	var answer struct {
		Token string `json:"access_token"`
	}
	err := r.ask(ctx, func() (*http.Request, error) {
		request, err := http.NewRequest(http.MethodPost, r.base+"/oauth2/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
		if err == nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.SetBasicAuth("shop", "a secret of the shop's")
		}
		return request, err
	}, &answer)
	return answer.Token, err
}

func (r relyingParty) keys(ctx context.Context) (set jose.JSONWebKeySet, err error) {
	err = r.ask(ctx, func() (*http.Request, error) { return http.NewRequest(http.MethodGet, r.base+"/oauth2/jwks", nil) }, &set)
	return set, err
}

func verify(token string, keys jose.JSONWebKeySet) error {
	parsed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return err
	}
	id := parsed.Signatures[0].Header.KeyID
	found := keys.Key(id)
	if len(found) == 0 {
		return fmt.Errorf("no published key is %s", id)
	}
	_, err = parsed.Verify(found[0])
	return err
}

// clients use tokens several times a second, and note the failures.
type clients struct {
	mu       sync.Mutex
	used     int
	failures []string
	signers  map[string]bool
}

func (c *clients) note(who, token string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used++
	if err != nil {
		c.failures = append(c.failures, who+": "+err.Error())
	}
	if parsed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256}); err == nil {
		c.signers[parsed.Signatures[0].Header.KeyID] = true
	}
}

// keysSeen counts the keys that signed the tokens so far, also those that did not verify.
func (c *clients) keysSeen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.signers)
}

// traffic has three kinds of clients: one fetches a token and the keys each time, one holds a
// token for as long as tokens live, one keeps the published keys for as long as clients may.
func traffic(t *testing.T, party relyingParty, tokensLive, keysKept time.Duration) (seen *clients, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seen = &clients{signers: map[string]bool{}}
	var group sync.WaitGroup
	repeat := func(who string, use func() (string, error)) {
		group.Go(func() {
			for ctx.Err() == nil {
				token, err := use()
				if ctx.Err() == nil {
					seen.note(who, token, err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(150 * time.Millisecond):
				}
			}
		})
	}
	check := func(token string, problem error, keys jose.JSONWebKeySet, problem2 error) (string, error) {
		if err := errors.Join(problem, problem2); err != nil {
			return token, err
		}
		return token, verify(token, keys)
	}
	repeat("fresh", func() (string, error) {
		token, err := party.token(ctx)
		keys, err2 := party.keys(ctx)
		return check(token, err, keys, err2)
	})
	var held string
	var heldUntil time.Time
	repeat("holds a token", func() (string, error) {
		var err error
		if time.Now().After(heldUntil) {
			held, err = party.token(ctx)
			heldUntil = time.Now().Add(tokensLive)
		}
		keys, err2 := party.keys(ctx)
		return check(held, err, keys, err2)
	})
	var kept jose.JSONWebKeySet
	var keptUntil time.Time
	repeat("keeps the keys", func() (string, error) {
		var err error
		if time.Now().After(keptUntil) {
			kept, err = party.keys(ctx)
			keptUntil = time.Now().Add(keysKept)
		}
		token, err2 := party.token(ctx)
		return check(token, err2, kept, err)
	})
	stop = func() { cancel(); group.Wait() }
	t.Cleanup(stop)
	return seen, stop
}

// Two rotations of the signing key under traffic: nobody notices, and pods are replaced once for
// each. The same with the waits of the ring set to zero is noticed, so the check can fail.
func TestASigningRotationUnderTraffic(t *testing.T) {
	for name, waits := range map[string]identitytenant.RingWaits{
		"as it is": {PublishAhead: 6 * time.Second, LongestToken: 6 * time.Second}, "without waits": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			operated(t, harness.OperatorOptions{Options: operator.Options{RingWaits: &waits, GenerateKey: keystore.GenerateKey}}, ns)
			acme := ready(t, harness.NewTenant(ns, "acme"))
			awaitUpToDate(t, acme)
			lasts := 5 * time.Second
			if waits == (identitytenant.RingWaits{}) {
				lasts = time.Hour // on a slow machine two rotations take longer than the other clients keep anything
			}
			seen, stop := traffic(t, newRelyingParty(t, acme), lasts, lasts)
			appeared := watchPods(t, acme)
			for i, token := range []string{"first", "second"} {
				ask(t, acme, v1alpha1.AnnotationRotate, token+" token-signing")
				await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
					ring := seen.Status.TokenSigning
					return ring != nil && ring.Current == int64(i+2) && ring.NextPublishedSince != nil && ring.CurrentSince != nil
				})
				awaitUpToDate(t, acme)
			}
			testenv.Eventually(t, waitDeadline, func() error {
				if keys := seen.keysSeen(); keys < 3 {
					return fmt.Errorf("%d keys signed, want 3", keys)
				}
				return nil
			})
			stop()
			births := appeared()
			expectRevisions(t, acme, 3)
			if replicas := len(podsOf(t, acme)); len(births) != 2*replicas {
				t.Errorf("%d pods were made for 2 rotations of %d pods", len(births), replicas)
			}
			if len(seen.signers) != 3 {
				t.Errorf("%d keys signed, want 3", len(seen.signers))
			}
			t.Logf("2 rotations in 1 rollout each: tokens were used %d times, %d keys signed, %d failures", seen.used, len(seen.signers), len(seen.failures))
			failed := len(seen.failures) > 0
			if noticed := waits == (identitytenant.RingWaits{}); failed != noticed {
				t.Errorf("%d failures, want some: %t; %v", len(seen.failures), noticed, slices.Compact(seen.failures))
			}
		})
	}
}

// storeOf is the Secret of the current version of one of the tenant's stores.
func storeOf(t *testing.T, acme *v1alpha1.IdentityTenant, role string) *corev1.Secret {
	t.Helper()
	var store v1alpha1.Keystore
	var secret corev1.Secret
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: acme.Name + "-" + role}, &store); err != nil {
		t.Fatal(err)
	}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: store.Status.SecretName}, &secret); err != nil {
		t.Fatal(err)
	}
	return &secret
}
