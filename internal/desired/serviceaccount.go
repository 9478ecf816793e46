package desired

import (
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// ServiceAccount is the identity of the tenant's pods. It has no rights and its
// token is mounted nowhere: neither server nor schema Job speaks to the API server.
func ServiceAccount(want tenant.Spec) []client.Object {
	return sorted(&corev1.ServiceAccount{
		TypeMeta:                     typeOf(corev1.SchemeGroupVersion, "ServiceAccount"),
		ObjectMeta:                   object(want, want.ServiceAccountName(), tenant.ComponentServer),
		AutomountServiceAccountToken: new(false),
	})
}
