package rotation

import (
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// overlap is for how long two accounts are good while pods go from one to the other.
const overlap = rolloutTime

// Tenure is the life of an account that somebody makes for a time, and that nobody can
// prolong any further.
type Tenure struct {
	// Key of the jitter, namespace/name of the object that uses the account.
	Key string
	// Ends is when the account ends.
	Ends time.Time
	// Longest is how long such an account lives.
	Longest time.Duration
}

// Lasts refuses accounts that would end before the windows of the maintenance open again and
// all pods have gone on to the next one. field names who names the account, what the accounts.
// Fault: Terminal, with the reason given.
func (t Tenure) Lasts(field, what string, maintenance Schedule, reason string) error {
	gap := maintenance.LongestClosed()
	if needed := gap + overlap + rolloutTime; t.Longest < needed {
		return fault.Terminal(reason, "%s: accounts of %s live for %s, but up to %s pass without an open window of spec.maintenance.rotationRef, "+
			"and the next account is taken %s before: let them live for %s or more, or open windows more often",
			field, what, short(t.Longest), short(gap), short(overlap+rolloutTime), short(needed))
	}
	return nil
}

// Due tells whether the account is exchanged for another one now, and when it will be: in the
// last opening that begins soon enough before its end, as soon as another account would last
// until the opening after that. Where no window has to be waited for it is exchanged somewhat
// before its end, at another time for each key. An account that would end before a window
// opens does not wait for it.
func (t Tenure) Due(now time.Time, maintenance Schedule) (due bool, at time.Time) {
	at = t.at(maintenance)
	if now.Before(at) {
		return false, at
	}
	hold := Hold(now, t.Ends, maintenance)
	return hold.Open || hold.Expiring, at
}

func (t Tenure) at(maintenance Schedule) time.Time {
	latest := t.Ends.Add(-overlap)
	if maintenance.suspend {
		return t.Ends.Add(-min(lastDay, t.Longest/4))
	}
	if len(maintenance.windows) == 0 {
		return latest.Add(-Schedule{jitter: max(0, t.Longest-overlap) / 10}.delay(t.Key))
	}
	// The opening in question lies no further back than windows are closed and open for.
	from := latest.Add(-maintenance.LongestClosed() - longestWindow)
	var start time.Time
	next, _ := maintenance.NextOpening(from)
	for !next.IsZero() && !next.After(latest) {
		start = next
		next, _ = maintenance.NextOpening(next)
	}
	if start.IsZero() { // they never close
		return latest.Add(-Schedule{jitter: max(0, t.Longest-overlap) / 10}.delay(t.Key))
	}
	if lasting := next.Add(overlap - t.Longest); !next.IsZero() && lasting.After(start) {
		start = lasting
	}
	return earlier(start, latest) // then the opening lasts, and the next account is exchanged in it too
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Early is how long before its end a grant is renewed that lasts for ttl: half of it and up to
// a sixth more, another time for each key.
func Early(key string, ttl time.Duration) time.Duration {
	return ttl/2 + Schedule{jitter: ttl / 6}.delay(key)
}
