// Package status turns what a pass found into conditions. It is the one place that
// computes them, and it is pure: the time is an argument.
package status

import (
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
)

// maxMessage keeps a condition's message within the API's bound of 32768 bytes and
// within what a person reads.
const maxMessage = 1024

// Conditions collects the conditions of one object for one generation.
type Conditions struct {
	list       []metav1.Condition
	generation int64
	now        metav1.Time
}

// From starts with an object's previous conditions, so that an unchanged status
// keeps the time of its last transition.
func From(previous []metav1.Condition, generation int64, now time.Time) *Conditions {
	return &Conditions{list: slices.Clone(previous), generation: generation, now: metav1.NewTime(now)}
}

// True says that a condition holds.
func (c *Conditions) True(conditionType, reason, message string) {
	c.set(conditionType, metav1.ConditionTrue, reason, message)
}

// False says that a condition does not hold.
func (c *Conditions) False(conditionType, reason, message string) {
	c.set(conditionType, metav1.ConditionFalse, reason, message)
}

// Unknown says that nobody could look.
func (c *Conditions) Unknown(conditionType, reason, message string) {
	c.set(conditionType, metav1.ConditionUnknown, reason, message)
}

// Remove drops a condition that is present only while it is True.
func (c *Conditions) Remove(conditionType string) {
	apimeta.RemoveStatusCondition(&c.list, conditionType)
}

// Get returns a condition, nil when it is not there.
func (c *Conditions) Get(conditionType string) *metav1.Condition {
	return apimeta.FindStatusCondition(c.list, conditionType)
}

// List gives the conditions, sorted by type, Ready first.
func (c *Conditions) List() []metav1.Condition {
	slices.SortFunc(c.list, func(a, b metav1.Condition) int {
		switch {
		case a.Type == b.Type:
			return 0
		case a.Type == v1alpha1.ConditionReady:
			return -1
		case b.Type == v1alpha1.ConditionReady, a.Type > b.Type:
			return 1
		}
		return -1
	})
	return c.list
}

func (c *Conditions) set(conditionType string, value metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	apimeta.SetStatusCondition(&c.list, metav1.Condition{
		Type: conditionType, Status: value, Reason: reason, Message: message,
		ObservedGeneration: c.generation, LastTransitionTime: c.now,
	})
}

// Conclude sets Ready and, beside it, what kstatus reads: Reconciling while something
// moves now, Stalled while a person is needed. err is the fault that decides; nil
// means that all is right.
func (c *Conditions) Conclude(err error, readyMessage string) {
	if err == nil {
		c.True(v1alpha1.ConditionReady, v1alpha1.ReasonSucceeded, readyMessage)
		c.Remove(v1alpha1.ConditionReconciling)
		c.Remove(v1alpha1.ConditionStalled)
		return
	}
	f := fault.Of(err, v1alpha1.ReasonError)
	c.False(v1alpha1.ConditionReady, f.Reason, f.Message)
	if f.Kind == fault.KindTerminal {
		c.True(v1alpha1.ConditionStalled, f.Reason, f.Message)
		c.Remove(v1alpha1.ConditionReconciling)
		return
	}
	c.True(v1alpha1.ConditionReconciling, f.Reason, f.Message)
	c.Remove(v1alpha1.ConditionStalled)
}
