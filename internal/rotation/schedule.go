package rotation

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Spec is what a RotationSchedule says.
type Spec struct {
	// Cron has five fields and no time zone of its own. Empty: none.
	Cron string
	// Every is the elapsed time from one run to the next. Zero: none.
	Every time.Duration
	// TimeZone is a name of the IANA database, such as Europe/Berlin. Empty: UTC.
	TimeZone string
	Windows  []Window
	// Jitter is the most that a run is moved behind its time.
	Jitter  time.Duration
	Suspend bool
}

// Window opens on each of its days.
type Window struct {
	// Days on which it opens. Empty: each day.
	Days []time.Weekday
	// Start is the local time of the opening, as time since midnight in whole minutes.
	Start time.Duration
	// Duration is elapsed time: a night on which clocks change makes a window end earlier or later by the clock.
	Duration time.Duration
}

// Schedule is a Spec that was found valid. Its zero value has no run, and no window to wait for.
type Schedule struct {
	cron    cron.Schedule // as if there were no daylight saving: wall clocks are its input and output
	every   time.Duration
	zone    *time.Location
	windows []Window
	jitter  time.Duration
	suspend bool
	closed  time.Duration
}

// epoch is what runs of Every are counted from, a Monday. Were they counted from the last run, everything that an outage
// made late would run at once and stay together ever after; counted from here, each goes back to its own time, and
// neither a restart nor a lost status moves it.
var epoch = time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Compile checks a Spec. The error is a Terminal fault with the given reason that names the field and says what to write:
// for an unknown time zone, for a cron that cannot be read or that never comes, and for windows that none of its runs
// ever meets.
func Compile(spec Spec, reason string) (Schedule, error) {
	zone, err := location(spec.TimeZone)
	if err != nil {
		return Schedule{}, fault.Terminal(reason,
			"spec.timeZone: %q is not in the time zone database: write a name such as Europe/Berlin, America/New_York or UTC", spec.TimeZone)
	}
	s := Schedule{every: spec.Every, zone: zone, windows: spec.Windows, jitter: spec.Jitter, suspend: spec.Suspend}
	if spec.Cron != "" {
		if s.cron, err = parse(spec.Cron, reason); err != nil {
			return Schedule{}, err
		}
		if !s.meets() {
			return Schedule{}, fault.Terminal(reason,
				"spec.windows: no run of spec.cron %q ever falls into a window, so that none would be on time: move spec.cron into a window, or write spec.every instead, which waits for the next one", spec.Cron)
		}
	}
	s.closed, _ = LongestClosed(s)
	return s, nil
}

func location(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fault.Terminal("", "the machine's own time zone is not a choice")
	}
	return time.LoadLocation(name)
}

func parse(text, reason string) (cron.Schedule, error) {
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, fault.Terminal(reason,
			"spec.cron: %q cannot be read (%v): write minute, hour, day of the month, month and day of the week (0 to 6, or Sun to Sat), such as \"0 3 1 1,4,7,10 *\"", text, err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok || fields.Minute == 0 || fields.Hour == 0 || fields.Dom == 0 || fields.Month == 0 || fields.Dow == 0 {
		return nil, fault.Terminal(reason, "spec.cron: %q has a field without a number: write * for any", text)
	}
	fields.Location = time.UTC
	if fields.Next(epoch).IsZero() {
		return nil, fault.Terminal(reason, "spec.cron: %q never comes: write a day that its months have", text)
	}
	return fields, nil
}

// The calendar repeats itself after 28 years; a schedule with more runs than mostRuns meets each day of the week sooner.
const (
	calendar = 28 * 365 * 24 * time.Hour
	mostRuns = 12000
)

// meets tells whether any run ever falls into a window. It begins at a fixed time, so that the answer to one spec never
// changes.
func (s Schedule) meets() bool {
	if len(s.windows) == 0 {
		return true
	}
	run := epoch
	for range mostRuns {
		run = s.base(run)
		if run.IsZero() || run.Sub(epoch) > calendar {
			return false
		}
		if s.inWindow(run) {
			return true
		}
		if start, _ := s.nextOpening(run); s.jitter > 0 && !start.IsZero() && !start.After(run.Add(s.jitter)) {
			return true
		}
	}
	return false
}

// Next is the first run after a time, zero when there is none: because of suspend, or because the schedule has windows
// only. Key names what runs, such as namespace/name: each key has a delay of its own within the jitter, the same each
// time. Without a key there is none.
//
// A cron time that daylight saving skips runs when the gap is over, and one that comes twice runs the first time. (The
// cron library leaves out the one, perhaps for a quarter, and runs twice on the other.)
func (s Schedule) Next(after time.Time, key string) time.Time {
	if s.suspend {
		return time.Time{}
	}
	delay := s.delay(key)
	run := s.base(after.Add(-delay))
	if run.IsZero() {
		return run
	}
	return run.Add(delay)
}

// base is Next without jitter and suspend.
func (s Schedule) base(after time.Time) time.Time {
	switch {
	case s.every > 0:
		since := after.Sub(epoch)
		rounds := since / s.every
		if since < 0 && since%s.every != 0 {
			rounds-- // division goes towards zero
		}
		return epoch.Add((rounds + 1) * s.every).In(s.zone)
	case s.cron != nil:
		for clock := wallClock(after.In(s.zone)); ; {
			clock = s.cron.Next(clock)
			if clock.IsZero() {
				return time.Time{}
			}
			if run := instant(clock, s.zone); run.After(after) {
				return run
			}
		}
	}
	return time.Time{}
}

// delay is what a key's runs are moved by, in whole seconds, from zero to the jitter.
func (s Schedule) delay(key string) time.Duration {
	seconds := uint64(s.jitter / time.Second)
	if seconds == 0 || key == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(key))
	return time.Duration(binary.BigEndian.Uint64(sum[:])%(seconds+1)) * time.Second
}

// Runs says whether the schedule has runs at all, suspended or not.
func (s Schedule) Runs() bool { return s.every > 0 || s.cron != nil }

// Suspended says whether runs and windows wait for a person.
func (s Schedule) Suspended() bool { return s.suspend }

// Zone is where the schedule's clock hangs. UTC for the zero value.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// Shortest is the shortest time between two runs, zero when there are none. Of a cron the next thousand runs are looked
// at, from a fixed time on.
func (s Schedule) Shortest() time.Duration {
	if s.cron == nil {
		return s.every
	}
	var gaps []time.Duration
	for run := s.base(sample); len(gaps) < 1000; {
		next := s.base(run)
		if next.IsZero() || next.Sub(sample) > calendar {
			break
		}
		gaps = append(gaps, next.Sub(run))
		run = next
	}
	if len(gaps) == 0 {
		return calendar
	}
	return slices.Min(gaps)
}
