package rotation_test

import (
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/rotation"
)

func TestSince(t *testing.T) {
	start := at(t, "2026-11-26T06:00:00Z")
	seen := start.Add(-10 * time.Hour)
	var s rotation.Steady
	s.Look(start, time.Minute)
	for hour := range 1000 { // a clock that is a little fast is no jump
		s.Look(start.Add(time.Duration(hour)*(time.Hour+50*time.Millisecond)), time.Minute+time.Duration(hour)*time.Hour)
	}
	now := start.Add(1000 * time.Hour)
	if got := s.Since(seen, now); !got.Equal(seen) {
		t.Errorf("without a jump it counts from %s, want %s", got, seen)
	}
	if got := s.Since(now.Add(time.Hour), now); got.After(start) {
		t.Errorf("a time to come counts from %s, want the start of the process", got)
	}
	ahead := now.AddDate(1, 0, 0)
	s.Look(ahead, 1000*time.Hour)
	if got := s.Since(seen, ahead.Add(time.Hour)); !got.Equal(ahead) {
		t.Errorf("after a jump it counts from %s, want %s", got, ahead)
	}
	s.Look(now, 1000*time.Hour+time.Minute)
	if got := s.Since(ahead, now.Add(time.Hour)); !got.Equal(now) {
		t.Errorf("after a jump back it counts from %s, want %s", got, now)
	}
	if !s.Since(time.Time{}, now).IsZero() {
		t.Error("what was never seen counts")
	}
}
