package harness

import (
	"context"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Diagnose tells what pods, Jobs and events of a namespace say, for a test that failed.
func (w *World) Diagnose(ctx context.Context, namespace string) string {
	var text strings.Builder
	var pods corev1.PodList
	var jobs batchv1.JobList
	var events eventsv1.EventList
	for _, list := range []client.ObjectList{&pods, &jobs, &events} {
		if err := w.Admin.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return err.Error()
		}
	}
	for _, pod := range pods.Items {
		fmt.Fprintf(&text, "\npod %s: %s", pod.Name, pod.Status.Phase)
		for _, condition := range pod.Status.Conditions {
			if condition.Status != corev1.ConditionTrue {
				fmt.Fprintf(&text, "\n  %s=%s %s", condition.Type, condition.Status, condition.Message)
			}
		}
	}
	for _, job := range jobs.Items {
		fmt.Fprintf(&text, "\njob %s: %+v", job.Name, job.Status.Conditions)
	}
	for _, event := range events.Items {
		fmt.Fprintf(&text, "\nevent %s %s %s: %s", event.Regarding.Kind, event.Regarding.Name, event.Reason, event.Note)
	}
	return text.String()
}
