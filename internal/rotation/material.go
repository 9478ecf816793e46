package rotation

import "time"

// Material is one key or secret, and all that decides when it rotates. The caller gathers it; a pass that cannot know a part
// of it does not ask.
type Material struct {
	// Name as the rotate annotation writes it, such as token-signing.
	Name string
	// Key of the jitter, namespace/name of the object that holds the material: what one object rotates on one schedule
	// comes due at one time, and is one rollout.
	Key string
	// Schedule says when it is due, and its windows when it may happen. The zero value: it is never due but before it
	// expires.
	Schedule Schedule
	// Maintenance has the windows that it waits for too. Its runs mean nothing here.
	Maintenance Schedule
	// Since is when the generation in use came into use, by the clock as it was: of one that never moved, when the object
	// was made. Steady.Came gives it. Zero: nobody knows, and no run is due.
	Since time.Time
	// NotAfter is when its certificate ends. Zero: it has none.
	NotAfter time.Time
	// RenewBefore is how long before NotAfter it is due without any schedule. Zero: 720h.
	RenewBefore time.Duration
	// Asked says that somebody asks for it now, as Verb says. It waits for no run, for no window and for nobody who
	// suspended a schedule.
	Asked bool
	Verb  Verb
	// RolloutInFlight says that pods are being replaced now. One that is held for its window is not in flight: what comes
	// due joins it.
	RolloutInFlight bool
	// Ring is nil for what has no overlap to wait for.
	Ring *Ring
}

// Ring is what has to be known of a signing key before its ring moves. Its times have gone through Steady.Since, so that no
// clock that is put forward ends a wait.
type Ring struct {
	// NextPublished is since when every server publishes the next key. Zero: one does not, or nobody could look.
	NextPublished time.Time
	// Ahead is for how long it is published before it signs: longer than clients cache keys.
	Ahead time.Duration
	// Previous says that there is a key before the current one, which the move forgets.
	Previous bool
	// PreviousRetired is since when no server signs with it. Zero: one may.
	PreviousRetired time.Time
	// LongestToken is how long the longest-lived token verifies.
	LongestToken time.Duration
}

// Reason says why a material rotates now, or what it waits for.
type Reason string

// The reasons, in the order of the checks. Of several that hold a material the first is told.
const (
	// NotDue: it has no schedule, or its run is still to come.
	NotDue Reason = "NotDue"
	// Suspended: its schedule is suspended.
	Suspended Reason = "Suspended"
	// RolloutInFlight: pods are being replaced, and two changes at once would be two rollouts over each other.
	RolloutInFlight Reason = "RolloutInFlight"
	// NextNotPublished: a client may still have keys in its cache that lack the next one.
	NextNotPublished Reason = "NextNotPublished"
	// PreviousNeeded: a token that the key before the current one signed may still be in use.
	PreviousNeeded Reason = "PreviousNeeded"
	// WindowClosed: the windows of the schedule and of the maintenance are not open together.
	WindowClosed Reason = "WindowClosed"
	// Due: it rotates now.
	Due Reason = "Due"
	// Expiring: it rotates now, outside of any window, because it would end before the next one.
	Expiring Reason = "Expiring"
)

// Decision is what becomes of a material now. Equal input gives an equal decision, and nothing in it counts down: what waits
// is told by the time at which it ends, so that a status that shows it is not written anew with each pass.
type Decision struct {
	// Due says whether to rotate now.
	Due    bool
	Reason Reason
	// Message is for people: why, until when, and what to do about it.
	Message string
	// Run is the run that is due, the first since the generation in use came into use: the others up to now are not made
	// up for. It stays the same until the material moves. Zero: none is, as with a request or an expiry alone.
	Run time.Time
	// NextDue is when it was due, or will be next. Zero: never, or nobody knows.
	NextDue time.Time
	// Again is when to look again at the latest. Zero: nothing of this comes with time alone.
	Again time.Time
	// Overdue is since when it should have happened: the end of the first opening after it was due, or an hour after it
	// where no window closes. Zero: it is on time.
	Overdue time.Time
}
