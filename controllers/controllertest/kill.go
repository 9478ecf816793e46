package controllertest

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// Write is a write to the API server or to Vault, told apart by what it writes to and not by its place in a run: two runs differ
// in the order of what happens at once.
type Write struct {
	// Target is the method and the path, without what is another in each run.
	Target string
	// Nth of the same target, from 1.
	Nth int
}

// Kill ends a manager's life, as far as the world can see it, at one of its writes: from then on nothing that it sends arrives.
// A nil Kill lets everything through.
type Kill struct {
	// At is the write; the zero value never comes, and so only counts.
	At Write
	// Count is the number of writes after which it comes, when there is no At; 0: never.
	Count int
	// After lets the write itself be done, and loses its answer.
	After bool

	when   func(*http.Request) bool
	mu     sync.Mutex
	writes []Write
	dead   chan struct{}
}

var errDead = errors.New("the manager was killed")

// NewKill makes a Kill.
func NewKill(at Write, after bool) *Kill {
	return &Kill{At: at, After: after, dead: make(chan struct{})}
}

// NewKillAfter makes a Kill that comes with the nth write, whatever that is.
func NewKillAfter(nth int, after bool) *Kill {
	return &Kill{Count: nth, After: after, dead: make(chan struct{})}
}

// NewKillWhen makes a Kill that comes with the first request that is as asked, be it a write or not.
func NewKillWhen(after bool, when func(*http.Request) bool) *Kill {
	return &Kill{After: after, when: when, dead: make(chan struct{})}
}

// Dead is closed at the kill.
func (k *Kill) Dead() <-chan struct{} { return k.dead }

// Writes lists the writes so far, the one of the kill included.
func (k *Kill) Writes() []Write {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Write(nil), k.writes...)
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

func (k *Kill) count(where string, r *http.Request, isWrite bool) (dead, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.dead:
		return true, false
	default:
	}
	if k.when != nil && k.when(r) {
		close(k.dead)
		return false, true
	}
	if !isWrite {
		return false, false
	}
	write := Write{Target: where + r.Method + " " + withoutChance(r.URL.Path), Nth: 1}
	for _, earlier := range k.writes {
		if earlier.Target == write.Target {
			write.Nth++
		}
	}
	k.writes = append(k.writes, write)
	if write == k.At || k.Count > 0 && len(k.writes) == k.Count {
		close(k.dead)
		return false, true
	}
	return false, false
}

var (
	namespaceInPath = regexp.MustCompile(`test-[a-z0-9]{5}`)
	digestInPath    = regexp.MustCompile(`-[0-9a-f]{10}$`)
)

func withoutChance(path string) string {
	path = namespaceInPath.ReplaceAllString(path, "NAMESPACE")
	return digestInPath.ReplaceAllString(strings.TrimSuffix(path, "/"), "-DIGEST")
}
