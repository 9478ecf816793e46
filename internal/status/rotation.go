package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
)

// onTime says of a step that did what it could whether all that fell due happened in time.
func onTime(c *Conditions, report pipeline.Report) {
	if outcome, ran := report.Outcome(v1alpha1.ConditionRotationOnTime); !ran || !outcome.Met() {
		return
	}
	var late []string
	for _, fact := range report.Seen.Rotations {
		if !fact.Overdue.IsZero() {
			late = append(late, fmt.Sprintf("%s is overdue since %s: %s", fact.Material, fact.Overdue.UTC().Format(time.RFC3339), fact.Message))
		}
	}
	switch {
	case len(late) > 0:
		c.False(v1alpha1.ConditionRotationOnTime, v1alpha1.ReasonOverdue, strings.Join(late, ". "))
	case report.Seen.Pods.Expiring != "":
		c.True(v1alpha1.ConditionRotationOnTime, v1alpha1.ReasonExpiring, report.Seen.Pods.Expiring)
	}
}

// rotations tells what was decided. What was told before stays for materials that nobody could look at.
func rotations(before []v1alpha1.RotationStatus, report pipeline.Report) (told []v1alpha1.RotationStatus) {
	for _, fact := range report.Seen.Rotations {
		told = append(told, v1alpha1.RotationStatus{Material: fact.Material, NextDue: moment(fact.NextDue), LastRotation: moment(fact.Last), OverdueSince: moment(fact.Overdue), Reason: fact.Reason, Message: fact.Message})
	}
	if outcome, ran := report.Outcome(v1alpha1.ConditionRotationOnTime); ran && outcome.Met() {
		return told
	}
	for _, one := range before {
		if !slices.ContainsFunc(told, func(t v1alpha1.RotationStatus) bool { return t.Material == one.Material }) {
			told = append(told, one)
		}
	}
	slices.SortFunc(told, func(a, b v1alpha1.RotationStatus) int { return strings.Compare(a.Material, b.Material) })
	return told
}

// moment is a time as the API keeps it, in whole seconds; nil for none.
func moment(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.Truncate(time.Second)}
}
