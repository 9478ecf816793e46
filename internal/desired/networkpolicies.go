package desired

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NetworkPolicies denies every pod of the tenant everything, then admits what is
// declared: to the server its HTTPS port from the declared peers and the operator, and
// from the server DNS, the database, the mail server, directories and the declared egress; from the
// schema Job DNS and the database only. The cluster port, whose protocol neither
// encrypts nor authenticates, is open between the server's own pods alone.
//
// Rules name the port of the pod behind a Service, because a policy sees addresses
// after the Service's translation. DNS is the Service of CoreDNS in kube-system; a
// node-local cache has to be declared in spec.network.egress.
//
// A dependency without a peer, a peer that means anywhere, and a rule without a port
// are Terminal faults: the rule that they would become admits everything.
func NetworkPolicies(want tenant.Spec, shape idp.Shape) ([]client.Object, error) {
	ingress, err := serverIngress(want, shape)
	if err != nil {
		return nil, err
	}
	egress, err := serverEgress(want, shape)
	if err != nil {
		return nil, err
	}
	database, err := databaseRule(want)
	if err != nil {
		return nil, err
	}
	both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	return sorted(
		networkPolicy(want, "default-deny", networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: everyPod(want)},
			PolicyTypes: slices.Clone(both),
		}),
		networkPolicy(want, tenant.ComponentServer, networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: want.ServerSelector()},
			PolicyTypes: slices.Clone(both),
			Ingress:     ingress,
			Egress:      egress,
		}),
		networkPolicy(want, tenant.ComponentSchema, networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: want.SchemaSelector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
			Egress:      []networkingv1.NetworkPolicyEgressRule{dnsRule(), database},
		}),
	), nil
}

func networkPolicy(want tenant.Spec, suffix string, spec networkingv1.NetworkPolicySpec) client.Object {
	return &networkingv1.NetworkPolicy{
		TypeMeta:   typeOf(networkingv1.SchemeGroupVersion, "NetworkPolicy"),
		ObjectMeta: object(want, want.Name+"-"+suffix, componentNetwork),
		Spec:       spec,
	}
}

// everyPod selects the tenant's pods of every component.
func everyPod(want tenant.Spec) map[string]string {
	labels := want.ServerSelector()
	delete(labels, tenant.LabelComponent)
	return labels
}

func serverIngress(want tenant.Spec, shape idp.Shape) ([]networkingv1.NetworkPolicyIngressRule, error) {
	admitted := append(slices.Clone(want.Network.From), want.OperatorPeer)
	https, err := ingressRule("spec.network.from and the operator", admitted, shape.HTTPSPort)
	if err != nil {
		return nil, err
	}
	rules := []networkingv1.NetworkPolicyIngressRule{https}
	if shape.ClusterPort != 0 {
		members, err := ingressRule("the cluster's members", serverPods(want), memberPorts(shape)...)
		if err != nil {
			return nil, err
		}
		rules = append(rules, members)
	}
	if shape.MetricsPort != 0 {
		metrics, err := ingressRule("Prometheus", prometheusPods(), shape.MetricsPort)
		if err != nil {
			return nil, err
		}
		rules = append(rules, metrics)
	}
	return rules, nil
}

func serverEgress(want tenant.Spec, shape idp.Shape) ([]networkingv1.NetworkPolicyEgressRule, error) {
	database, err := databaseRule(want)
	if err != nil {
		return nil, err
	}
	rules := []networkingv1.NetworkPolicyEgressRule{dnsRule(), database}
	if want.Mail != nil {
		mail, err := egressRule("spec.mail", want.Mail.Peers, tcp(want.Mail.PeerPort))
		if err != nil {
			return nil, err
		}
		rules = append(rules, mail)
	}
	for _, store := range want.UserStores {
		for _, at := range store.Egress {
			directory, err := egressRule(store.Field, at.Peers, ports(at.Ports)...)
			if err != nil {
				return nil, err
			}
			rules = append(rules, directory)
		}
	}
	if shape.ClusterPort != 0 {
		members, err := egressRule("the cluster's members", serverPods(want), tcps(memberPorts(shape))...)
		if err != nil {
			return nil, err
		}
		rules = append(rules, members)
	}
	for _, declared := range want.Network.Egress {
		further, err := egressRule("spec.network.egress", declared.Peers, ports(declared.Ports)...)
		if err != nil {
			return nil, err
		}
		rules = append(rules, further)
	}
	return rules, nil
}

func databaseRule(want tenant.Spec) (networkingv1.NetworkPolicyEgressRule, error) {
	return egressRule("spec.database", want.Database.Peers, tcp(want.Database.PeerPort))
}

func dnsRule() networkingv1.NetworkPolicyEgressRule {
	resolver := networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: metav1.NamespaceSystem}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
	}
	return networkingv1.NetworkPolicyEgressRule{
		To:    []networkingv1.NetworkPolicyPeer{resolver},
		Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, 53), port(corev1.ProtocolTCP, 53)},
	}
}

func serverPods(want tenant.Spec) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: want.ServerSelector()}}}
}

func memberPorts(shape idp.Shape) []int32 {
	if shape.FailurePort == 0 {
		return []int32{shape.ClusterPort}
	}
	return []int32{shape.ClusterPort, shape.FailurePort}
}

// prometheusPods is where the common Prometheus installations run. No field declares it.
func prometheusPods() []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "monitoring"}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{tenant.LabelName: "prometheus"}},
	}}
}

func ports(declared []tenant.EgressPort) []networkingv1.NetworkPolicyPort {
	result := make([]networkingv1.NetworkPolicyPort, 0, len(declared))
	for _, p := range declared {
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		result = append(result, port(protocol, p.Port))
	}
	return result
}

func tcps(numbers []int32) []networkingv1.NetworkPolicyPort {
	result := make([]networkingv1.NetworkPolicyPort, 0, len(numbers))
	for _, number := range numbers {
		result = append(result, tcp(number))
	}
	return result
}

func tcp(number int32) networkingv1.NetworkPolicyPort { return port(corev1.ProtocolTCP, number) }

func port(protocol corev1.Protocol, number int32) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: new(intstr.FromInt32(number))}
}
