package desired

import (
	"net/netip"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func TestNoRuleMeansAnywhere(t *testing.T) {
	built, refused := 0, 0
	for seed := range uint64(2000) {
		product := shape()
		if seed%2 == 0 {
			product.MetricsPort = 9100
		}
		objects, err := NetworkPolicies(roll(seed).spec(), product)
		if err != nil {
			refused++
			if !fault.IsTerminal(err) {
				t.Fatalf("seed %d: a broken specification is for a person to mend, got %v", seed, err)
			}
			continue
		}
		built++
		for _, object := range objects {
			policy := object.(*networkingv1.NetworkPolicy)
			for _, rule := range policy.Spec.Ingress {
				checkBounded(t, seed, policy.Name, rule.From, rule.Ports)
			}
			for _, rule := range policy.Spec.Egress {
				checkBounded(t, seed, policy.Name, rule.To, rule.Ports)
			}
		}
	}
	if built < 100 || refused < 100 {
		t.Fatalf("%d specifications were built and %d refused: the dice have to make enough of both", built, refused)
	}
}

func checkBounded(t *testing.T, seed uint64, policy string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
	t.Helper()
	if len(peers) == 0 || len(ports) == 0 {
		t.Fatalf("seed %d: %s has a rule with %d peers and %d ports, and none means all", seed, policy, len(peers), len(ports))
	}
	for _, peer := range peers {
		everywhere := peer.IPBlock == nil && peer.PodSelector == nil && peer.NamespaceSelector == nil
		if peer.IPBlock != nil {
			everywhere = netip.MustParsePrefix(peer.IPBlock.CIDR).Bits() == 0
		}
		if peer.NamespaceSelector != nil && len(peer.NamespaceSelector.MatchLabels)+len(peer.NamespaceSelector.MatchExpressions) == 0 {
			everywhere = true
		}
		if everywhere {
			t.Fatalf("seed %d: %s has a peer that means anywhere: %v", seed, policy, peer)
		}
	}
}

func TestBrokenPeersAreRefusedByName(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tenant.Spec)
		says   string
	}{
		"database without a peer":  {func(s *tenant.Spec) { s.Database.Peers = nil }, "spec.database: nothing says where"},
		"database without a port":  {func(s *tenant.Spec) { s.Database.PeerPort = 0 }, "spec.database: 0 is not a port"},
		"mail without a peer":      {func(s *tenant.Spec) { s.Mail.Peers = nil }, "spec.mail: nothing says where"},
		"directory without a peer": {func(s *tenant.Spec) { s.UserStores[0].Egress[0].Peers = nil }, "spec.userStores[0].ldap: nothing says where"},
		"egress without a peer":    {func(s *tenant.Spec) { s.Network.Egress[0].Peers = nil }, "spec.network.egress: nothing says where"},
		"egress without a port":    {func(s *tenant.Spec) { s.Network.Egress[0].Ports = nil }, "every port"},
		"operator unknown": {
			func(s *tenant.Spec) { s.OperatorPeer = networkingv1.NetworkPolicyPeer{} }, "the operator: a peer names neither",
		},
		"every IPv4 address": {func(s *tenant.Spec) { s.Database.Peers = blocks("0.0.0.0/0") }, "0.0.0.0/0 means every address"},
		"every IPv6 address": {func(s *tenant.Spec) { s.Network.From = blocks("::/0") }, "::/0 means every address"},
		"no address":         {func(s *tenant.Spec) { s.Database.Peers = blocks("db.example") }, `"db.example" is not an address block`},
		"every namespace": {func(s *tenant.Spec) {
			s.Network.From = []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}
		}, "every namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			want := full()
			c.change(&want)
			objects, err := NetworkPolicies(want, shape())
			if err == nil {
				t.Fatalf("built %d policies, wanted a refusal", len(objects))
			}
			if !fault.IsTerminal(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, wanted a Terminal fault that says %q", err, c.says)
			}
		})
	}
}

func TestWhoReachesWhat(t *testing.T) {
	want := full()
	product := shape()
	product.MetricsPort = 9100
	server := endpoint{namespace: "iam", labels: want.Labels(tenant.ComponentServer)}
	job := endpoint{namespace: "iam", labels: want.Labels(tenant.ComponentSchema)}
	other := want
	other.Name = "other"
	stranger := endpoint{namespace: "iam", labels: other.Labels(tenant.ComponentServer)}
	database := endpoint{namespace: "iam", labels: map[string]string{"app": "db"}}
	dns := endpoint{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}}
	gateway := endpoint{namespace: "gateways", labels: map[string]string{"app": "gateway"}}
	operator := endpoint{namespace: "holdfast-system", labels: map[string]string{
		tenant.LabelName: "holdfast", tenant.LabelComponent: "controller-manager",
	}}
	prometheus := endpoint{namespace: "monitoring", labels: map[string]string{tenant.LabelName: "prometheus"}}
	internet := endpoint{address: "198.51.100.1"}
	mail := endpoint{address: "10.9.0.25"}

	for _, c := range []struct {
		name     string
		from, to endpoint
		port     int32
		admitted bool
	}{
		{"gateway to server", gateway, server, 9443, true},
		{"operator to server", operator, server, 9443, true},
		{"declared block to server", endpoint{address: "10.3.1.2"}, server, 9443, true},
		{"another tenant to server", stranger, server, 9443, false},
		{"internet to server", internet, server, 9443, false},
		{"Prometheus to metrics", prometheus, server, 9100, true},
		{"Prometheus to HTTPS", prometheus, server, 9443, false},
		{"gateway to metrics", gateway, server, 9100, false},
		{"member to member", server, server, 4000, true},
		{"gateway to the cluster port", gateway, server, 4000, false},
		{"operator to the cluster port", operator, server, 4000, false},
		{"another tenant to the cluster port", stranger, server, 4000, false},
		{"schema Job to the cluster port", job, server, 4000, false},
		{"gateway to schema Job", gateway, job, 9443, false},
		{"operator to schema Job", operator, job, 9443, false},
		{"server to DNS", server, dns, 53, true},
		{"server to the database's port", server, database, 5433, true},
		{"server to the Service's port of the database", server, database, 5432, false},
		{"server to mail", server, mail, 587, true},
		{"server to another tenant", server, stranger, 4000, false},
		{"server to the internet", server, internet, 443, false},
		{"server to declared egress", server, endpoint{address: "192.0.2.9"}, 443, true},
		{"server to another port there", server, endpoint{address: "192.0.2.9"}, 80, false},
		{"schema Job to DNS", job, dns, 53, true},
		{"schema Job to the database", job, database, 5433, true},
		{"schema Job to mail", job, mail, 587, false},
		{"schema Job to declared egress", job, endpoint{address: "192.0.2.9"}, 443, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := admitted(t, want, product, c.from, c.to, c.port); got != c.admitted {
				t.Errorf("admitted %v, wanted %v", got, c.admitted)
			}
		})
	}
}

// endpoint is a pod, or an address outside.
type endpoint struct {
	namespace string
	labels    map[string]string
	address   string
}

// admitted reads the tenant's policies as a network plugin does: a pod that a policy
// selects in a direction is reached, or reaches out, by rules only.
func admitted(t *testing.T, want tenant.Spec, product idp.Shape, from, to endpoint, port int32) bool {
	t.Helper()
	objects, err := NetworkPolicies(want, product)
	if err != nil {
		t.Fatal(err)
	}
	outDenied, outAdmitted, inDenied, inAdmitted := false, false, false, false
	for _, object := range objects {
		policy := object.(*networkingv1.NetworkPolicy)
		for _, direction := range policy.Spec.PolicyTypes {
			if direction == networkingv1.PolicyTypeEgress && selected(t, *policy, from) {
				outDenied = true
				for _, rule := range policy.Spec.Egress {
					outAdmitted = outAdmitted || isPeer(t, policy.Namespace, rule.To, to) && isPort(rule.Ports, port)
				}
			}
			if direction == networkingv1.PolicyTypeIngress && selected(t, *policy, to) {
				inDenied = true
				for _, rule := range policy.Spec.Ingress {
					inAdmitted = inAdmitted || isPeer(t, policy.Namespace, rule.From, from) && isPort(rule.Ports, port)
				}
			}
		}
	}
	return (!outDenied || outAdmitted) && (!inDenied || inAdmitted)
}

func selected(t *testing.T, policy networkingv1.NetworkPolicy, pod endpoint) bool {
	t.Helper()
	return pod.namespace == policy.Namespace && matches(t, &policy.Spec.PodSelector, pod.labels)
}

func isPeer(t *testing.T, namespace string, peers []networkingv1.NetworkPolicyPeer, e endpoint) bool {
	t.Helper()
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
			if e.address != "" && netip.MustParsePrefix(peer.IPBlock.CIDR).Contains(netip.MustParseAddr(e.address)) {
				return true
			}
		case e.address != "":
		case peer.NamespaceSelector == nil && e.namespace != namespace:
		case peer.NamespaceSelector != nil && !matches(t, peer.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": e.namespace}):
		case peer.PodSelector == nil || matches(t, peer.PodSelector, e.labels):
			return true
		}
	}
	return false
}

func isPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	for _, p := range ports {
		if p.Port.IntVal == port {
			return true
		}
	}
	return false
}

func matches(t *testing.T, selector *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(of))
}
