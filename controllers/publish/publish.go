// Package publish tells by events what changed, with the words of the condition.
package publish

import (
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

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
	about(recorder, object, nil, kind, reason, action, note)
}

func about(recorder events.EventRecorder, object client.Object, related runtime.Object, kind, reason, action, note string) {
	if len(note) > maxNote {
		cut := maxNote - len("…")
		for !utf8.RuneStart(note[cut]) {
			cut--
		}
		note = note[:cut] + "…"
	}
	recorder.Eventf(object, related, kind, reason, action, "%s", note)
}
