package desired

import (
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// In a NetworkPolicy an empty list of peers means every address and an empty list of
// ports every port. These constructors make sure that neither is ever built.

func ingressRule(field string, from []networkingv1.NetworkPolicyPeer, numbers ...int32) (networkingv1.NetworkPolicyIngressRule, error) {
	to := tcps(numbers)
	if err := checkRule(field, from, to); err != nil {
		return networkingv1.NetworkPolicyIngressRule{}, err
	}
	return networkingv1.NetworkPolicyIngressRule{From: clonePeers(from), Ports: to}, nil
}

func egressRule(field string, to []networkingv1.NetworkPolicyPeer, through ...networkingv1.NetworkPolicyPort) (networkingv1.NetworkPolicyEgressRule, error) {
	if err := checkRule(field, to, through); err != nil {
		return networkingv1.NetworkPolicyEgressRule{}, err
	}
	return networkingv1.NetworkPolicyEgressRule{To: clonePeers(to), Ports: through}, nil
}

func checkRule(field string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) error {
	if len(peers) == 0 {
		return fault.Terminal(reasonPeerUnknown,
			"%s: nothing says where its peer is, and a rule without one would admit every address; declare its peer as cidrs or selectors", field)
	}
	for _, peer := range peers {
		if err := checkPeer(field, peer); err != nil {
			return err
		}
	}
	if len(ports) == 0 {
		return fault.Terminal(reasonInvalidSpec, "%s: no port is declared, and a rule without one would admit every port; declare its ports", field)
	}
	for _, p := range ports {
		if number := p.Port.IntValue(); number < 1 || number > 65535 {
			return fault.Terminal(reasonInvalidSpec, "%s: %d is not a port; declare one from 1 to 65535", field, number)
		}
	}
	return nil
}

func checkPeer(field string, peer networkingv1.NetworkPolicyPeer) error {
	if peer.IPBlock != nil {
		block, err := netip.ParsePrefix(peer.IPBlock.CIDR)
		if err != nil {
			return fault.Terminal(reasonInvalidSpec, "%s: %q is not an address block; write one such as 10.20.0.0/16", field, peer.IPBlock.CIDR)
		}
		if block.Bits() == 0 {
			return fault.Terminal(reasonInvalidSpec, "%s: %s means every address; name the blocks that are needed", field, peer.IPBlock.CIDR)
		}
		return nil
	}
	if peer.NamespaceSelector == nil && peer.PodSelector == nil {
		return fault.Terminal(reasonPeerUnknown, "%s: a peer names neither pods nor namespaces nor an address block; declare one of them", field)
	}
	if peer.NamespaceSelector != nil && selectsAll(*peer.NamespaceSelector) {
		return fault.Terminal(reasonInvalidSpec,
			"%s: an empty namespaceSelector means every namespace; name them, for example by the label kubernetes.io/metadata.name", field)
	}
	return nil
}

func selectsAll(s metav1.LabelSelector) bool {
	return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

func clonePeers(peers []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	clones := make([]networkingv1.NetworkPolicyPeer, 0, len(peers))
	for _, peer := range peers {
		clones = append(clones, *peer.DeepCopy())
	}
	return clones
}
