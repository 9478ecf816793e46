package rotation

import "time"

// lastDay is when a certificate waits no longer for windows of which nobody knows when they open.
const lastDay = 24 * time.Hour

// Held says whether something that waits for windows may happen now.
type Held struct {
	// Open says that it may.
	Open bool
	// Expiring says that it does not wait: a certificate would end before the next opening.
	Expiring bool
	// Next is when windows open next. Zero: they are open, or nobody knows, because a schedule is suspended.
	Next time.Time
	// Until is when to look again: at the next opening or, while nobody knows it, when a certificate has only a day left.
	// While open it is when the windows close, zero when they do not within a year.
	Until time.Time
}

// Hold says whether what waits for the windows of all schedules may happen now. notAfter is when the certificate ends that
// it would replace; zero: none does. One that would end before the windows open, or sooner than an hour after that, does
// not wait for them; where nobody knows when they open, it waits until a day before it ends.
func Hold(now, notAfter time.Time, all ...Schedule) Held {
	start, end, ok := Together(now, all...)
	if ok && !start.After(now) {
		return Held{Open: true, Until: end}
	}
	var held Held
	if ok {
		held.Next, held.Until = start, start
	}
	if notAfter.IsZero() {
		return held
	}
	if ok {
		held.Expiring = start.Add(rolloutTime).After(notAfter)
		return held
	}
	held.Until = notAfter.Add(-lastDay)
	if held.Expiring = !held.Until.After(now); held.Expiring {
		held.Until = time.Time{}
	}
	return held
}

// Before says, of a certificate that is expiring, which opening comes too late, by the clock of a zone.
func (h Held) Before(zone *time.Location) string {
	if h.Next.IsZero() {
		return "and nobody knows when a window opens"
	}
	return "and no window opens in time before, the next one at " + h.Next.In(zone).Format(time.RFC3339)
}
