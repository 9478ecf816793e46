package rotation_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

func TestDecide(t *testing.T) {
	const day = 24 * time.Hour
	now := at(t, "2027-04-01T12:00:00Z") // a Thursday; the quarterly run was at 03:00
	quarter := compile(t, rotation.Spec{Cron: quarterly})
	saturday := compile(t, rotation.Spec{Windows: []rotation.Window{window(22*time.Hour, 4*time.Hour, time.Saturday)}})
	suspended := compile(t, rotation.Spec{Cron: quarterly, Suspend: true})
	ring := func(published, retired time.Duration) *rotation.Ring {
		r := &rotation.Ring{Ahead: day, Previous: true, LongestToken: time.Hour}
		if published >= 0 {
			r.NextPublished = now.Add(-published)
		}
		if retired >= 0 {
			r.PreviousRetired = now.Add(-retired)
		}
		return r
	}
	used := now.Add(-40 * day)
	for name, c := range map[string]struct {
		material                    rotation.Material
		reason                      rotation.Reason
		run, nextDue, again, behind string
		says                        []string
	}{
		"no schedule": {rotation.Material{Since: used}, rotation.NotDue, "", "", "", "", []string{"no schedule"}},
		"a year ahead of its end": {rotation.Material{Since: used, NotAfter: now.Add(365 * day)}, rotation.NotDue,
			"", "2028-03-01T12:00:00Z", "2028-03-01T12:00:00Z", "", []string{"due at 2028-03-01T12:00:00Z"}},
		"near its end, no schedule": {rotation.Material{Since: used, NotAfter: now.Add(10 * day)}, rotation.Due,
			"", "2027-03-12T12:00:00Z", "", "2027-03-12T13:00:00Z", []string{"certificate ends at 2027-04-11T12:00:00Z"}},
		"a run to come": {rotation.Material{Schedule: quarter, Since: now.Add(-time.Hour)}, rotation.NotDue,
			"", "2027-07-01T03:00:00Z", "2027-07-01T03:00:00Z", "", []string{"due at 2027-07-01T03:00:00Z"}},
		"nobody knows since when": {rotation.Material{Schedule: quarter}, rotation.NotDue, "", "2027-07-01T03:00:00Z", "2027-07-01T03:00:00Z", "", nil},
		"since a time to come": {rotation.Material{Schedule: quarter, Since: now.Add(365 * day)}, rotation.NotDue,
			"", "2027-07-01T03:00:00Z", "2027-07-01T03:00:00Z", "", nil},
		"a run that passed": {rotation.Material{Schedule: quarter, Since: used}, rotation.Due,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "2027-04-01T04:00:00Z", []string{"due since 2027-04-01T03:00:00Z"}},
		"many runs that passed are one": {rotation.Material{Schedule: quarter, Since: now.Add(-3 * 365 * day)}, rotation.Due,
			"2024-07-01T03:00:00Z", "2024-07-01T03:00:00Z", "", "2024-07-01T04:00:00Z", nil},
		"suspended": {rotation.Material{Schedule: suspended, Since: used}, rotation.Suspended, "", "", "", "", []string{"suspended"}},
		"suspended, and asked for": {rotation.Material{Schedule: suspended, Since: used, Asked: true}, rotation.Due,
			"", "", "", "", []string{"as asked"}},
		"pods are being replaced": {rotation.Material{Schedule: quarter, Since: used, RolloutInFlight: true}, rotation.RolloutInFlight,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "2027-04-01T04:00:00Z", nil},
		"pods are being replaced, and asked for": {rotation.Material{Since: used, RolloutInFlight: true, Asked: true}, rotation.RolloutInFlight, "", "", "", "", nil},
		"the next key is nowhere": {rotation.Material{Schedule: quarter, Since: used, Ring: ring(-1, day)}, rotation.NextNotPublished,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "2027-04-01T04:00:00Z", []string{"every server publishes"}},
		"the next key is new": {rotation.Material{Schedule: quarter, Since: used, Ring: ring(time.Hour, day)}, rotation.NextNotPublished,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "2027-04-02T11:00:00Z", "2027-04-01T04:00:00Z", []string{"2027-04-02T11:00:00Z", "24h"}},
		"the next key is new, and asked for": {rotation.Material{Since: used, Ring: ring(time.Hour, day), Asked: true}, rotation.NextNotPublished,
			"", "", "2027-04-02T11:00:00Z", "", nil},
		"the next key is new, and the current one leaked": {rotation.Material{Since: used, Ring: ring(time.Hour, -1), Asked: true, Verb: rotation.Leaked},
			rotation.Due, "", "", "", "", nil},
		"the next key is nowhere, and the current one leaked": {rotation.Material{Since: used, Ring: ring(-1, day), Asked: true, Verb: rotation.Leaked},
			rotation.NextNotPublished, "", "", "", "", nil},
		"the previous key signs": {rotation.Material{Schedule: quarter, Since: used, Ring: ring(2*day, -1)}, rotation.PreviousNeeded,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "2027-04-01T04:00:00Z", nil},
		"the previous key signed a while ago": {rotation.Material{Schedule: quarter, Since: used, Ring: ring(2*day, time.Minute)}, rotation.PreviousNeeded,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "2027-04-01T12:59:00Z", "2027-04-01T04:00:00Z", []string{"2027-04-01T12:59:00Z"}},
		"the ring has waited": {rotation.Material{Schedule: quarter, Since: used, Ring: ring(day, time.Hour)}, rotation.Due,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "2027-04-01T04:00:00Z", nil},
		"a closed window": {rotation.Material{Schedule: quarter, Maintenance: saturday, Since: used}, rotation.WindowClosed,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "2027-04-03T22:00:00Z", "", []string{"opens at 2027-04-03T22:00:00Z"}},
		"a closed window, and asked for": {rotation.Material{Schedule: quarter, Maintenance: saturday, Since: used, Asked: true}, rotation.Due,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "", nil},
		"a suspended maintenance": {rotation.Material{Schedule: quarter, Maintenance: suspended, Since: used}, rotation.WindowClosed,
			"2027-04-01T03:00:00Z", "2027-04-01T03:00:00Z", "", "", []string{"suspended"}},
		"a window was missed": {rotation.Material{Schedule: quarter, Maintenance: saturday, Since: used.Add(-90 * day)}, rotation.WindowClosed,
			"2027-01-01T03:00:00Z", "2027-01-01T03:00:00Z", "2027-04-03T22:00:00Z", "2027-01-03T02:00:00Z", nil},
		"it ends before the window": {rotation.Material{Maintenance: saturday, Since: used, NotAfter: now.Add(2 * day)}, rotation.Expiring,
			"", "2027-03-04T12:00:00Z", "", "2027-03-07T02:00:00Z", []string{"outside of any window", "ends at 2027-04-03T12:00:00Z", "next one at 2027-04-03T22:00:00Z"}},
		"it ends too soon after the window opens": {rotation.Material{Maintenance: saturday, Since: used, NotAfter: at(t, "2027-04-03T22:30:00Z")}, rotation.Expiring,
			"", "2027-03-04T22:30:00Z", "", "2027-03-07T02:00:00Z", nil},
		"it ends after the window": {rotation.Material{Maintenance: saturday, Since: used, NotAfter: now.Add(3 * day)}, rotation.WindowClosed,
			"", "2027-03-05T12:00:00Z", "2027-04-03T22:00:00Z", "2027-03-07T02:00:00Z", nil},
		"it ends while maintenance is suspended": {rotation.Material{Maintenance: suspended, Since: used, NotAfter: now.Add(2 * day)}, rotation.WindowClosed,
			"", "2027-03-04T12:00:00Z", "2027-04-02T12:00:00Z", "", nil},
		"it ends today while maintenance is suspended": {rotation.Material{Maintenance: suspended, Since: used, NotAfter: now.Add(day)}, rotation.Expiring,
			"", "2027-03-03T12:00:00Z", "", "", []string{"nobody knows when a window opens"}},
		"its ring holds it although it ends": {rotation.Material{Maintenance: saturday, Since: used, NotAfter: now.Add(2 * day), Ring: ring(time.Hour, day)}, rotation.NextNotPublished,
			"", "2027-03-04T12:00:00Z", "2027-04-02T11:00:00Z", "2027-03-07T02:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.material.Name = "token-signing"
			got := rotation.Decide(c.material, now)
			if got.Reason != c.reason || got.Due != (c.reason == rotation.Due || c.reason == rotation.Expiring) {
				t.Errorf("%s (due %v): %s", got.Reason, got.Due, got.Message)
			}
			for field, pair := range map[string][2]string{
				"run": {c.run, got.Token()}, "next due": {c.nextDue, format(got.NextDue)}, "again": {c.again, format(got.Again)}, "overdue since": {c.behind, format(got.Overdue)},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: %q, want %q", field, pair[1], pair[0])
				}
			}
			for _, part := range append(c.says, "token-signing") {
				if !strings.Contains(got.Message, part) {
					t.Errorf("%q does not say %q", got.Message, part)
				}
			}
		})
	}
}

// A message tells times by the clock of the schedule, and a key has its own delay.
func TestDecideInAZoneWithJitter(t *testing.T) {
	now := at(t, "2027-06-01T12:00:00Z")
	s := compile(t, rotation.Spec{Cron: quarterly, TimeZone: "Europe/Berlin", Jitter: time.Hour})
	d := rotation.Decide(rotation.Material{Name: "system", Key: "iam/acme", Schedule: s, Since: now}, now)
	if want := s.Next(now, "iam/acme"); !d.NextDue.Equal(want) || want.Equal(s.Next(now, "")) || !strings.Contains(d.Message, want.Format(time.RFC3339)) || !strings.Contains(d.Message, "+02:00") {
		t.Errorf("%+v, want %s", d, want)
	}
}

// world is a tenant's ring and an administrator, rotated by a manager whose wall clock jumps. Real time is what clients
// live by.
type world struct {
	t                *testing.T
	real, start      time.Time
	offset           time.Duration
	steady           rotation.Steady
	schedule         rotation.Schedule
	moved, changed   time.Time // by the wall
	published        time.Time // by the wall
	movedR, publishR time.Time // in real time
	moves, changes   int
	ahead, longest   time.Duration
	jumps            int
}

func (w *world) wall() time.Time { return w.real.Add(w.offset) }

func (w *world) pass() {
	now := w.wall()
	w.steady.Look(now, w.real.Sub(w.start))
	if w.published.IsZero() {
		w.published, w.publishR = now, w.real
	}
	ring := &rotation.Ring{NextPublished: w.steady.Since(w.published, now), Ahead: w.ahead, Previous: true, PreviousRetired: w.steady.Since(w.moved, now), LongestToken: w.longest}
	if rotation.Decide(rotation.Material{Name: "token-signing", Schedule: w.schedule, Since: w.steady.Came(w.moved, now), Ring: ring}, now).Due {
		if got := w.real.Sub(w.publishR); got < w.ahead {
			w.t.Fatalf("at %s a key signs that was published for %s only", w.real, got)
		}
		if got := w.real.Sub(w.movedR); got < w.longest {
			w.t.Fatalf("at %s a key is forgotten that signed %s ago", w.real, got)
		}
		w.moves++
		w.moved, w.movedR, w.published = now, w.real, time.Time{}
	}
	if rotation.Decide(rotation.Material{Name: "administrator", Schedule: w.schedule, Since: w.steady.Came(w.changed, now)}, now).Due {
		w.changes++
		w.changed = now
	}
}

// Clocks that jump by an hour, a year and backwards, at any time, retire no key early, and rotate each material once for
// each run and jump at most. When the clock is right again, runs come as ever.
func TestClockJumpsMakeNeitherStormNorEarlyRetirement(t *testing.T) {
	const day = 24 * time.Hour
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(7, seed))
		start := at(t, "2026-11-26T06:00:00Z").Add(time.Duration(r.IntN(1000)) * time.Hour)
		w := &world{t: t, real: start, start: start, schedule: compile(t, rotation.Spec{Every: 30 * day}), ahead: day, longest: 8 * time.Hour, moved: start, movedR: start, changed: start}
		for w.real.Sub(start) < 2*365*day {
			w.real = w.real.Add(time.Duration(1+r.IntN(360)) * time.Minute)
			if r.IntN(300) == 0 {
				jump := []time.Duration{time.Hour, 365 * day, -time.Hour, -365 * day, 20 * day, -20 * day}[r.IntN(6)]
				w.offset += jump
				w.jumps++
			}
			w.pass()
		}
		most := 25 + w.jumps // two years of runs, and one for each jump
		if w.moves > most || w.changes > most {
			t.Fatalf("seed %d: %d jumps, and %d and %d rotations, want %d at most", seed, w.jumps, w.moves, w.changes, most)
		}
		w.offset = 0
		moves, changes := w.moves, w.changes
		for quiet := w.real; w.real.Sub(quiet) < 365*day; w.real = w.real.Add(6 * time.Hour) {
			w.pass()
		}
		// One may be missed that lies right before the time that a clock wrote which was ahead.
		if w.moves-moves < 11 || w.moves-moves > 14 || w.changes-changes < 11 || w.changes-changes > 14 {
			t.Fatalf("seed %d: in a year after the clock was right again %d and %d rotations, want one in 30 days", seed, w.moves-moves, w.changes-changes)
		}
	}
}

func TestFeasible(t *testing.T) {
	const hour = time.Hour
	saturday := []rotation.Window{window(22*hour, 4*hour, time.Saturday)}
	nightly := []rotation.Window{window(22*hour, 4*hour)}
	for name, c := range map[string]struct {
		schedule, maintenance rotation.Spec
		overlap               time.Duration
		says                  string
	}{
		"quarterly in a weekly window":          {rotation.Spec{Every: 2160 * hour, Windows: saturday}, rotation.Spec{}, hour, ""},
		"daily in a weekly window":              {rotation.Spec{Every: 24 * hour, Windows: saturday}, rotation.Spec{}, hour, "165h apart or more"},
		"daily, weekly maintenance":             {rotation.Spec{Every: 24 * hour}, rotation.Spec{Windows: saturday}, hour, "runs come 24h apart, but tokens live for 1h and up to 164h pass"},
		"daily in a nightly window":             {rotation.Spec{Every: 24 * hour, Windows: nightly}, rotation.Spec{}, hour, ""},
		"daily, and tokens live for five hours": {rotation.Spec{Every: 24 * hour, Windows: nightly}, rotation.Spec{}, 5 * hour, "tokens live for 5h"},
		"faster than tokens end":                {rotation.Spec{Every: hour}, rotation.Spec{}, 2 * hour, "runs come 1h apart"},
		"a password, daily, weekly windows":     {rotation.Spec{Every: 24 * hour, Windows: saturday}, rotation.Spec{}, 0, "up to 164h pass"},
		"weekly, in one zone that saves daylight": {
			rotation.Spec{Cron: "30 22 * * Sat", TimeZone: "Europe/Berlin", Windows: []rotation.Window{window(22*hour, hour, time.Saturday)}},
			rotation.Spec{TimeZone: "Europe/Berlin", Windows: saturday}, hour, ""},
		"never together": {rotation.Spec{Every: 720 * hour, Windows: saturday}, rotation.Spec{Windows: []rotation.Window{window(12*hour, hour, time.Monday)}}, hour, "never open at the same time"},
		"windows alone":  {rotation.Spec{Windows: saturday}, rotation.Spec{Windows: saturday}, hour, ""},
		"none":           {rotation.Spec{}, rotation.Spec{}, hour, ""},
	} {
		err := rotation.Feasible("spec.keystores.tokenSigning.rotationRef", compile(t, c.schedule), compile(t, c.maintenance), c.overlap, "InvalidSpec")
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (!fault.IsTerminal(err) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "spec.keystores.tokenSigning.rotationRef: ")):
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}
