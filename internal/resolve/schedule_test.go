package resolve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/resolve"
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
