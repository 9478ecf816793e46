package resolve

import (
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
)

// peersOf says where a dependency is and on which port its pods listen. It never
// answers "anywhere": what nobody knows is a Terminal fault, reason PeerUnknown.
func peersOf(h host, namespace string, refs References) ([]networkingv1.NetworkPolicyPeer, int32, error) {
	if h.peer != nil {
		return h.peer.NetworkPolicyPeers(), h.port, nil
	}
	if address, err := netip.ParseAddr(h.name); err == nil {
		block := netip.PrefixFrom(address, address.BitLen()).String()
		return []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: block}}}, h.port, nil
	}
	name, serviceNamespace, ok := serviceOf(h.name, namespace)
	if !ok {
		return nil, 0, fault.Terminal(v1alpha1.ReasonPeerUnknown,
			"%s: a NetworkPolicy cannot name the host %s: write in %s where it is (cidrs or podSelector)", h.field, h.name, h.peerField)
	}
	service := refs.Services[name+"."+serviceNamespace]
	if service == nil || len(service.Spec.Selector) == 0 {
		return nil, 0, fault.Terminal(v1alpha1.ReasonPeerUnknown,
			"%s: the Service %s/%s selects no pods by labels: write in %s where its endpoints are", h.field, serviceNamespace, name, h.peerField)
	}
	for _, port := range service.Spec.Ports {
		if port.Port != h.port {
			continue
		}
		target := port.Port
		switch {
		case port.TargetPort.Type == intstr.String:
			return nil, 0, fault.Terminal(v1alpha1.ReasonPeerUnknown,
				"%s: port %d of the Service %s/%s targets the port name %q, whose number only its pods know: write in %s where they are and in port the number", h.field, h.port, serviceNamespace, name, port.TargetPort.StrVal, h.peerField)
		case port.TargetPort.IntVal != 0:
			target = port.TargetPort.IntVal
		}
		return []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: service.Spec.Selector}}}, target, nil
	}
	return nil, 0, fault.Terminal(v1alpha1.ReasonPeerUnknown,
		"%s: the Service %s/%s has no port %d: correct the port", h.field, serviceNamespace, name, h.port)
}

// ingressPeers are the declared peers and those of the gateways and ingress
// controllers that publish the server.
func ingressPeers(cr *v1alpha1.IdentityTenant) []networkingv1.NetworkPolicyPeer {
	var peers []networkingv1.NetworkPolicyPeer
	if network := cr.Spec.Network; network != nil {
		for _, from := range network.From {
			peers = append(peers, from.NetworkPolicyPeers()...)
		}
	}
	for _, route := range routes(cr) {
		if route.ingress != nil {
			peers = append(peers, route.ingress.Controller.NetworkPolicyPeers()...)
		}
		if route.gateway == nil {
			continue
		}
		for _, parent := range route.gateway.ParentRefs {
			namespace := parent.Namespace
			if namespace == "" {
				namespace = cr.Namespace
			}
			// The pods of most implementations run beside the Gateway, but their labels are
			// not standard: the namespace is as narrow as can be said for all of them.
			peers = append(peers, networkingv1.NetworkPolicyPeer{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}},
			})
		}
	}
	return peers
}

type route struct {
	gateway *v1alpha1.GatewayRoute
	ingress *v1alpha1.IngressRoute
}

func routes(cr *v1alpha1.IdentityTenant) []route {
	var found []route
	exposure := cr.Spec.Exposure
	if exposure == nil {
		return nil
	}
	if public := exposure.Public; public != nil {
		found = append(found, route{public.Gateway, public.Ingress})
	}
	if admin := exposure.Admin; admin != nil {
		found = append(found, route{admin.Gateway, admin.Ingress})
	}
	return found
}
