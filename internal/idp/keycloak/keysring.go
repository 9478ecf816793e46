package keycloak

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

const (
	// signatureAlgorithm is what a realm signs tokens with. Keys of other algorithms, which the
	// server makes by itself when a client asks for one, are not the ring's.
	signatureAlgorithm = "RS256"
	keyProviders       = "org.keycloak.keys.KeyProvider"
	// importedKeys is the provider that takes a private key and a certificate.
	importedKeys = "rsa"
	// ourName begins the name of each key that we imported.
	ourName = "holdfast-token-signing-"
	// abovePriority has the newest key of the ring sign that may. The server gives its own 100.
	abovePriority = 1000
	// Marks of a key say since when it is published and does not sign yet, and since when it was
	// seen to sign no more. They lie in a field that means nothing for keys.
	markPublished = "published "
	markPassive   = "passive "
	// markStopped takes the place of whatever was there before.
	markStopped = "stopped"
)

// ringKey is a key that a realm is to hold.
type ringKey struct {
	idp.SigningKey
	id string
}

func (k ringKey) name() string { return ourName + strconv.Itoa(k.Generation) }

// heldKey is a key that a realm holds for signatures by signatureAlgorithm, or a key of ours
// of which the server makes nothing.
type heldKey struct {
	component component
	id        string
	// enabled keys verify; those that are active too may sign.
	enabled, active bool
}

// component is what a realm keeps of a key, all that we have no word for with it. Secrets are
// masked in it, and a request that has the mask leaves them as they are.
type component map[string]any

const markField = "subType"

func (c component) text(field string) string { text, _ := c[field].(string); return text }

func (h heldKey) ours() bool { return strings.HasPrefix(h.component.text("name"), ourName) }

// since reads a mark; zero: it has none of this kind.
func (h heldKey) since(mark string) time.Time {
	text, ok := strings.CutPrefix(h.component.text(markField), mark)
	at, err := time.Parse(time.RFC3339Nano, text)
	if !ok || err != nil {
		return time.Time{}
	}
	return at
}

// realmKeys is all that decides what is written about the keys of a realm.
type realmKeys struct {
	ring    idp.Ring
	current ringKey
	all     []ringKey // the oldest first
	held    []heldKey
	// unused says that nobody can have a token of the realm: it has no user and no client.
	unused bool
}

// write is one request, by which a realm comes nearer to its ring.
type write struct {
	method string
	// id of the component, empty for one that is made.
	id   string
	body component
	// of is the key that is made.
	of *ringKey
	// what it does, in words; expected when it is what was to come with time.
	what     string
	expected bool
}

// next is the one write that comes next, nil when there is none. Each leaves the realm with a
// key that signs, and with all keys published that signed: after a crash, or with somebody
// else at it, the next look goes on from whatever is there. again is when a wait ends.
func (r realmKeys) next() (w *write, again time.Time) {
	for _, key := range r.all {
		if w := r.present(key); w != nil {
			return w, again
		}
	}
	current := r.holding(r.current.id)[0]
	if !current.active {
		began := current.since(markPublished)
		if began.IsZero() || !r.foreignSigns() || r.ring.Over(began, r.ring.Ahead) {
			return r.put(current, true, "", fmt.Sprintf("key %s of generation %d signs", r.current.id, r.current.Generation)), again
		}
		again = began.Add(r.ring.Ahead)
	}
	for _, key := range r.all {
		held := r.holding(key.id)[0]
		if key.id != r.current.id && (held.active || !held.enabled) {
			return r.put(held, false, "", fmt.Sprintf("key %s of generation %d verifies and does not sign", key.id, key.Generation)), again
		}
	}
	if !current.active {
		return nil, again
	}
	for _, other := range r.others() {
		w, until := r.retire(other)
		if w != nil {
			return w, again
		}
		if !until.IsZero() && (again.IsZero() || until.Before(again)) {
			again = until
		}
	}
	return nil, again
}

// present makes a key of the ring that is missing, and removes one that is there twice.
func (r realmKeys) present(key ringKey) *write {
	held := r.holding(key.id)
	if len(held) > 1 {
		return remove(held[len(held)-1], fmt.Sprintf("key %s is there twice: one is removed", key.id), false)
	}
	if len(held) == 1 {
		return nil
	}
	signs, mark := key.id == r.current.id, ""
	if signs && r.foreignSigns() && !r.unused {
		signs, mark = false, r.mark(markPublished)
	}
	what := "is imported and verifies"
	if signs {
		what = "is imported and signs"
	}
	return &write{
		method: http.MethodPost, of: &key, what: fmt.Sprintf("key %s of generation %d %s", key.id, key.Generation, what),
		body: component{
			"name": key.name(), "providerType": keyProviders, "providerId": importedKeys, markField: mark,
			"config": map[string]any{
				"priority": single(strconv.Itoa(abovePriority + key.Generation)), "algorithm": single(signatureAlgorithm),
				"enabled": single("true"), "active": single(strconv.FormatBool(signs)),
			},
		},
	}
}

// retire has a key that is none of the ring sign no more, and go when no token needs it. One
// that the ring forgot goes at once: the ring has waited for it, or it leaked.
func (r realmKeys) retire(other heldKey) (w *write, until time.Time) {
	began := other.since(markPassive)
	switch {
	case other.ours():
		return remove(other, fmt.Sprintf("key %s, which the ring has forgotten, is removed", other.id), true), until
	case other.active:
		return r.put(other, false, markStopped, fmt.Sprintf("key %s of provider %q, which is not the operator's, signs no more", other.id, idp.Bounded(other.component.text("name")))), until
	case !other.enabled:
		return nil, until
	case began.IsZero():
		return r.put(other, false, r.mark(markPassive), fmt.Sprintf("key %s of provider %q goes when no token needs it", other.id, idp.Bounded(other.component.text("name")))), until
	case r.ring.Over(began, r.ring.LongestToken):
		return remove(other, fmt.Sprintf("key %s of provider %q is removed: no token needs it any more", other.id, idp.Bounded(other.component.text("name"))), true), until
	}
	return nil, began.Add(r.ring.LongestToken)
}

func (r realmKeys) mark(of string) string { return of + r.ring.Now().UTC().Format(time.RFC3339Nano) }

// put changes what a key does. The rest stays, the private key too; the server takes no
// request with a part of a component.
func (r realmKeys) put(held heldKey, signs bool, mark, what string) *write {
	body := maps.Clone(held.component)
	config, _ := body["config"].(map[string]any)
	config = maps.Clone(config)
	if config == nil {
		config = map[string]any{}
	}
	config["enabled"], config["active"] = single("true"), single(strconv.FormatBool(signs))
	body["config"] = config
	if mark != "" {
		body[markField] = mark
	}
	return &write{method: http.MethodPut, id: held.component.text("id"), body: body, what: what}
}

func remove(held heldKey, what string, expected bool) *write {
	return &write{method: http.MethodDelete, id: held.component.text("id"), what: what, expected: expected}
}

// holding are the components of a key, the one to keep first.
func (r realmKeys) holding(id string) (found []heldKey) {
	for _, held := range r.held {
		if held.id == id {
			found = append(found, held)
		}
	}
	slices.SortFunc(found, func(a, b heldKey) int {
		switch {
		case a.active && !b.active:
			return -1
		case b.active && !a.active:
			return 1
		}
		return cmp.Compare(a.component.text("id"), b.component.text("id"))
	})
	return found
}

// others are the keys that are none of the ring.
func (r realmKeys) others() (found []heldKey) {
	for _, held := range r.held {
		if !slices.ContainsFunc(r.all, func(key ringKey) bool { return key.id == held.id }) {
			found = append(found, held)
		}
	}
	return found
}

// foreignSigns tells whether a key that was never ours may sign.
func (r realmKeys) foreignSigns() bool {
	return slices.ContainsFunc(r.others(), func(held heldKey) bool { return held.active && !held.ours() })
}

func single(value string) []string { return []string{value} }
