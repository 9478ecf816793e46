package rotation

import (
	"sync"
	"time"
)

// jump is by how much a wall clock has to differ from one that nobody sets before it was put forward or back. Ordinary
// correction stays below it.
const jump = time.Minute

// Steady notices when the wall clock of this machine is put forward or back while the process runs. The waits of a ring
// are for clocks elsewhere: caches of keys have to be read again, and tokens to end, where time went on as ever. A clock
// that was put forward by a year would end them all at once. Its zero value is ready; it is safe for several passes at once.
//
// What happens to the clock while no manager runs, nobody can notice.
type Steady struct {
	mu     sync.Mutex
	began  bool
	offset time.Duration
	base   time.Time
	from   time.Time
}

// Look takes what the wall clock shows, and for how long the process has run by a clock that nobody sets. A pass looks
// before it decides.
func (s *Steady) Look(wall time.Time, up time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wall = wall.Round(0)
	if !s.began {
		s.began, s.base = true, wall.Add(-up)
		s.from = time.Time{}
		return
	}
	offset := wall.Sub(s.base) - up
	if difference := offset - s.offset; difference > jump || difference < -jump {
		s.offset, s.from = offset, wall
	}
}

// Since is from when on a wait is counted for what was seen at a time, by what the clock showed then: not from before it
// was put forward or back, and not from a time to come, which only a clock that was ahead can have shown. Zero stays zero.
func (s *Steady) Since(seen, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case seen.IsZero():
		return seen
	case seen.After(now) && s.from.IsZero():
		return s.base // what this process saw itself counts
	case seen.After(now), seen.Before(s.from):
		return s.from
	}
	return seen
}

// Came is Material.Since for a material that came into use at a time. Only one that lies in the time to come is not taken
// as it is: a clock that was ahead wrote it, and it would keep runs from being due until then. What is past stays: a clock
// that was put forward, or a machine that slept, must not make a run be missed.
func (s *Steady) Came(at, now time.Time) time.Time {
	if at.After(now) {
		return s.Since(at, now)
	}
	return at
}
