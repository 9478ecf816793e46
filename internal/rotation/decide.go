package rotation

import (
	"fmt"
	"time"
)

const (
	// defaultRenewBefore is the one of a tenant's TLS key.
	defaultRenewBefore = 720 * time.Hour
	// rolloutTime is what a rollout is given before a certificate ends, and a run before it is overdue.
	rolloutTime = time.Hour
)

// Decide says whether a material rotates now, why, and when to look again. It is pure.
//
//	decision := rotation.Decide(rotation.Material{
//		Name: "token-signing", Key: want.Key().String(), Schedule: want.Signing, Maintenance: want.Maintenance,
//		Since: p.steady.Came(turn.At, now), Asked: asked, Verb: verb, RolloutInFlight: moving,
//		Ring: &rotation.Ring{NextPublished: p.steady.Since(seen, now), Ahead: ahead, Previous: turn.Previous != 0,
//			PreviousRetired: p.steady.Since(turn.At, now), LongestToken: shape.LongestToken},
//	}, now)
//	if decision.Due {
//		turn.At = now // of two managers, or after a crash, nothing is due any more once this is written
//		if !asked { turn.Run = decision.Token() }
//	}
//
// A material is due once when any number of runs have passed since it came into use. So a clock that is put forward makes
// each due once at most, and one that is put back none; a ring does not even move then, since its waits are Steady's.
func Decide(m Material, now time.Time) Decision {
	d := m.due(now)
	for _, check := range []func(Material, time.Time, *Decision) bool{
		Material.notDue, Material.moving, Material.unpublished, Material.previousNeeded, Material.closed,
	} {
		if check(m, now, &d) {
			return d
		}
	}
	d.Due = true
	if d.Reason == "" {
		d.Reason = Due
	}
	if d.Message == "" {
		d.Message = m.why(d)
	}
	return d
}

// Token names the run that is due, for Turn.Run and for what was asked of a child. Empty: none is.
func (d Decision) Token() string {
	if d.Run.IsZero() {
		return ""
	}
	return d.Run.UTC().Format(time.RFC3339)
}

// due fills in what is known before any check: the run, and when it should have happened.
func (m Material) due(now time.Time) (d Decision) {
	since := m.Since
	if since.IsZero() || since.After(now) {
		since = now
	}
	d.NextDue = m.Schedule.Next(since, m.Key)
	if !d.NextDue.IsZero() && !d.NextDue.After(now) {
		d.Run = d.NextDue
	}
	if renew := m.renewal(); !renew.IsZero() && (d.NextDue.IsZero() || renew.Before(d.NextDue)) {
		d.NextDue = renew
	}
	if d.NextDue.IsZero() || d.NextDue.After(now) {
		return d
	}
	if _, end, ok := Together(d.NextDue, m.Schedule, m.Maintenance); ok {
		if end.IsZero() {
			end = d.NextDue.Add(rolloutTime)
		}
		if end.Before(now) {
			d.Overdue = end
		}
	}
	return d
}

// renewal is when the certificate is to be replaced at the latest, zero when it has none.
func (m Material) renewal() time.Time {
	switch {
	case m.NotAfter.IsZero():
		return time.Time{}
	case m.RenewBefore > 0:
		return m.NotAfter.Add(-m.RenewBefore)
	}
	return m.NotAfter.Add(-defaultRenewBefore)
}

func (m Material) notDue(now time.Time, d *Decision) bool {
	switch {
	case m.Asked || !d.NextDue.IsZero() && !d.NextDue.After(now):
		return false
	case m.Schedule.Suspended():
		d.Reason, d.Message = Suspended, m.Name+" is not rotated: its schedule is suspended"
	case d.NextDue.IsZero():
		d.Reason, d.Message = NotDue, m.Name+" has no schedule: it is rotated when somebody asks for it"
	default:
		d.Reason, d.Message = NotDue, fmt.Sprintf("%s is due at %s", m.Name, m.clock(d.NextDue))
	}
	d.Again = d.NextDue
	return true
}

func (m Material) moving(_ time.Time, d *Decision) bool {
	if !m.RolloutInFlight {
		return false
	}
	d.Reason, d.Message = RolloutInFlight, m.Name+" is due and waits until the rollout that is under way is over"
	return true
}

// unpublished waits for the caches of clients, but not after a leak: then whoever has the key signs for as long, and most
// clients ask again for a key that they do not know. Before it is published anywhere it never signs.
func (m Material) unpublished(now time.Time, d *Decision) bool {
	if m.Ring == nil {
		return false
	}
	if m.Ring.NextPublished.IsZero() {
		d.Reason, d.Message = NextNotPublished, m.Name+" is due and waits until every server publishes its next key"
		return true
	}
	ready := m.Ring.NextPublished.Add(m.Ring.Ahead)
	if m.forced() || !ready.After(now) {
		return false
	}
	d.Reason, d.Again = NextNotPublished, ready
	d.Message = fmt.Sprintf("%s is due and waits until %s: its next key is published for %s before it signs, since clients keep the published keys", m.Name, m.clock(ready), short(m.Ring.Ahead))
	return true
}

func (m Material) previousNeeded(now time.Time, d *Decision) bool {
	if m.Ring == nil || !m.Ring.Previous || m.forced() {
		return false
	}
	if m.Ring.PreviousRetired.IsZero() {
		d.Reason, d.Message = PreviousNeeded, m.Name+" is due and waits until no server signs with the key before the current one"
		return true
	}
	ready := m.Ring.PreviousRetired.Add(m.Ring.LongestToken)
	if !ready.After(now) {
		return false
	}
	d.Reason, d.Again = PreviousNeeded, ready
	d.Message = fmt.Sprintf("%s is due and waits until %s: until then tokens may be in use that the key before the current one signed, and the move forgets it", m.Name, m.clock(ready))
	return true
}

// forced tells whether somebody wants a key gone at once.
func (m Material) forced() bool { return m.Asked && (m.Verb == Leaked || m.Verb == Drop) }

func (m Material) closed(now time.Time, d *Decision) bool {
	if m.Asked {
		return false
	}
	hold := Hold(now, m.NotAfter, m.Schedule, m.Maintenance)
	switch {
	case hold.Open:
		return false
	case hold.Expiring:
		d.Reason = Expiring
		d.Message = fmt.Sprintf("%s rotates outside of any window: its certificate ends at %s, %s", m.Name, m.clock(m.NotAfter), hold.Before(m.zone()))
		return false
	}
	d.Reason, d.Again = WindowClosed, hold.Until
	d.Message = fmt.Sprintf("%s is due and waits for its window", m.Name)
	switch {
	case !hold.Next.IsZero():
		d.Message += ", which opens at " + m.clock(hold.Next)
	default:
		d.Message += ": none opens, since a schedule of windows is suspended"
	}
	return true
}

func (m Material) why(d Decision) string {
	switch {
	case m.Asked:
		return m.Name + " rotates as asked"
	case d.Run.IsZero():
		return fmt.Sprintf("%s rotates: its certificate ends at %s", m.Name, m.clock(m.NotAfter))
	}
	return fmt.Sprintf("%s rotates: it is due since %s", m.Name, m.clock(d.Run))
}

// clock writes a time as the clock of the schedule shows it.
func (m Material) clock(t time.Time) string { return t.In(m.zone()).Format(time.RFC3339) }

func (m Material) zone() *time.Location {
	if m.Schedule.zone == nil {
		return m.Maintenance.Zone()
	}
	return m.Schedule.Zone()
}
