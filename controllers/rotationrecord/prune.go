package rotationrecord

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// Keep says which records stay. The zero value stands for the defaults.
type Keep struct {
	// Count is how many records of one material of one object stay, from 1. Default 20.
	Count int
	// Age is how long a record stays at most. Default two years.
	Age time.Duration
}

const (
	defaultCount = 20
	defaultAge   = 17520 * time.Hour
)

func (k Keep) withDefaults() Keep {
	if k.Count == 0 {
		k.Count = defaultCount
	}
	if k.Age == 0 {
		k.Age = defaultAge
	}
	return k
}

// excess gives those of the records of one material of one object that are removed now, and when the next one becomes too
// old, zero: none does. What was seen last stays for ever, and beside it what succeeded last, so that somebody can always
// tell since when a material is in use. What has not ended stays as long as its subject lives.
func excess(records []v1alpha1.RotationRecord, lives func(v1alpha1.RotationSubject) bool, keep Keep, now time.Time) (remove []*v1alpha1.RotationRecord, again time.Time) {
	newest := make([]*v1alpha1.RotationRecord, len(records))
	for i := range records {
		newest[i] = &records[i]
	}
	slices.SortFunc(newest, func(a, b *v1alpha1.RotationRecord) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(b.Spec.To.Generation, a.Spec.To.Generation), strings.Compare(a.Name, b.Name))
	})
	succeeded := slices.IndexFunc(newest, func(r *v1alpha1.RotationRecord) bool { return r.Status.Outcome == v1alpha1.RotationSucceeded })
	for i, record := range newest {
		if i == 0 || i == succeeded || record.Status.Outcome == "" && lives(record.Spec.Subject) {
			continue
		}
		old := record.CreationTimestamp.Add(keep.Age)
		switch {
		case i >= keep.Count || !old.After(now):
			remove = append(remove, record)
		case again.IsZero() || old.Before(again):
			again = old
		}
	}
	return remove, again
}
