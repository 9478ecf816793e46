package desired

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// PodDisruptionBudget lets a drain take one pod at a time. A single pod gets none: a
// budget could only block the drain of its node for ever. Pods that are not ready may
// always be evicted, since they guard nothing.
func PodDisruptionBudget(want tenant.Spec) []client.Object {
	if want.Replicas != nil && *want.Replicas <= 1 {
		return nil
	}
	return sorted(&policyv1.PodDisruptionBudget{
		TypeMeta:   typeOf(policyv1.SchemeGroupVersion, "PodDisruptionBudget"),
		ObjectMeta: object(want, want.Name, tenant.ComponentServer),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: want.ServerSelector()},
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	})
}
