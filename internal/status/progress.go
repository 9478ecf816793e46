package status

import (
	"slices"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// onTheWay are the reasons of what goes on by itself, without anybody's help.
var onTheWay = []string{
	v1alpha1.ReasonSucceeded, v1alpha1.ReasonNotObserved, v1alpha1.ReasonProgressing,
	v1alpha1.ReasonDependencyNotReady, v1alpha1.ReasonCertificatePending, v1alpha1.ReasonPodsNotReady,
}

// MayWait tells whether a status need not be written at once, since it only shows how far
// a first installation has come: the tenant never served, it is Reconciling for
// this very generation before and after, everything goes on by itself, and
// nothing that held is lost. Whoever reads the former status is not misled: it is not
// Ready, and nobody has to do anything.
func MayWait(before, after v1alpha1.IdentityTenantStatus) bool {
	if after.ServingRevision != "" || before.ObservedGeneration != after.ObservedGeneration || !sameRequests(before, after) {
		return false
	}
	for _, conditions := range [][]metav1.Condition{before.Conditions, after.Conditions} {
		if !apimeta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReconciling) || !allOnTheWay(conditions, after.ObservedGeneration) {
			return false
		}
	}
	for _, held := range before.Conditions {
		if held.Status == metav1.ConditionTrue && !apimeta.IsStatusConditionTrue(after.Conditions, held.Type) {
			return false
		}
	}
	return true
}

func allOnTheWay(conditions []metav1.Condition, generation int64) bool {
	return !slices.ContainsFunc(conditions, func(condition metav1.Condition) bool {
		return condition.ObservedGeneration != generation || !slices.Contains(onTheWay, condition.Reason)
	})
}

func sameRequests(before, after v1alpha1.IdentityTenantStatus) bool {
	if before.Requests == nil || after.Requests == nil {
		return before.Requests == after.Requests
	}
	return *before.Requests == *after.Requests
}
