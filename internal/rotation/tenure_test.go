package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// For three years accounts are exchanged in windows only, each one an hour or more before its
// end, and none as soon as it was taken.
func TestAccountsAreExchangedInWindows(t *testing.T) {
	week := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	for name, c := range map[string]struct {
		zone    string
		windows []rotation.Window
		longest time.Duration
		most    int // exchanges in three years
	}{
		"always":                             {"UTC", nil, 768 * time.Hour, 38},
		"always, with the shortest accounts": {"UTC", nil, 2 * time.Hour, 28800},
		"nightly":                            {"Europe/Berlin", []rotation.Window{{Start: 2 * time.Hour, Duration: 2 * time.Hour}}, 768 * time.Hour, 36},
		"nightly, for accounts of 26 hours":  {"Europe/Berlin", []rotation.Window{{Start: 2 * time.Hour, Duration: 2 * time.Hour}}, 26 * time.Hour, 1100},
		"on Sundays, a month":                {"America/New_York", []rotation.Window{{Days: []time.Weekday{time.Sunday}, Start: time.Hour, Duration: 4 * time.Hour}}, 720 * time.Hour, 40},
		"on Sundays, the shortest accounts":  {"America/New_York", []rotation.Window{{Days: []time.Weekday{time.Sunday}, Start: time.Hour, Duration: 4 * time.Hour}}, 167 * time.Hour, 320},
		"in the week, all day":               {"Asia/Kolkata", []rotation.Window{{Days: week, Duration: 24 * time.Hour}}, 100 * time.Hour, 400},
		"all the time, by windows":           {"UTC", []rotation.Window{{Duration: 24 * time.Hour}}, 100 * time.Hour, 300},
	} {
		t.Run(name, func(t *testing.T) {
			schedule := compile(t, rotation.Spec{TimeZone: c.zone, Windows: c.windows})
			taken := time.Date(2027, time.March, 1, 9, 0, 0, 0, time.UTC)
			first, exchanges := taken, 0
			for taken.Sub(first) < 3*365*24*time.Hour {
				tenure := rotation.Tenure{Key: "iam/acme", Longest: c.longest, Ends: taken.Add(c.longest)}
				if err := tenure.Lasts("f", "r", schedule, "Refused"); err != nil {
					t.Fatal(err)
				}
				due, at := tenure.Due(taken, schedule)
				if due || !at.After(taken) {
					t.Fatalf("taken at %s, an account is due as soon as that: %s", taken, at)
				}
				if early, _ := tenure.Due(at.Add(-time.Second), schedule); early {
					t.Fatalf("due before %s", at)
				}
				if due, _ = tenure.Due(at, schedule); !due || !schedule.Open(at) {
					t.Fatalf("taken at %s, at %s: due %t, in a window %t", taken, at, due, schedule.Open(at))
				}
				if left := tenure.Ends.Sub(at); left < time.Hour {
					t.Fatalf("the account of %s is exchanged %s before its end", taken, left)
				}
				if _, end := schedule.Opening(at); !end.IsZero() && end.Sub(at) < time.Hour {
					t.Fatalf("the account of %s is exchanged %s before the window closes", taken, end.Sub(at))
				}
				taken = at
				exchanges++
			}
			if exchanges > c.most {
				t.Errorf("%d exchanges in three years, want %d at most", exchanges, c.most)
			}
		})
	}
}

func TestAccountsThatWouldEndTooSoon(t *testing.T) {
	now := time.Date(2027, time.June, 7, 12, 0, 0, 0, time.UTC) // a Monday
	sundays := compile(t, rotation.Spec{Windows: []rotation.Window{{Days: []time.Weekday{time.Sunday}, Start: time.Hour, Duration: 4 * time.Hour}}})
	short := rotation.Tenure{Longest: 24 * time.Hour, Ends: now.Add(24 * time.Hour)}
	err := short.Lasts("spec.database.x", "database/acme", sundays, "Refused")
	if err == nil || !strings.Contains(err.Error(), "spec.database.x: accounts of database/acme live for 24h") || !strings.Contains(err.Error(), "166h") {
		t.Errorf("refused as %v", err)
	}
	// One that cannot wait any more does not.
	if due, _ := short.Due(short.Ends.Add(-time.Hour), sundays); !due {
		t.Error("an account that ends before the next window waits for it")
	}
	for _, suspended := range []time.Duration{8 * time.Hour, 720 * time.Hour} {
		schedule := compile(t, rotation.Spec{Suspend: true, Windows: []rotation.Window{{Duration: time.Hour}}})
		tenure := rotation.Tenure{Longest: suspended, Ends: now.Add(suspended)}
		if due, at := tenure.Due(now, schedule); due || !at.After(now) {
			t.Errorf("%s: while nobody knows when a window opens, an account is due at once", suspended)
		}
		if due, _ := tenure.Due(tenure.Ends.Add(-time.Hour), schedule); !due {
			t.Errorf("%s: while nobody knows when a window opens, an account is left to end", suspended)
		}
	}
	times := map[time.Time]bool{}
	for i := range 100 {
		_, at := rotation.Tenure{Key: fmt.Sprintf("iam/acme-%d", i), Longest: 768 * time.Hour, Ends: now.Add(768 * time.Hour)}.Due(now, rotation.Schedule{})
		times[at] = true
	}
	if len(times) < 90 {
		t.Errorf("a hundred accounts taken at once are exchanged at %d times", len(times))
	}
}
