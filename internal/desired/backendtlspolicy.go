package desired

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// backendTLSPolicy has a Gateway speak TLS to the server, under the client Service's
// name, and accept only certificates below the CA of TrustConfigMap. One serves both
// routes, since it belongs to the Service.
func backendTLSPolicy(want tenant.Spec) client.Object {
	return &gatewayv1.BackendTLSPolicy{
		TypeMeta:   typeOf(gatewayv1.GroupVersion, "BackendTLSPolicy"),
		ObjectMeta: object(want, want.Name, componentExposure),
		Spec: gatewayv1.BackendTLSPolicySpec{
			TargetRefs: []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{
				LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{
					Kind: "Service", Name: gatewayv1.ObjectName(want.ServiceName()),
				},
				SectionName: new(gatewayv1.SectionName(portHTTPS)),
			}},
			Validation: gatewayv1.BackendTLSPolicyValidation{
				CACertificateRefs: []gatewayv1.LocalObjectReference{{
					Kind: "ConfigMap", Name: gatewayv1.ObjectName(want.TrustConfigMapName()),
				}},
				Hostname: gatewayv1.PreciseHostname(want.ServiceHost()),
			},
		},
	}
}
