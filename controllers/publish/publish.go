// Package publish writes what a controller found: status only where it changed, events only for changes.
package publish

import (
	"context"
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// Status sends the difference between the status of after and of before, and nothing when there is none. An object that
// is gone by now is no error.
func Status(ctx context.Context, c client.Client, before, after client.Object) error {
	patch := client.MergeFrom(before)
	data, err := patch.Data(after)
	if err != nil {
		return fmt.Errorf("compare status: %w", err)
	}
	if string(data) == "{}" {
		return nil
	}
	if err := c.Status().Patch(ctx, after, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

// maxNote is the API server's bound on an event's note.
const maxNote = 1024

// Ready tells of a Ready condition that came to another status or reason, with the same reason and words as the condition.
func Ready(recorder events.EventRecorder, object client.Object, before, after []metav1.Condition) {
	was, is := apimeta.FindStatusCondition(before, v1alpha1.ConditionReady), apimeta.FindStatusCondition(after, v1alpha1.ConditionReady)
	if is == nil || was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeNormal
	if apimeta.IsStatusConditionTrue(after, v1alpha1.ConditionStalled) {
		kind = corev1.EventTypeWarning
	}
	Event(recorder, object, kind, is.Reason, "Reconcile", is.Message)
}

// Event records a note about object, cut to what the API server takes.
func Event(recorder events.EventRecorder, object client.Object, kind, reason, action, note string) {
	if len(note) > maxNote {
		cut := maxNote - len("…")
		for !utf8.RuneStart(note[cut]) {
			cut--
		}
		note = note[:cut] + "…"
	}
	recorder.Eventf(object, nil, kind, reason, action, "%s", note)
}
