package keycloak

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// mostWrites bounds what one Advance does in a realm.
const mostWrites = 40

// Advance implements idp.Keys. A realm that holds what it should costs one GET.
func (k *keys) Advance(ctx context.Context, ring idp.Ring) (idp.Advanced, error) {
	out := idp.Advanced{Effect: idp.Live}
	goal := realmKeys{ring: ring}
	for _, key := range ring.All() {
		id, err := Driver{}.KeyID(key.Certificate)
		if err != nil {
			return out, err
		}
		goal.all = append(goal.all, ringKey{key, id})
		if key.Generation == ring.Current.Generation {
			goal.current = goal.all[len(goal.all)-1]
		}
	}
	for _, realm := range k.realms {
		if err := k.advance(ctx, realm, goal, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (k *keys) advance(ctx context.Context, realm string, goal realmKeys, out *idp.Advanced) error {
	last := ""
	for range mostWrites {
		live, err := k.load(ctx, realm, goal)
		if err != nil {
			return err
		}
		w, again := live.next()
		if w == nil {
			if !again.IsZero() && (out.Again.IsZero() || again.Before(out.Again)) {
				out.Again = again
			}
			return nil
		}
		if w.what == last {
			return keysRefused(realm, w, "the server answered that it took it, and it is not so; look at the keys of the realm")
		}
		if err := k.perform(ctx, realm, w); err != nil {
			return err
		}
		out.Changes = append(out.Changes, idp.KeyChange{Realm: realm, What: w.what, Expected: w.expected})
		last = w.what
	}
	return fault.Terminal(idp.ReasonSettingRefused, "realm %s: its keys are not as they should be after %d writes; look at the keys of the realm", realm, mostWrites)
}

// perform makes one write. A component that is gone meanwhile is left to the next look.
func (k *keys) perform(ctx context.Context, realm string, w *write) error {
	r := call{method: w.method, path: realmPath(realm) + "/components", body: w.body, secret: true}
	if w.id != "" {
		r.path += "/" + url.PathEscape(w.id)
	}
	if w.of != nil {
		private, err := w.of.Private()
		if err != nil {
			return err
		}
		encoded, err := keystore.MarshalPrivateKey(private)
		if err != nil {
			return err
		}
		body := maps.Clone(w.body)
		config := maps.Clone(w.body["config"].(map[string]any))
		config["privateKey"], config["certificate"] = single(string(encoded)), single(string(keystore.EncodeCertificates([]*x509.Certificate{w.of.Certificate})))
		body["config"], r.body = config, body
	}
	if w.method == http.MethodDelete {
		r.body = nil
	}
	err := k.admin.ask(ctx, r)
	if realm == tenant.RootRealm {
		// The key that signed the session may be the one that goes.
		k.admin.renew(ctx)
	}
	var answer *refusal
	switch {
	case isNotFound(err) && w.id != "":
		return nil
	case errors.As(err, &answer) && !fault.Is(err):
		return keysRefused(realm, w, answer.Error()+"; the server's log says why")
	}
	return realmFault(realm, err)
}

func keysRefused(realm string, w *write, why string) error {
	return fault.Terminal(idp.ReasonSettingRefused, "realm %s: it is not so that %s: %s", realm, w.what, why)
}

// listedKeys is what the server tells an administrator of a realm's keys: of all providers,
// whatever their kind.
type listedKeys struct {
	// Active are the keys that sign, by algorithm.
	Active map[string]string `json:"active"`
	Keys   []struct {
		ID        string `json:"kid"`
		Component string `json:"providerId"`
		Status    string `json:"status"`
		Algorithm string `json:"algorithm"`
		Use       string `json:"use"`
	} `json:"keys"`
}

func (k *keys) listed(ctx context.Context, realm string) (listed listedKeys, err error) {
	err = k.admin.ask(ctx, call{method: http.MethodGet, path: realmPath(realm) + "/keys", into: &listed})
	return listed, realmFault(realm, err)
}

// load reads what a realm holds. What the keys are called, and since when they are what they
// are, is asked only when something is not as it should be.
func (k *keys) load(ctx context.Context, realm string, goal realmKeys) (realmKeys, error) {
	listed, err := k.listed(ctx, realm)
	if err != nil {
		return goal, err
	}
	for _, key := range listed.Keys {
		if key.Use == "SIG" && key.Algorithm == signatureAlgorithm {
			goal.held = append(goal.held, heldKey{component: component{"id": key.Component}, id: key.ID, enabled: key.Status != "DISABLED", active: key.Status == "ACTIVE"})
		}
	}
	if goal.settled() {
		return goal, nil
	}
	var components []component
	query := url.Values{"type": {keyProviders}}
	if err := k.admin.ask(ctx, call{method: http.MethodGet, path: realmPath(realm) + "/components?" + query.Encode(), into: &components}); err != nil {
		return goal, realmFault(realm, err)
	}
	for _, c := range components {
		at := slices.IndexFunc(goal.held, func(h heldKey) bool { return h.component.text("id") == c.text("id") })
		switch {
		case at >= 0:
			goal.held[at].component = c
		case strings.HasPrefix(c.text("name"), ourName):
			goal.held = append(goal.held, heldKey{component: c, id: "of " + c.text("name")})
		}
	}
	if len(goal.holding(goal.current.id)) == 0 && goal.foreignSigns() {
		goal.unused, err = k.unused(ctx, realm)
	}
	return goal, err
}

// settled tells that there is nothing to do, by what keys there are alone.
func (r realmKeys) settled() bool {
	for _, held := range r.held {
		at := slices.IndexFunc(r.all, func(key ringKey) bool { return key.id == held.id })
		if at < 0 && held.enabled || at >= 0 && (!held.enabled || held.active != (held.id == r.current.id)) {
			return false
		}
	}
	for _, key := range r.all {
		if len(r.holding(key.id)) != 1 {
			return false
		}
	}
	return true
}

// builtIn are the clients that every realm has.
var builtIn = []string{"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}

// unused tells that a realm has nobody but the operator, and no client but its own: whoever
// keeps published keys keeps none of it.
func (k *keys) unused(ctx context.Context, realm string) (bool, error) {
	const most = 100
	var users []struct{ Username string }
	if err := k.admin.ask(ctx, call{method: http.MethodGet, path: realmPath(realm) + "/users?max=5&briefRepresentation=true", into: &users}); err != nil {
		return false, realmFault(realm, err)
	}
	access := k.admin.access
	for _, user := range users {
		if realm != tenant.RootRealm || !slices.ContainsFunc([]idp.UsernamePassword{access.Bootstrap, access.System, access.First}, func(account idp.UsernamePassword) bool {
			return strings.EqualFold(account.Username, user.Username)
		}) {
			return false, nil
		}
	}
	var clients []struct{ ClientID string }
	if err := k.admin.ask(ctx, call{method: http.MethodGet, path: realmPath(realm) + "/clients?max=100", into: &clients}); err != nil {
		return false, realmFault(realm, err)
	}
	for _, client := range clients {
		ofRealm := realm == tenant.RootRealm && strings.HasSuffix(client.ClientID, "-realm")
		if !ofRealm && !slices.Contains(builtIn, client.ClientID) {
			return false, nil
		}
	}
	return len(clients) < most, nil
}
