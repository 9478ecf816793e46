package rotation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // as in the programs: a machine without time zones runs these tests too

	"github.com/robfig/cron/v3"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

func compile(t testing.TB, spec rotation.Spec) rotation.Schedule {
	t.Helper()
	s, err := rotation.Compile(spec, "InvalidSpec")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

const quarterly = "0 3 1 1,4,7,10 *"

// The cron library is the judge, in zones whose clocks change in different months and at different hours.
func TestFiveYearsOfAQuarterlyCron(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney"} {
		s := compile(t, rotation.Spec{Cron: quarterly, TimeZone: zone})
		judge, err := cron.ParseStandard("CRON_TZ=" + zone + " " + quarterly)
		if err != nil {
			t.Fatal(err)
		}
		now := at(t, "2026-11-26T06:00:00Z")
		end, offsets := now.AddDate(5, 0, 0), map[int]bool{}
		runs := 0
		for ; ; runs++ {
			got, want := s.Next(now, ""), judge.Next(now)
			if !got.Equal(want) {
				t.Fatalf("%s: after %s comes %s, the cron library says %s", zone, now, got, want)
			}
			if got.After(end) {
				break
			}
			_, offset := got.Zone()
			offsets[offset] = true
			now = got
		}
		if runs != 20 || len(offsets) != 2 {
			t.Errorf("%s: %d runs at %d offsets from UTC, want 20 at 2", zone, runs, len(offsets))
		}
	}
}

// The judge goes by the same clocks on every day of five years, but for the hours that a change of clocks skips or
// repeats: there it loses a run or has one twice.
func TestEachDayOfFiveYearsWithoutTheHoursOfAChange(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney"} {
		lost, twice := 0, 0
		for _, text := range []string{"30 2 * * *", "15 1 * * *", "0 0 * * *", "45 23 * * 1-5"} {
			s := compile(t, rotation.Spec{Cron: text, TimeZone: zone})
			judge, err := cron.ParseStandard("CRON_TZ=" + zone + " " + text)
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := map[string]string{}, map[string]string{}
			begin := at(t, "2026-11-26T06:00:00Z")
			for now := s.Next(begin, ""); now.Before(begin.AddDate(5, 0, 0)); now = s.Next(now, "") {
				if ours[now.Format(time.DateOnly)] != "" {
					t.Errorf("%s %s: two runs on %s", zone, text, now.Format(time.DateOnly))
				}
				ours[now.Format(time.DateOnly)] = now.UTC().String()
			}
			for now := judge.Next(begin.In(s.Zone())); now.Before(begin.AddDate(5, 0, 0)); now = judge.Next(now) {
				if theirs[now.Format(time.DateOnly)] != "" {
					twice++
					continue
				}
				theirs[now.Format(time.DateOnly)] = now.UTC().String()
			}
			for day, run := range ours {
				switch theirs[day] {
				case "":
					lost++
				case run:
				default:
					t.Errorf("%s %s: %s, the cron library says %s", zone, text, run, theirs[day])
				}
			}
		}
		if lost != 5 || twice != 5 {
			t.Errorf("%s: the cron library lost %d runs and had %d twice, want 5 each, one a year", zone, lost, twice)
		}
	}
}

func TestRunsWhenClocksChange(t *testing.T) {
	for name, c := range map[string]struct{ cron, zone, after, next, then string }{
		"the time is skipped":           {"30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"},
		"two times are skipped":         {"10,50 2 * * *", "Europe/Berlin", "2027-03-28T00:59:00Z", "2027-03-28T03:00:00+02:00", "2027-03-29T02:10:00+02:00"},
		"the time comes twice":          {"30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", "2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"},
		"a quarter is not lost":         {"30 2 1 1,4,7,10 *", "Australia/Sydney", "2028-09-01T00:00:00Z", "2028-10-01T03:00:00+11:00", "2029-01-01T02:30:00+11:00"},
		"midnight is skipped":           {"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		"asked in the repeated hour":    {"30 2 * * *", "Europe/Berlin", "2027-10-31T01:10:00Z", "2027-11-01T02:30:00+01:00", "2027-11-02T02:30:00+01:00"},
		"half an hour of saving, twice": {"45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", "2027-04-04T01:45:00+11:00", "2027-04-05T01:45:00+10:30"},
		"a day that no calendar had":    {"0 12 30 12 *", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"},
	} {
		s := compile(t, rotation.Spec{Cron: c.cron, TimeZone: c.zone})
		next := s.Next(at(t, c.after), "")
		then := s.Next(next, "")
		if got, want := next.Format(time.RFC3339)+" "+then.Format(time.RFC3339), c.next+" "+c.then; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Whatever restarts, and whenever, the runs stay where they are.
func TestEveryIsCountedFromAFixedTime(t *testing.T) {
	s := compile(t, rotation.Spec{Every: 168 * time.Hour, Jitter: 6 * time.Hour})
	first := s.Next(at(t, "2026-11-26T06:00:00Z"), "")
	if want := at(t, "2026-11-30T00:00:00Z"); !first.Equal(want) {
		t.Errorf("the first run is %s, want Monday %s", first, want)
	}
	r := rand.New(rand.NewPCG(1, 2))
	spread := map[time.Duration]int{}
	for i := range 1000 {
		key := fmt.Sprintf("iam/store-%d", i)
		asked := first.Add(-time.Duration(r.Int64N(int64(160 * time.Hour)))) // each comes back at another time
		run := s.Next(asked, key)
		delay := run.Sub(first)
		if delay < 0 || delay > 6*time.Hour || run != s.Next(asked, key) {
			t.Fatalf("%s runs at %s, %s after the run of all", key, run, delay)
		}
		if next := s.Next(run, key); next.Sub(run) != 168*time.Hour {
			t.Fatalf("%s runs again after %s", key, next.Sub(run))
		}
		spread[delay/time.Hour]++
	}
	for hour := range time.Duration(6) {
		if spread[hour] < 100 {
			t.Errorf("%d of 1000 run in hour %d: they are bunched", spread[hour], hour)
		}
	}
	if early := s.Next(at(t, "1999-12-31T12:00:00Z"), ""); !early.Equal(at(t, "2000-01-03T00:00:00Z")) {
		t.Errorf("before the epoch it runs at %s", early)
	}
}

func TestWhatHasNoRun(t *testing.T) {
	now := at(t, "2026-11-26T06:00:00Z")
	nightly := []rotation.Window{{Start: 22 * time.Hour, Duration: 4 * time.Hour}}
	for name, s := range map[string]rotation.Schedule{
		"the zero schedule": {},
		"windows only":      compile(t, rotation.Spec{Windows: nightly}),
		"suspended":         compile(t, rotation.Spec{Cron: quarterly, Suspend: true}),
		"suspended every":   compile(t, rotation.Spec{Every: time.Hour, Suspend: true}),
	} {
		if next := s.Next(now, "iam/acme"); !next.IsZero() {
			t.Errorf("%s runs at %s", name, next)
		}
	}
	if s := compile(t, rotation.Spec{Windows: nightly, Suspend: true}); s.Open(at(t, "2026-11-26T23:00:00Z")) {
		t.Error("a suspended schedule is open")
	}
	if !(rotation.Schedule{}).Open(now) {
		t.Error("the zero schedule is closed")
	}
}

func TestRefusedSchedules(t *testing.T) {
	saturday := []rotation.Window{{Days: []time.Weekday{time.Saturday}, Start: 22 * time.Hour, Duration: 4 * time.Hour}}
	for name, c := range map[string]struct {
		spec rotation.Spec
		says string
	}{
		"a zone of fantasy":               {rotation.Spec{Cron: quarterly, TimeZone: "Europe/Atlantis"}, `spec.timeZone: "Europe/Atlantis" is not in the time zone database`},
		"the machine's zone":              {rotation.Spec{Cron: quarterly, TimeZone: "Local"}, "spec.timeZone"},
		"a zone that climbs":              {rotation.Spec{Cron: quarterly, TimeZone: "../../etc/passwd"}, "spec.timeZone"},
		"an hour that no day has":         {rotation.Spec{Cron: "0 24 * * *"}, "spec.cron"},
		"six fields":                      {rotation.Spec{Cron: "0 0 3 * * *"}, "write minute, hour"},
		"an empty list":                   {rotation.Spec{Cron: ", 3 * * *"}, "a field without a number"},
		"a day that no month has":         {rotation.Spec{Cron: "0 3 31 2,4,6 *"}, "never comes"},
		"a window on another day":         {rotation.Spec{Cron: "0 3 * * 1", Windows: saturday}, "no run of spec.cron"},
		"a window at another hour":        {rotation.Spec{Cron: quarterly, Windows: saturday}, "no run of spec.cron"},
		"a window that jitter misses too": {rotation.Spec{Cron: "0 3 * * 6", Jitter: time.Hour, Windows: saturday}, "no run of spec.cron"},
	} {
		_, err := rotation.Compile(c.spec, "InvalidSpec")
		if !fault.IsTerminal(err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, c.says)
		}
	}
	for name, spec := range map[string]rotation.Spec{
		"a run in the window":               {Cron: "30 22 * * 6", Windows: saturday},
		"a run after the window's midnight": {Cron: "30 1 * * 0", Windows: saturday},
		"a run that seldom meets it":        {Cron: "0 23 1 1 *", Windows: saturday},
		"a run that jitter moves into it":   {Cron: "0 21 * * 6", Jitter: 2 * time.Hour, Windows: saturday},
		"every, which waits":                {Every: 24 * time.Hour, Windows: saturday},
	} {
		if _, err := rotation.Compile(spec, "InvalidSpec"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShortest(t *testing.T) {
	for want, spec := range map[time.Duration]rotation.Spec{
		0:                     {},
		90 * 24 * time.Hour:   {Cron: quarterly},
		36 * time.Hour:        {Every: 36 * time.Hour},
		24 * time.Hour:        {Cron: "0 3 1,2 * *"},
		23 * time.Hour:        {Cron: "0 4 * * *", TimeZone: "Europe/Berlin"}, // the day that loses an hour
		1461 * 24 * time.Hour: {Cron: "0 3 29 2 *"},
	} {
		if got := compile(t, spec).Shortest(); got != want {
			t.Errorf("%+v: %s, want %s", spec, got, want)
		}
	}
}

func TestRunsAreInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	specs := []rotation.Spec{{Cron: "*/20 1-3 * * *", TimeZone: "Europe/Berlin", Jitter: 90 * time.Minute}, {Every: 36 * time.Hour, Jitter: time.Hour}}
	for _, spec := range specs {
		s := compile(t, spec)
		for range 300 {
			now := at(t, "2027-01-01T00:00:00Z").Add(time.Duration(r.Int64N(int64(366 * 24 * time.Hour))))
			times := []time.Time{now, now.Add(time.Duration(r.Int64N(int64(48 * time.Hour))))}
			for i, now := range times {
				times[i] = s.Next(now, "iam/acme")
				if !times[i].After(now) {
					t.Fatalf("%+v: after %s comes %s", spec, now, times[i])
				}
			}
			if !slices.IsSortedFunc(times, time.Time.Compare) {
				t.Fatalf("%+v: a later question has an earlier answer", spec)
			}
		}
	}
}
