package idp

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Keys speaks to one running server of a tenant about the keys that sign its tokens, of all
// realms of the tenant and of the root realm. It is safe for one goroutine at a time.
type Keys interface {
	// Observe reads the keys from the live server; it changes nothing. What is published is
	// open to everybody, so it needs no account. Faults: Waiting, reason ServerUnreachable.
	Observe(ctx context.Context) (KeyRing, error)
	// Advance asks the server to hold what ring says. A server that takes keys while it runs
	// is given them, as far as the waits of the ring let it; twice is the same as once. One
	// that does not is left alone. Faults: as Observe; Waiting, reason RealmMissing; Terminal,
	// reason SettingRefused for what the server does not keep, and ServerRefusedLogin.
	Advance(ctx context.Context, ring Ring) (Advanced, error)
	Close() error
}

// KeysHolder is an Admin of a product that takes keys while it runs.
type KeysHolder interface {
	// Keys are those of the tenant's server, by the session of the Admin: each login that is
	// spared cannot meet another one of the same account. They end with the Admin.
	Keys(want tenant.Spec) Keys
}

// Ring is what a server is to hold of the keys that sign tokens. All of them verify; Current
// signs, where one that is none of the ring signed before: when the wait is over.
type Ring struct {
	Current, Next SigningKey
	// Previous is nil when there is none.
	Previous *SigningKey
	// Ahead is for how long Current is published before it signs in the place of a key that is
	// none of the ring, and LongestToken for how long that verifies afterwards. A ring that
	// moves has waited already.
	Ahead, LongestToken time.Duration
	// Now gives the time, and Over tells whether a wait is over that began at a time.
	Now  func() time.Time
	Over func(began time.Time, wait time.Duration) bool
}

// SigningKey is one key of a ring.
type SigningKey struct {
	// Generation is higher the younger the key.
	Generation  int
	Certificate *x509.Certificate
	// Private gives the private key. It is called when the server does not have it.
	Private func() (crypto.Signer, error)
}

// All are the keys of the ring, the oldest first.
func (r Ring) All() []SigningKey {
	all := []SigningKey{r.Current, r.Next}
	if r.Previous != nil {
		all = append(all, *r.Previous)
	}
	slices.SortFunc(all, func(a, b SigningKey) int { return cmp.Compare(a.Generation, b.Generation) })
	return all
}

// Advanced is what became of an Advance.
type Advanced struct {
	Effect Effect
	// Changes are what was written, in order.
	Changes []KeyChange
	// Again is when a wait ends for which the server does not hold all of the ring yet, or holds
	// more than that. Zero: none.
	Again time.Time
}

// KeyChange is one write about the keys of a realm.
type KeyChange struct {
	Realm string
	// What was done, in words.
	What string
	// Expected is set for what was to come with time.
	Expected bool
}

// KeyRing is what a server publishes and what signs, by key id.
type KeyRing struct {
	// Published are the ids of all keys that verify in every realm, sorted, each once.
	Published []string
	// Signing is the id of the key that signs in every realm. A server that tells nobody leaves
	// it empty: what signs is then known from the revision that its pod runs.
	Signing string
}

// Publishes tells whether the key verifies tokens.
func (r KeyRing) Publishes(id string) bool { return slices.Contains(r.Published, id) }

// Effect is how a change comes into force.
type Effect string

// The effects.
const (
	// Live: the server holds the keys, and Observe shows them.
	Live Effect = "Live"
	// NeedsRevision: only pods of another revision will, and nothing was changed.
	NeedsRevision Effect = "NeedsRevision"
)

// KeySet is what a server publishes of its keys (RFC 7517).
type KeySet struct {
	Keys []struct {
		KeyID string `json:"kid"`
		Use   string `json:"use"`
	} `json:"keys"`
}

// Published are the ids of those of its keys that have one, as KeyRing wants them: of all
// uses, or of the one that is given.
func (s KeySet) Published(use string) (ids []string) {
	for _, key := range s.Keys {
		if key.KeyID != "" && (use == "" || key.Use == use) {
			ids = append(ids, key.KeyID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
