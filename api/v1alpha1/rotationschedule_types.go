package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RotationSchedule says when rotations and rollouts may happen. Keystores and tenants name
// it; its own controller validates it and shows its next runs and openings.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=irs,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Next-run",type=string,JSONPath=`.status.nextRuns[0]`
// +kubebuilder:printcolumn:name="Next-opening",type=string,JSONPath=`.status.nextOpenings[0].start`
// +kubebuilder:printcolumn:name="Used-by",type=string,JSONPath=`.status.usedBy`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type RotationSchedule struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish.
	// +required
	Spec RotationScheduleSpec `json:"spec"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status RotationScheduleStatus `json:"status,omitempty"`
}

// RotationScheduleList is a list of RotationSchedules.
// +kubebuilder:object:root=true
type RotationScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RotationSchedule `json:"items"`
}

// RotationScheduleSpec says when rotations are due (cron or every), and when they and what else replaces pods may happen
// (windows). What is due outside of a window waits for the next one.
// +kubebuilder:validation:XValidation:rule="!(has(self.cron) && has(self.every))",message="write either cron or every, not both"
// +kubebuilder:validation:XValidation:rule="has(self.cron) || has(self.every) || (has(self.windows) && self.windows.size() > 0)",message="write cron or every to say when rotations are due, or windows alone to say when rollouts may happen"
// +kubebuilder:validation:XValidation:rule="!has(self.jitter) || has(self.cron) || has(self.every)",message="jitter spreads runs: remove it, or write cron or every beside it"
// +kubebuilder:validation:XValidation:rule="!has(self.jitter) || (duration(self.jitter) >= duration('1s') && duration(self.jitter) <= duration('168h'))",message="jitter must lie between 1s and 168h (a week)"
// +kubebuilder:validation:XValidation:rule="!has(self.jitter) || !has(self.every) || duration(self.jitter) < duration(self.every)",message="jitter must be shorter than every, or runs would meet those of the next round"
// +kubebuilder:validation:XValidation:rule="!has(self.jitter) || !has(self.windows) || self.windows.all(w, duration(self.jitter) < duration(w.duration))",message="jitter must be shorter than the duration of each window, or runs would be moved out of it"
// +kubebuilder:validation:XValidation:rule="!has(self.every) || (duration(self.every) >= duration('1h') && duration(self.every) <= duration('87600h'))",message="every must lie between 1h and 87600h (ten years)"
type RotationScheduleSpec struct {
	// cron says when rotations are due: minute, hour, day of the month, month, day of the week,
	// in the local time of timeZone (crontab(5); 0 to 6 or Sun to Sat; when both days are
	// restricted, either is enough). A time that daylight saving skips runs at the end of the
	// gap, one that comes twice runs the first time. Beside windows some run has to lie in one:
	// 0 23 1 1,4,7,10 * is quarterly, and waits for Saturday when windows open on Saturdays only.
	// Excludes every.
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-*/,?0-9A-Za-z ]+$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-*/,?0-9A-Za-z]+( +[-*/,?0-9A-Za-z]+){4}$')",message="write five fields, minute, hour, day of the month, month and day of the week, such as 0 3 1 1,4,7,10 *; the time zone belongs into timeZone"
	// +optional
	Cron string `json:"cron,omitempty"`
	// every says that rotations are due after this elapsed time, 1h to 87600h, counted from
	// Monday 2001-01-01 00:00 UTC and not from the last run, so that neither a restart nor an
	// outage moves objects onto one time: 168h is each Monday at 00:00 UTC. Excludes cron.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Every *metav1.Duration `json:"every,omitempty"`
	// timeZone of cron and windows, a name of the IANA time zone database such as
	// Europe/Berlin. Default UTC.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$')",message="write a name of the IANA time zone database, such as Europe/Berlin or UTC"
	// +kubebuilder:validation:XValidation:rule="self != 'Local'",message="Local is another zone on each machine: write a name of the IANA time zone database, such as Europe/Berlin or UTC"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
	// windows in which rotations and rollouts may happen, at most 16. They may pass midnight,
	// touch and overlap. Default: always open.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Windows []ScheduleWindow `json:"windows,omitempty"`
	// jitter delays each run by up to this time, 1s to 168h and shorter than every and each
	// window. How much follows from the namespace and name of what rotates, so that a hundred
	// objects on one schedule do not roll at once, and each keeps its time. Default none.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Jitter *metav1.Duration `json:"jitter,omitempty"`
	// suspend holds everything: no run is due and no window opens until it is false again, but
	// for what a person asks for and for keys that would expire.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Weekday is a day of the week.
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string

// ScheduleWindow opens at a local time on some days of the week.
// +kubebuilder:validation:XValidation:rule="duration(self.duration) >= duration('15m') && duration(self.duration) <= duration('168h')",message="duration must lie between 15m and 168h (a week)"
type ScheduleWindow struct {
	// days on which the window opens: Mon, Tue, Wed, Thu, Fri, Sat, Sun. Default every day.
	// +kubebuilder:validation:MaxItems=7
	// +listType=set
	// +optional
	Days []Weekday `json:"days,omitempty"`
	// start is the local time of the opening as HH:MM, 00:00 to 23:59. One that daylight saving
	// skips opens at the end of the gap, one that comes twice opens the first time.
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')",message="write start as HH:MM, from 00:00 to 23:59"
	// +required
	Start string `json:"start"`
	// duration of the window in elapsed time, 15m to 168h. On a night on which clocks change the
	// window ends an hour earlier or later by the clock.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +required
	Duration metav1.Duration `json:"duration"`
}

// RotationScheduleStatus is what the schedule comes to.
type RotationScheduleStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the schedule.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// nextRuns are the next five times at which rotations are due, before jitter.
	// +listType=atomic
	// +optional
	NextRuns []metav1.Time `json:"nextRuns,omitempty"`
	// nextOpenings are the next five openings, the current one first. Windows that touch or
	// overlap make one.
	// +listType=atomic
	// +optional
	NextOpenings []ScheduleOpening `json:"nextOpenings,omitempty"`
	// usedBy lists the first ten tenants and Keystores that name the schedule, sorted.
	// +optional
	UsedBy string `json:"usedBy,omitempty"`
}

// ScheduleOpening is a time in which rotations and rollouts may happen.
type ScheduleOpening struct {
	// start of the opening.
	// +required
	Start metav1.Time `json:"start"`
	// end of the opening.
	// +required
	End metav1.Time `json:"end"`
}
