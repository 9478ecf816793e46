package desired

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// TestOnAnAPIServer asks a real API server, with the operator's own rights, what the
// builders can only assume: that it takes every object, and that an object applied
// twice is written once.
func TestOnAnAPIServer(t *testing.T) {
	env, err := testenv.Start(t.Context(), testenv.Options{GatewayAPI: true})
	if err != nil {
		t.Fatalf("no API server to ask: %v", err)
	}
	t.Cleanup(env.Stop)
	operator, err := client.New(env.Manager, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}

	otherWay := full() // public by an Ingress, admin by Gateways
	otherWay.Exposure.Public, otherWay.Exposure.Admin = otherWay.Exposure.Admin, otherWay.Exposure.Public
	longest := full()
	longest.Name = strings.Repeat("n", 40)
	for name, want := range map[string]tenant.Spec{"minimal": minimal(), "full": full(), "other way": otherWay, "longest name": longest} {
		t.Run(name, func(t *testing.T) {
			want.Namespace = env.Namespace(t)
			for _, b := range builders {
				objects, err := b.build(want)
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range objects {
					first, err := testenv.Apply(t.Context(), operator, object, tenant.FieldManager)
					if err != nil {
						t.Errorf("%s: the API server refuses %s: %v", b.name, object.GetName(), err)
						continue
					}
					if b.name == "keystores" {
						// A status is dropped on creation, so the default in its schema is first stored by the next write.
						if first, err = testenv.Apply(t.Context(), operator, object, tenant.FieldManager); err != nil {
							t.Fatal(err)
						}
					}
					again, err := testenv.Apply(t.Context(), operator, object, tenant.FieldManager)
					if err != nil || again != first {
						t.Errorf("%s: applying %s again writes it again (%v)", b.name, object.GetName(), err)
					}
				}
			}
		})
	}
	t.Run("pod security", func(t *testing.T) { testHarden(t, env) })
}

// testHarden holds Harden against the level restricted as the API server knows it.
func testHarden(t *testing.T, env *testenv.Environment) {
	pod := func() *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: env.ForeignNamespace(t), Name: "pod"},
			Spec: corev1.PodSpec{
				ServiceAccountName: "default",
				InitContainers: []corev1.Container{{Name: "prepare", Image: "image", SecurityContext: &corev1.SecurityContext{
					RunAsNonRoot: new(false), RunAsUser: new(int64(802)),
					Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}},
				}}},
				Containers: []corev1.Container{{Name: "server", Image: "image"}},
			},
		}
	}
	create := func(p *corev1.Pod) error { return env.Admin.Create(t.Context(), p, client.DryRunAll) }
	weak := pod()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: weak.Namespace, Name: "default"}}
	if err := env.Admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if err := create(weak); err == nil || !strings.Contains(err.Error(), "PodSecurity") {
		t.Fatalf("a weak pod: got %v, wanted a refusal by PodSecurity: without it this test shows nothing", err)
	}
	podsecurity.Harden(&weak.Spec)
	if err := create(weak); err != nil {
		t.Errorf("a hardened pod is refused: %v", err)
	}
	if user := weak.Spec.InitContainers[0].SecurityContext.RunAsUser; user == nil || *user != 802 {
		t.Errorf("user %v, wanted 802 to stay", user)
	}
	for _, volume := range weak.Spec.Volumes {
		if volume.Projected != nil {
			t.Errorf("the API server mounts its token as volume %s", volume.Name)
		}
	}
	for _, container := range append(weak.Spec.InitContainers, weak.Spec.Containers...) {
		if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
			t.Errorf("container %s may write to its root", container.Name)
		}
	}
}
