package rotation

import "time"

// wallClock is what a clock on the wall shows, as a time in UTC, where every day has 24 hours.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when the clocks of a zone show clock. What they show twice is the first time; what they skip is the moment
// at which they do. time.Date leaves open which it takes.
func instant(clock time.Time, zone *time.Location) time.Time {
	before, after := offset(clock.AddDate(0, 0, -1), zone), offset(clock.AddDate(0, 0, 1), zone)
	first, second := clock.Add(-before).In(zone), clock.Add(-after).In(zone)
	if second.Before(first) {
		first, second = second, first
	}
	for _, t := range []time.Time{first, second} {
		if wallClock(t).Equal(clock) {
			return t
		}
	}
	change, _ := second.ZoneBounds()
	return change
}

// offset of a zone from UTC.
func offset(at time.Time, zone *time.Location) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
