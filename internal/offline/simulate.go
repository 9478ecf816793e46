package offline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// Plan is what one schedule comes to for one of those that use it, or by itself when nobody does.
type Plan struct {
	Schedule client.ObjectKey
	// Kind, Name and Field are the user's; all empty: nobody.
	Kind, Name, Field string
	// Maintenance is the schedule whose windows hold rollouts of the user, empty: none.
	Maintenance string
	Zone        *time.Location
	// Windows says whether a window has to be waited for at all.
	Windows bool
	Runs    []Run
	// Openings of the schedule and of the maintenance together.
	Openings []Opening
}

// Run is one rotation to come.
type Run struct {
	// Due is when it is due, jitter included.
	Due time.Time
	// Happens is when a window lets it happen, zero when none opens within a year, and Ends when that one closes, zero
	// when it does not.
	Happens, Ends time.Time
	// Passed is how many further runs come due before it happens; they are not made up for.
	Passed int
}

// Opening of windows.
type Opening struct{ Start, End time.Time }

// Meeting is a time at which several rotate.
type Meeting struct {
	Start, End time.Time
	Plans      []*Plan
}

// Simulate gives the next runs and openings of schedules, by the code that the operator decides with. Tenants and Keystores
// that name a schedule get a plan for each field that does. Faults: Terminal for a schedule that is not valid, and for a tenant whose
// windows never open together.
func Simulate(schedules []*v1alpha1.RotationSchedule, tenants []*v1alpha1.IdentityTenant, stores []*v1alpha1.Keystore, at time.Time, runs int) ([]*Plan, error) {
	compiled := map[client.ObjectKey]rotation.Schedule{}
	var keys []client.ObjectKey
	for _, cr := range schedules {
		schedule, err := resolve.Schedule(cr)
		if err != nil {
			return nil, fmt.Errorf("RotationSchedule %s/%s: %w", cr.Namespace, cr.Name, err)
		}
		key := client.ObjectKeyFromObject(cr)
		compiled[key] = schedule
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b client.ObjectKey) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var plans []*Plan
	for _, key := range slices.Compact(keys) {
		users := usersOf(key, tenants, stores)
		if len(users) == 0 {
			users = []*Plan{{Schedule: key}}
		}
		for _, plan := range users {
			if err := plan.fill(compiled, at, runs); err != nil {
				return nil, err
			}
		}
		plans = append(plans, users...)
	}
	return plans, nil
}

const kindTenant = "IdentityTenant"

// OneRollout tells whether all of a meeting is one tenant's, who replaces its pods once for it.
func (m Meeting) OneRollout() bool {
	return !slices.ContainsFunc(m.Plans, func(p *Plan) bool { return p.Kind != kindTenant || p.Name != m.Plans[0].Name })
}

// usersOf lists who names a schedule, sorted.
func usersOf(key client.ObjectKey, tenants []*v1alpha1.IdentityTenant, stores []*v1alpha1.Keystore) (plans []*Plan) {
	for _, tenant := range tenants {
		if tenant.Namespace != key.Namespace {
			continue
		}
		fields := resolve.ScheduleFields(tenant)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if fields[field] == key.Name {
				plans = append(plans, &Plan{Schedule: key, Kind: kindTenant, Name: tenant.Name, Field: field, Maintenance: fields[resolve.FieldMaintenance]})
			}
		}
	}
	for _, store := range stores {
		if store.Namespace == key.Namespace && store.Spec.RotationRef != nil && store.Spec.RotationRef.Name == key.Name {
			plans = append(plans, &Plan{Schedule: key, Kind: "Keystore", Name: store.Name, Field: "spec.rotationRef"})
		}
	}
	slices.SortStableFunc(plans, func(a, b *Plan) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return plans
}

func (p *Plan) fill(compiled map[client.ObjectKey]rotation.Schedule, at time.Time, runs int) error {
	schedule := compiled[p.Schedule]
	gates := []rotation.Schedule{schedule}
	if p.Maintenance != "" && p.Field != resolve.FieldMaintenance {
		maintenance, known := compiled[client.ObjectKey{Namespace: p.Schedule.Namespace, Name: p.Maintenance}]
		if !known {
			return fmt.Errorf("%s %s/%s: RotationSchedule %s, named by %s, is not there", p.Kind, p.Schedule.Namespace, p.Name, p.Maintenance, resolve.FieldMaintenance)
		}
		gates = append(gates, maintenance)
	}
	if _, ok := rotation.LongestClosed(gates...); !ok {
		return fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s %s/%s: the windows of RotationSchedule %s (%s) and of %s (%s) are never open together",
			p.Kind, p.Schedule.Namespace, p.Name, p.Schedule.Name, p.Field, p.Maintenance, resolve.FieldMaintenance)
	}
	p.Zone = schedule.Zone()
	key := ""
	if p.Name != "" {
		key = p.Schedule.Namespace + "/" + p.Name
	}
	for due := schedule.Next(at, key); !due.IsZero() && len(p.Runs) < runs; {
		run := Run{Due: due}
		start, end, ok := rotation.Together(due, gates...)
		if !ok {
			p.Runs = append(p.Runs, run)
			break
		}
		run.Happens, run.Ends = start, end
		for due = schedule.Next(due, key); !due.IsZero() && !due.After(start); due = schedule.Next(due, key) {
			run.Passed++
		}
		p.Runs = append(p.Runs, run)
	}
	for from := at; len(p.Openings) < runs; {
		start, end, ok := rotation.Together(from, gates...)
		if !ok || end.IsZero() {
			break
		}
		p.Windows = true
		p.Openings = append(p.Openings, Opening{start, end})
		from = end
	}
	return nil
}

// near is how close two rotations have to be to meet where no window holds them together.
const near = time.Hour

// Meet lists the openings in which more than one rotation happens, in the order of time.
func Meet(plans []*Plan) (meetings []Meeting) {
	type happening struct {
		start, end time.Time
		plan       *Plan
	}
	var all []happening
	for _, plan := range plans {
		for _, run := range plan.Runs {
			if !run.Happens.IsZero() {
				end := run.Ends
				if end.IsZero() {
					end = run.Happens.Add(near)
				}
				all = append(all, happening{run.Happens, end, plan})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.start.Compare(b.start) })
	for len(all) > 0 {
		meeting := Meeting{Start: all[0].start, End: all[0].end}
		for len(all) > 0 && all[0].start.Before(meeting.End) {
			if !slices.Contains(meeting.Plans, all[0].plan) {
				meeting.Plans = append(meeting.Plans, all[0].plan)
			}
			meeting.End = earlier(meeting.End, all[0].end)
			all = all[1:]
		}
		if len(meeting.Plans) > 1 {
			meetings = append(meetings, meeting)
		}
	}
	return meetings
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
