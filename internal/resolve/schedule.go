package resolve

import (
	"fmt"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

var weekdays = map[v1alpha1.Weekday]time.Weekday{
	"Mon": time.Monday, "Tue": time.Tuesday, "Wed": time.Wednesday, "Thu": time.Thursday,
	"Fri": time.Friday, "Sat": time.Saturday, "Sun": time.Sunday,
}

// Schedule compiles a RotationSchedule. The error is a Terminal fault, InvalidSpec, that names the field. Nil is the
// schedule of nobody: no run, and always open.
func Schedule(cr *v1alpha1.RotationSchedule) (rotation.Schedule, error) {
	if cr == nil {
		return rotation.Schedule{}, nil
	}
	spec := rotation.Spec{Cron: cr.Spec.Cron, TimeZone: cr.Spec.TimeZone, Suspend: cr.Spec.Suspend}
	if every := cr.Spec.Every; every != nil {
		spec.Every = every.Duration
	}
	if jitter := cr.Spec.Jitter; jitter != nil {
		spec.Jitter = jitter.Duration
	}
	for i, window := range cr.Spec.Windows {
		var hours, minutes time.Duration
		if _, err := fmt.Sscanf(window.Start, "%d:%d", &hours, &minutes); err != nil {
			return rotation.Schedule{}, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.windows[%d].start: %q is no time: write HH:MM, from 00:00 to 23:59", i, window.Start)
		}
		resolved := rotation.Window{Start: hours*time.Hour + minutes*time.Minute, Duration: window.Duration.Duration}
		for _, day := range window.Days {
			resolved.Days = append(resolved.Days, weekdays[day])
		}
		spec.Windows = append(spec.Windows, resolved)
	}
	return rotation.Compile(spec, v1alpha1.ReasonInvalidSpec)
}
