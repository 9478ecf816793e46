package rotation

import (
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Feasible refuses a schedule whose runs come faster than they can happen: a signing key's ring moves only when tokens of
// the longest lifetime have ended, and then only in a window. overlap is that lifetime, or zero for what has no ring. field
// names who names the schedule. Fault: Terminal, with the reason given.
func Feasible(field string, schedule, maintenance Schedule, overlap time.Duration, reason string) error {
	if schedule.cron != nil && oneZone([]Schedule{schedule.withWindows(), maintenance}) {
		// Clocks that change move its runs and all windows alike: what they make shorter is not what they make longer.
		schedule.zone, maintenance.zone = time.UTC, time.UTC
	}
	gap, ok := LongestClosed(schedule, maintenance)
	if !ok {
		return fault.Terminal(reason, "%s: its windows and those of spec.maintenance.rotationRef are never open at the same time: let them overlap", field)
	}
	shortest := schedule.Shortest()
	if shortest == 0 || shortest >= overlap+gap {
		return nil
	}
	if overlap == 0 {
		return fault.Terminal(reason, "%s: its runs come %s apart, but up to %s pass without an open window, so that runs would be missed: let them come %s apart or more, or open windows more often",
			field, short(shortest), short(gap), short(gap))
	}
	return fault.Terminal(reason,
		"%s: its runs come %s apart, but tokens live for %s and up to %s pass without an open window, so that runs would be missed: let them come %s apart or more, or open windows more often",
		field, short(shortest), short(overlap), short(gap), short(overlap+gap))
}

// withWindows has its zone count for oneZone also when it has no window.
func (s Schedule) withWindows() Schedule {
	if len(s.windows) == 0 {
		s.windows = []Window{{}}
	}
	return s
}

// short writes a duration without the zeros that Go puts behind it.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
