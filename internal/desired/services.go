package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// portHTTPS names the HTTPS port of both Services; routes and policies refer to it.
const portHTTPS = "https"

// Services gives the client Service, which has ready pods only, and the headless one
// that gives each member a name before it is ready, so that starting members find each
// other. Only the HTTPS port is for clients; the cluster port stays off the client Service.
func Services(want tenant.Spec, shape idp.Shape) []client.Object {
	https := servicePort(portHTTPS, shape.HTTPSPort)
	https.AppProtocol = new("https")
	memberPorts := []corev1.ServicePort{https}
	if shape.ClusterPort != 0 {
		memberPorts = append(memberPorts, servicePort("cluster", shape.ClusterPort))
	}
	return sorted(
		service(want, want.ServiceName(), corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: want.ServerSelector(),
			Ports:    []corev1.ServicePort{*https.DeepCopy()},
		}),
		service(want, want.HeadlessServiceName(), corev1.ServiceSpec{
			Type:                     corev1.ServiceTypeClusterIP,
			ClusterIP:                corev1.ClusterIPNone,
			PublishNotReadyAddresses: true,
			Selector:                 want.ServerSelector(),
			Ports:                    memberPorts,
		}),
	)
}

func service(want tenant.Spec, name string, spec corev1.ServiceSpec) client.Object {
	return &corev1.Service{
		TypeMeta:   typeOf(corev1.SchemeGroupVersion, "Service"),
		ObjectMeta: object(want, name, tenant.ComponentServer),
		Spec:       spec,
	}
}

func servicePort(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Protocol: corev1.ProtocolTCP, Port: number, TargetPort: intstr.FromInt32(number)}
}
