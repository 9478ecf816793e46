package rotation

import (
	"time"
)

// sample is where a year begins that stands for all: what weeks look like does not hang on the clock of the machine.
var sample = time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)

// Together is the first time, at or after a time, at which every schedule is open, and the end of that opening: zero when
// it does not end within a year. It is not ok when they do not open together within a year.
//
// A material's rotation waits for the windows of its own schedule and for those of the tenant's maintenance.
func Together(at time.Time, all ...Schedule) (start, end time.Time, ok bool) {
	for start = at; start.Sub(at) < horizon; {
		later := start
		for _, s := range all {
			if s.Open(later) {
				continue
			}
			next, _ := s.NextOpening(later)
			if next.IsZero() {
				return time.Time{}, time.Time{}, false
			}
			later = next
		}
		if later.Equal(start) {
			return start, ends(start, all), true
		}
		start = later
	}
	return time.Time{}, time.Time{}, false
}

// ends is the first end of what is open at a time.
func ends(at time.Time, all []Schedule) (first time.Time) {
	for _, s := range all {
		if len(s.windows) == 0 {
			continue
		}
		if end := s.closes(at); !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}

// LongestClosed is the longest time for which the schedules are not open together, suspended or not. It is not ok when
// they never are.
func LongestClosed(all ...Schedule) (longest time.Duration, ok bool) {
	resumed := make([]Schedule, len(all))
	windows := false
	for i, s := range all {
		s.suspend = false
		resumed[i], windows = s, windows || len(s.windows) > 0
	}
	if !windows {
		return 0, true
	}
	// A month in winter and one in summer tell it, but for the hour that clocks are put back. Clocks of two zones have to
	// be watched for a year.
	months, weeks := []int{0, 6}, 4
	if !oneZone(resumed) {
		months, weeks = []int{0}, 53
	}
	for _, month := range months {
		from := sample.AddDate(0, month, 0)
		_, end, ok := Together(from, resumed...)
		if !ok {
			return 0, false
		}
		for !end.IsZero() && end.Sub(from) < time.Duration(weeks)*longestWindow {
			start, next, ok := Together(end, resumed...)
			if !ok {
				break
			}
			longest = max(longest, start.Sub(end))
			end = next
		}
	}
	var saving time.Duration
	for _, s := range resumed {
		if len(s.windows) > 0 {
			saving = max(saving, s.saving())
		}
	}
	return longest + saving, true
}

// oneZone tells whether all that have windows go by the same clock.
func oneZone(all []Schedule) bool {
	zones := map[string]bool{}
	for _, s := range all {
		if len(s.windows) > 0 {
			zones[s.zone.String()] = true
		}
	}
	return len(zones) == 1
}

// saving is by how much the zone's clocks are put forward and back within a year.
func (s Schedule) saving() time.Duration {
	low, high := offset(sample, s.zone), offset(sample, s.zone)
	for month := range 12 {
		at := offset(sample.AddDate(0, month, 0), s.zone)
		low, high = min(low, at), max(high, at)
	}
	return high - low
}
