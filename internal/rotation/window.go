package rotation

import (
	"cmp"
	"slices"
	"time"
)

// opening of a single window.
type opening struct{ start, end time.Time }

const (
	// longestWindow is the API's bound on a window.
	longestWindow = 7 * 24 * time.Hour
	// horizon is how far ahead openings are looked for. What is open for longer never closes.
	horizon = 400 * 24 * time.Hour
)

// Open tells whether at lies in a window. Without windows it is always open. A suspended schedule is closed: nothing may
// happen until it is resumed.
func (s Schedule) Open(at time.Time) bool {
	return !s.suspend && (len(s.windows) == 0 || s.inWindow(at))
}

func (s Schedule) inWindow(at time.Time) bool {
	for _, o := range s.begun(at) {
		if o.end.After(at) {
			return true
		}
	}
	return false
}

// Opening is the opening in which at lies; windows that touch or overlap make one. Zero when at lies in none, and an end
// of zero when it does not close within a year.
func (s Schedule) Opening(at time.Time) (start, end time.Time) {
	if len(s.windows) == 0 || !s.Open(at) {
		return time.Time{}, time.Time{}
	}
	start = at
	for at.Sub(start) < horizon {
		earlier := start
		for _, o := range s.begun(start) {
			if !o.end.Before(start) && o.start.Before(earlier) {
				earlier = o.start
			}
		}
		if earlier.Equal(start) {
			break
		}
		start = earlier
	}
	return start.In(s.zone), s.closes(at)
}

// NextOpening is the first opening that begins after a time, zero when there is none: without windows, when they leave no
// gap, and while the schedule is suspended. An end of zero: it does not close within a year.
func (s Schedule) NextOpening(after time.Time) (start, end time.Time) {
	if s.suspend {
		return time.Time{}, time.Time{}
	}
	return s.nextOpening(after)
}

func (s Schedule) nextOpening(after time.Time) (start, end time.Time) {
	if len(s.windows) == 0 {
		return time.Time{}, time.Time{}
	}
	clock := wallClock(after.In(s.zone))
	for day := 0; day*24 < int(horizon/time.Hour); day++ {
		for _, o := range s.onDay(clock, day) {
			if o.start.After(after) && !s.reaches(o.start) {
				return o.start, s.closes(o.start)
			}
		}
	}
	return time.Time{}, time.Time{}
}

// reaches tells whether a window that began before at is open until then or longer.
func (s Schedule) reaches(at time.Time) bool {
	for _, o := range s.begun(at) {
		if o.start.Before(at) && !o.end.Before(at) {
			return true
		}
	}
	return false
}

// closes is when no window is open any more, zero when that is not within a year.
func (s Schedule) closes(at time.Time) time.Time {
	for end := at; end.Sub(at) < horizon; {
		later := end
		for _, o := range s.begun(end) {
			if o.end.After(later) {
				later = o.end
			}
		}
		if later.Equal(end) {
			return end
		}
		end = later
	}
	return time.Time{}
}

// begun lists the openings that began at a time or so shortly before that they may last until then.
func (s Schedule) begun(at time.Time) (all []opening) {
	clock := wallClock(at.In(s.zone))
	for day := -int(longestWindow/(24*time.Hour)) - 1; day <= 0; day++ {
		for _, o := range s.onDay(clock, day) {
			if !o.start.After(at) {
				all = append(all, o)
			}
		}
	}
	return all
}

// onDay lists what opens on the day that lies so many days after that of clock, by start.
func (s Schedule) onDay(clock time.Time, days int) (all []opening) {
	midnight := time.Date(clock.Year(), clock.Month(), clock.Day()+days, 0, 0, 0, 0, time.UTC)
	for _, w := range s.windows {
		if len(w.Days) == 0 || slices.Contains(w.Days, midnight.Weekday()) {
			start := instant(midnight.Add(w.Start), s.zone)
			all = append(all, opening{start, start.Add(w.Duration)})
		}
	}
	slices.SortFunc(all, func(a, b opening) int {
		return cmp.Or(a.start.Compare(b.start), a.end.Compare(b.end))
	})
	return all
}

// LongestClosed is the longest time for which no window is open, with the hour that daylight saving may add; zero without
// windows. It does not count for how long a schedule is suspended.
func (s Schedule) LongestClosed() time.Duration { return s.closed }
