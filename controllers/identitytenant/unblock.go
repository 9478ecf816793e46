package identitytenant

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// unblock deletes a pod that is not ready and is not of the revision it would come back
// as. A StatefulSet that starts its pods in order waits for such a pod for ever, although
// the repaired template is there: the known limit that kubernetes.io calls forced rollback.
func (p *pass) unblock(ctx context.Context, want tenant.Spec) error {
	set, err := p.statefulSet(ctx, want)
	if err != nil || set == nil {
		return err
	}
	status := set.Status
	settled := status.CurrentRevision == status.UpdateRevision && status.UpdatedReplicas == status.Replicas
	if settled || status.ObservedGeneration != set.Generation || status.ReadyReplicas >= status.Replicas {
		return nil
	}
	comesBackAs := status.UpdateRevision
	if held(set) {
		comesBackAs = status.CurrentRevision
	}
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.DeletionTimestamp != nil || podReady(pod) || pod.Labels[appsv1.ControllerRevisionHashLabelKey] == comesBackAs {
			continue
		}
		if err := apply.Delete(ctx, p.client, pod); err != nil {
			return err
		}
		p.changes = append(p.changes, apply.Change{Verb: apply.Deleted, Kind: "Pod", Name: pod.Name})
	}
	return nil
}

func podReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
