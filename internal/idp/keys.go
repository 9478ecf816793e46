package idp

import (
	"context"
	"slices"
)

// Keys speaks to one running server of a tenant about the keys that sign its tokens. What
// it asks is open to everybody, so it needs no account. It is safe for one goroutine at
// a time.
type Keys interface {
	// Observe reads the keys from the live server; it changes nothing. Faults: Waiting,
	// reason ServerUnreachable.
	Observe(ctx context.Context) (KeyRing, error)
	// Advance asks the server to hold what ring says. Live means that it does, and that
	// Observe shows it; NeedsRevision that only pods of another revision will, and that
	// nothing was changed. Faults: as Observe.
	Advance(ctx context.Context, ring KeyRing) (Effect, error)
	Close() error
}

// KeyRing is what a server publishes and what signs, by key id.
type KeyRing struct {
	// Published are the ids of all keys that verify, sorted, each once.
	Published []string
	// Signing is the id of the key that signs. A server that tells nobody leaves it
	// empty: what signs is then known from the revision that its pod runs.
	Signing string
}

// Publishes tells whether the key verifies tokens.
func (r KeyRing) Publishes(id string) bool { return slices.Contains(r.Published, id) }

// Effect is how a change comes into force.
type Effect string

// The effects.
const (
	Live          Effect = "Live"
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
