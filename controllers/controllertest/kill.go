package controllertest

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// Kill ends a manager's life, as far as the world can see it, at one of its writes to the API server or to Vault: from then on
// nothing that it sends arrives. A nil Kill lets everything through.
type Kill struct {
	// At counts the writes from 1; 0 never kills, and only counts.
	At int
	// After lets the write itself be done, and loses its answer.
	After bool

	mu     sync.Mutex
	writes []string
	dead   chan struct{}
}

var errDead = errors.New("the manager was killed")

// NewKill makes a Kill.
func NewKill(at int, after bool) *Kill { return &Kill{At: at, After: after, dead: make(chan struct{})} }

// Dead is closed at the kill.
func (k *Kill) Dead() <-chan struct{} { return k.dead }

// Writes lists the writes so far, the one of the kill included.
func (k *Kill) Writes() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.writes...)
}

// WrapAPI stands before the API server. What leaves nothing behind is no write.
func (k *Kill) WrapAPI(next http.RoundTripper) http.RoundTripper {
	return k.wrap(next, "", func(r *http.Request) bool { return r.Method != http.MethodGet && !leavesNothing(r.URL.Path) })
}

// WrapVault stands before Vault. A login counts as a write.
func (k *Kill) WrapVault(next http.RoundTripper) http.RoundTripper {
	return k.wrap(next, "Vault ", func(r *http.Request) bool {
		return r.Method == http.MethodPut || r.Method == http.MethodPost || r.Method == http.MethodDelete
	})
}

func (k *Kill) wrap(next http.RoundTripper, where string, isWrite func(*http.Request) bool) http.RoundTripper {
	if k == nil {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		dead, now := k.count(where, r, isWrite(r))
		if dead || now && !k.After {
			return nil, errDead
		}
		answer, err := next.RoundTrip(r)
		if now && err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			return nil, errDead
		}
		return answer, err
	})
}

func (k *Kill) count(where string, r *http.Request, write bool) (dead, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.dead:
		return true, false
	default:
	}
	if !write {
		return false, false
	}
	k.writes = append(k.writes, where+r.Method+" "+r.URL.Path)
	if len(k.writes) == k.At {
		close(k.dead)
		return false, true
	}
	return false, false
}
