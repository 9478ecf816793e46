package resolve_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The sample for all to copy is due on the first of a quarter, and happens on the Saturday night after it.
func TestScheduleOfTheSample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "full", "35-schedules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cr := &v1alpha1.RotationSchedule{}
	first, _, _ := strings.Cut(string(text), "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(first), cr); err != nil {
		t.Fatal(err)
	}
	s, err := resolve.Schedule(cr)
	if err != nil {
		t.Fatal(err)
	}
	run := s.Next(time.Date(2026, time.November, 26, 6, 0, 0, 0, time.UTC), "")
	start, end := s.NextOpening(run)
	if got, want := run.Format(time.RFC3339), "2027-01-01T23:00:00+01:00"; got != want {
		t.Errorf("due at %s, want %s", got, want)
	}
	if got, want := start.Format(time.RFC3339)+" "+end.Format(time.RFC3339), "2027-01-02T22:00:00+01:00 2027-01-03T04:00:00+01:00"; got != want {
		t.Errorf("open from %s, want %s", got, want)
	}
	if later := s.Next(run.Add(-time.Second), "staff/acme"); later.Before(run) || later.After(run.Add(2*time.Hour)) {
		t.Errorf("with jitter it is due at %s", later)
	}
}

func TestScheduleThatCannotBe(t *testing.T) {
	window := v1alpha1.ScheduleWindow{Start: "10pm", Duration: metav1.Duration{Duration: time.Hour}}
	for says, spec := range map[string]v1alpha1.RotationScheduleSpec{
		"spec.timeZone":         {Cron: "0 3 * * *", TimeZone: "Europe/Atlantis"},
		"spec.windows[0].start": {Windows: []v1alpha1.ScheduleWindow{window}},
	} {
		_, err := resolve.Schedule(&v1alpha1.RotationSchedule{Spec: spec})
		if f := fault.Of(err, ""); !fault.IsTerminal(err) || f.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(f.Message, says) {
			t.Errorf("%v, want a refusal of %s", err, says)
		}
	}
	if s, err := resolve.Schedule(nil); err != nil || s.Runs() || !s.Open(time.Time{}) {
		t.Errorf("without a schedule: %v", err)
	}
}

func windows(name string, spec v1alpha1.RotationScheduleSpec) *v1alpha1.RotationSchedule {
	return &v1alpha1.RotationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: name}, Spec: spec}
}

// scheduled is a tenant that names a schedule in every field.
func scheduled() *v1alpha1.IdentityTenant {
	cr := smallest()
	cr.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: "nightly"}}
	cr.Spec.Keystores = &v1alpha1.Keystores{TokenSigning: &v1alpha1.TokenSigningKey{RotationRef: &v1alpha1.LocalReference{Name: "quarterly"}}}
	cr.Spec.Realms = []v1alpha1.Realm{{Name: "shop.example"}, {Name: "root", Administrators: &v1alpha1.Administrators{RotationRef: &v1alpha1.LocalReference{Name: "weekly"}}}}
	return cr
}

func TestATenantCarriesItsSchedules(t *testing.T) {
	nightly := windows("nightly", v1alpha1.RotationScheduleSpec{Windows: []v1alpha1.ScheduleWindow{{Start: "22:00", Duration: metav1.Duration{Duration: 4 * time.Hour}}}})
	quarterly := windows("quarterly", v1alpha1.RotationScheduleSpec{Cron: "0 3 1 1,4,7,10 *"})
	weekly := windows("weekly", v1alpha1.RotationScheduleSpec{Every: &metav1.Duration{Duration: 168 * time.Hour}})
	service := database(intstr.FromInt32(5432), postgres)
	want, err := resolved(t, scheduled(), service, nightly, quarterly, weekly)
	if err != nil {
		t.Fatal(err)
	}
	night := time.Date(2027, time.January, 2, 23, 0, 0, 0, time.UTC)
	if !want.Maintenance.Open(night) || want.Maintenance.Open(night.Add(12*time.Hour)) {
		t.Error("the windows of maintenance are not those of its schedule")
	}
	if got := want.ScheduleOf("token-signing").Next(night, ""); !got.Equal(time.Date(2027, time.April, 1, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("token-signing is due at %s", got)
	}
	if want.ScheduleOf("administrator").Shortest() != 168*time.Hour || want.ScheduleOf("system").Runs() {
		t.Error("the administrator's password has the weekly schedule, the system account none")
	}
	if err := resolve.Feasible(want, time.Hour); err != nil {
		t.Error(err)
	}
	fields := map[string]string{"spec.maintenance.rotationRef": "nightly", "spec.keystores.tokenSigning.rotationRef": "quarterly", "spec.realms[1].administrators.rotationRef": "weekly"}
	if diff := cmp.Diff(fields, resolve.ScheduleFields(scheduled())); diff != "" {
		t.Errorf("the fields that name a schedule (-want +got):\n%s", diff)
	}
	if named := resolve.ScheduleFields(smallest()); len(named) != 0 {
		t.Errorf("the smallest tenant names %v", named)
	}
	if defaults := want.Defaults; slices.ContainsFunc(defaults, func(d tenant.Default) bool { return strings.Contains(d.Field, "rotationRef") }) {
		t.Errorf("no schedule is a default: %v", defaults)
	}

	for name, test := range map[string]struct {
		change  func(nightly, quarterly, weekly *v1alpha1.RotationSchedule)
		waiting bool
		reason  string
		says    []string
	}{
		"one is missing": {func(_, quarterly, _ *v1alpha1.RotationSchedule) { quarterly.Name = "other" }, true, "NotFound",
			[]string{"RotationSchedule iam/quarterly", "spec.keystores.tokenSigning.rotationRef"}},
		"one is not valid": {func(nightly, _, _ *v1alpha1.RotationSchedule) { nightly.Spec.TimeZone = "Europe/Atlantis" }, false, "InvalidSpec",
			[]string{"RotationSchedule iam/nightly", "spec.maintenance.rotationRef", "spec.timeZone"}},
		"runs come faster than tokens end": {func(_, quarterly, _ *v1alpha1.RotationSchedule) { quarterly.Spec.Cron = "0 3 * * *" }, false, "InvalidSpec",
			[]string{"spec.keystores.tokenSigning.rotationRef: RotationSchedule quarterly", "24h apart", "tokens live for 12h"}},
		"windows that do not meet": {func(_, _, weekly *v1alpha1.RotationSchedule) {
			weekly.Spec.Windows = []v1alpha1.ScheduleWindow{{Start: "12:00", Duration: metav1.Duration{Duration: time.Hour}}}
		}, false, "InvalidSpec", []string{"spec.realms[1].administrators.rotationRef: RotationSchedule weekly", "never open at the same time"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, c := nightly.DeepCopy(), quarterly.DeepCopy(), weekly.DeepCopy()
			test.change(a, b, c)
			want, err := resolved(t, scheduled(), service, a, b, c)
			if err == nil {
				err = resolve.Feasible(want, 12*time.Hour)
			}
			if f := fault.Of(err, ""); f == nil || f.Reason != test.reason || fault.IsWaiting(err) != test.waiting || fault.IsTerminal(err) == test.waiting {
				t.Fatalf("%v", err)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}
