package rotation_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/rotation"
)

func window(start, duration time.Duration, days ...time.Weekday) rotation.Window {
	return rotation.Window{Days: days, Start: start, Duration: duration}
}

func TestOpenings(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		zone              string
		windows           []rotation.Window
		after, start, end string
	}{
		"past midnight":             {"", []rotation.Window{window(22*hour, 4*hour, time.Saturday)}, "2026-11-26T06:00:00Z", "2026-11-28T22:00:00Z", "2026-11-29T02:00:00Z"},
		"inside comes the next one": {"", []rotation.Window{window(22*hour, 4*hour, time.Saturday)}, "2026-11-28T23:00:00Z", "2026-12-05T22:00:00Z", "2026-12-06T02:00:00Z"},
		"adjacent windows are one":  {"", []rotation.Window{window(22*hour, 2*hour, time.Saturday), window(0, 3*hour, time.Sunday)}, "2026-11-26T06:00:00Z", "2026-11-28T22:00:00Z", "2026-11-29T03:00:00Z"},
		"and not two":               {"", []rotation.Window{window(22*hour, 2*hour, time.Saturday), window(0, 3*hour, time.Sunday)}, "2026-11-28T23:00:00Z", "2026-12-05T22:00:00Z", "2026-12-06T03:00:00Z"},
		"overlapping windows":       {"", []rotation.Window{window(22*hour, 4*hour, time.Saturday), window(23*hour, hour), window(1*hour, 5*hour, time.Sunday)}, "2026-11-28T12:00:00Z", "2026-11-28T22:00:00Z", "2026-11-29T06:00:00Z"},
		"a start that is skipped":   {"Europe/Berlin", []rotation.Window{window(2*hour+30*time.Minute, hour, time.Sunday)}, "2027-03-27T12:00:00Z", "2027-03-28T03:00:00+02:00", "2027-03-28T04:00:00+02:00"},
		"a start that comes twice":  {"Europe/Berlin", []rotation.Window{window(2*hour+30*time.Minute, hour, time.Sunday)}, "2027-10-30T12:00:00Z", "2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00"},
		"elapsed time in spring":    {"Europe/Berlin", []rotation.Window{window(22*hour, 8*hour, time.Saturday)}, "2027-03-27T12:00:00Z", "2027-03-27T22:00:00+01:00", "2027-03-28T07:00:00+02:00"},
		"elapsed time in autumn":    {"Europe/Berlin", []rotation.Window{window(22*hour, 8*hour, time.Saturday)}, "2027-10-30T12:00:00Z", "2027-10-30T22:00:00+02:00", "2027-10-31T05:00:00+01:00"},
		"a week that has no gap":    {"", []rotation.Window{window(3*hour, 168*hour, time.Monday)}, "2026-11-26T06:00:00Z", "", ""},
		"no windows":                {"", nil, "2026-11-26T06:00:00Z", "", ""},
	} {
		s := compile(t, rotation.Spec{TimeZone: c.zone, Windows: c.windows})
		start, end := s.NextOpening(at(t, c.after))
		if format(start) != c.start || format(end) != c.end {
			t.Errorf("%s: %s to %s, want %s to %s", name, format(start), format(end), c.start, c.end)
		}
	}
}

func format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Openings agree with Open, asked minute by minute, in weeks with and without a change of clocks.
func TestOpeningsAgreeWithEachMinute(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		zone := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"}[r.IntN(4)]
		spec := rotation.Spec{TimeZone: zone}
		for range 1 + r.IntN(4) {
			w := window(time.Duration(r.IntN(48))*30*time.Minute, time.Duration(1+r.IntN(60))*15*time.Minute)
			for day := range time.Weekday(7) {
				if r.IntN(3) == 0 {
					w.Days = append(w.Days, day)
				}
			}
			spec.Windows = append(spec.Windows, w)
		}
		s := compile(t, spec)
		now := at(t, "2027-01-01T00:00:00Z").Add(time.Duration(r.IntN(370*24*60)) * time.Minute)
		start, end := s.NextOpening(now)
		wasOpen, from, to := s.Open(now), time.Time{}, time.Time{}
		closed, longest := now, time.Duration(0)
		for minute := now.Add(time.Minute); to.IsZero(); minute = minute.Add(time.Minute) {
			open := s.Open(minute)
			if open && !wasOpen {
				from, longest = minute, minute.Sub(closed)
			}
			if !open && wasOpen {
				closed = minute
				if !from.IsZero() {
					to = minute
				}
			}
			wasOpen = open
		}
		if !start.Equal(from) || !end.Equal(to) {
			t.Fatalf("%+v after %s: %s to %s; minute by minute it is open from %s to %s", spec, now, start, end, from, to)
		}
		if longest > s.LongestClosed() {
			t.Fatalf("%+v: closed for %s before %s, longer than %s", spec, longest, from, s.LongestClosed())
		}
		middle := start.Add(end.Sub(start) / 2)
		if a, b := s.Opening(middle); !a.Equal(start) || !b.Equal(end) {
			t.Fatalf("%+v: %s lies in %s to %s, want %s to %s", spec, middle, a, b, start, end)
		}
		if a, _ := s.Opening(end); !a.IsZero() {
			t.Fatalf("%+v: an opening at its end", spec)
		}
	}
}

func TestLongestClosed(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		want time.Duration
		spec rotation.Spec
	}{
		"none":                    {0, rotation.Spec{}},
		"weekly":                  {164 * hour, rotation.Spec{Windows: []rotation.Window{window(22*hour, 4*hour, time.Saturday)}}},
		"weekly, clocks change":   {165 * hour, rotation.Spec{TimeZone: "Europe/Berlin", Windows: []rotation.Window{window(22*hour, 4*hour, time.Saturday)}}},
		"nightly but at weekends": {68 * hour, rotation.Spec{Windows: []rotation.Window{window(22*hour, 4*hour, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)}}},
		"suspended is not closed": {20 * hour, rotation.Spec{Suspend: true, Windows: []rotation.Window{window(22*hour, 4*hour)}}},
		"always open":             {0, rotation.Spec{Windows: []rotation.Window{window(0, 24*hour)}}},
	} {
		if got := compile(t, c.spec).LongestClosed(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTogether(t *testing.T) {
	const hour = time.Hour
	saturday := compile(t, rotation.Spec{Windows: []rotation.Window{window(22*hour, 4*hour, time.Saturday)}})
	sunday := compile(t, rotation.Spec{TimeZone: "Europe/Berlin", Windows: []rotation.Window{window(1*hour, 6*hour, time.Sunday)}})
	monday := compile(t, rotation.Spec{Windows: []rotation.Window{window(1*hour, 6*hour, time.Monday)}})
	now := at(t, "2026-11-26T06:00:00Z")
	start, end, ok := rotation.Together(now, saturday, sunday, rotation.Schedule{})
	if !ok || !start.Equal(at(t, "2026-11-29T00:00:00Z")) || !end.Equal(at(t, "2026-11-29T02:00:00Z")) {
		t.Errorf("%s to %s, %v", start, end, ok)
	}
	if gap, ok := rotation.LongestClosed(saturday, sunday); !ok || gap < 166*hour || gap > 167*hour {
		t.Errorf("closed for %s, %v", gap, ok)
	}
	if _, _, ok := rotation.Together(now, saturday, monday); ok {
		t.Error("windows on two days open together")
	}
	if _, ok := rotation.LongestClosed(saturday, monday); ok {
		t.Error("windows on two days have a longest gap")
	}
	if start, _, ok := rotation.Together(now, rotation.Schedule{}, rotation.Schedule{}); !ok || !start.Equal(now) {
		t.Error("without windows it is open now")
	}
}
