package desired

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// dice makes specifications by chance, sound and broken ones. Equal seeds make equal
// ones, whose maps were filled in another order each time.
type dice struct{ *rand.Rand }

func roll(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 1))} }

func (d dice) spec() tenant.Spec {
	want := full()
	want.Name = fmt.Sprintf("t%d", d.IntN(1000))
	want.Replicas = pick(d, nil, new(int32(1)), new(int32(3)))
	want.Database.Peers, want.Database.PeerPort = d.peers(1), d.port()
	want.Network.From = d.peers(0)
	want.OperatorPeer = d.peer()
	want.Network.Egress = nil
	for range d.IntN(3) {
		egress := tenant.Egress{Peers: d.peers(1)}
		for range d.IntN(3) {
			egress.Ports = append(egress.Ports, tenant.EgressPort{Port: d.port(), Protocol: pick(d, "", corev1.ProtocolUDP)})
		}
		want.Network.Egress = append(want.Network.Egress, egress)
	}
	want.Mail = pick(d, nil, &tenant.Mail{Host: "smtp.example", Peers: d.peers(1), PeerPort: d.port()})
	for i := range want.Keystores {
		want.Keystores[i].Duration = time.Duration(d.IntN(3)) * time.Hour
	}
	d.Shuffle(len(want.Keystores), func(i, j int) {
		want.Keystores[i], want.Keystores[j] = want.Keystores[j], want.Keystores[i]
	})
	want.Exposure.Admin = pick(d, nil, want.Exposure.Admin, want.Exposure.Public)
	return want
}

func (d dice) peers(atLeast int) []networkingv1.NetworkPolicyPeer {
	if d.IntN(20) == 0 {
		return nil
	}
	var peers []networkingv1.NetworkPolicyPeer
	for range atLeast + d.IntN(3) {
		peers = append(peers, d.peer())
	}
	return peers
}

func (d dice) peer() networkingv1.NetworkPolicyPeer {
	if d.IntN(30) == 0 {
		return pick(d,
			networkingv1.NetworkPolicyPeer{},
			networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}},
			blocks("0.0.0.0/0")[0], blocks("10.0.0.7/0")[0], blocks("::/0")[0], blocks("elsewhere")[0])
	}
	return pick(d,
		blocks(fmt.Sprintf("10.%d.0.0/16", d.IntN(256)))[0], blocks("2001:db8::/32")[0],
		pods(d.labels())[0], podsOf(fmt.Sprintf("ns%d", d.IntN(9)), d.labels()))
}

func (d dice) labels() map[string]string {
	labels := map[string]string{}
	numbers := make([]int, 1+d.IntN(6))
	for i := range numbers {
		numbers[i] = d.IntN(100)
	}
	// The order of filling comes from outside the dice: it must never show.
	for _, i := range rand.Perm(len(numbers)) {
		labels[fmt.Sprintf("key-%d", numbers[i])] = "value"
	}
	return labels
}

func (d dice) port() int32 {
	if d.IntN(30) == 0 {
		return pick(d, int32(0), -1, 65536)
	}
	return 1 + d.Int32N(65535)
}

func pick[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }

// FuzzEqualSpecsGiveEqualBytes holds the promise that apply stands on: an unchanged
// tenant causes no write.
func FuzzEqualSpecsGiveEqualBytes(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, b := range builders {
			once, firstErr := b.build(roll(seed).spec())
			again, secondErr := b.build(roll(seed).spec())
			if fmt.Sprint(firstErr) != fmt.Sprint(secondErr) {
				t.Fatalf("%s fails in two ways for one specification: %v and %v", b.name, firstErr, secondErr)
			}
			if diff := cmp.Diff(string(encode(t, once)), string(encode(t, again))); diff != "" {
				t.Fatalf("%s builds two things from one specification:\n%s", b.name, diff)
			}
		}
	})
}

// What apply does to an object before it sends it must not reach the specification.
func TestBuildersShareNothingWithTheirInput(t *testing.T) {
	for _, b := range builders {
		want := full()
		before := marshal(t, want)
		objects, err := b.build(want)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			scribble(object)
		}
		if diff := cmp.Diff(before, marshal(t, want)); diff != "" {
			t.Errorf("%s: a change to what it built changed the specification:\n%s", b.name, diff)
		}
	}
	files := idp.Files{"deployment.toml": []byte("original")}
	secret := ConfigSecret(full(), files)
	secret.Data["deployment.toml"][0] = 'X'
	if string(files["deployment.toml"]) != "original" {
		t.Error("a change to the Secret changed the files that it was made of")
	}
}

func scribble(object client.Object) {
	object.GetLabels()["scribbled"] = "yes"
	object.GetOwnerReferences()[0].Name = "scribbled"
	policy, ok := object.(*networkingv1.NetworkPolicy)
	if !ok {
		return
	}
	scribblePeers := func(peers []networkingv1.NetworkPolicyPeer) {
		for _, peer := range peers {
			if peer.PodSelector != nil && peer.PodSelector.MatchLabels != nil {
				peer.PodSelector.MatchLabels["scribbled"] = "yes"
			}
			if peer.IPBlock != nil {
				peer.IPBlock.CIDR = "scribbled"
			}
		}
	}
	for _, rule := range policy.Spec.Ingress {
		scribblePeers(rule.From)
	}
	for _, rule := range policy.Spec.Egress {
		scribblePeers(rule.To)
	}
}

func marshal(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
