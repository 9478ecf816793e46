package keycloak_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// TestTheAPIServerTakesIt asks a real API server: its validation, what it changes of
// an object that is applied again, and whether the level restricted admits the pods.
func TestTheAPIServerTakesIt(t *testing.T) {
	env, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatalf("no API server to ask: %v", err)
	}
	t.Cleanup(env.Stop)
	operator, err := client.New(env.Manager, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range cases() {
		t.Run(name, func(t *testing.T) {
			want.Namespace = env.Namespace(t)
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: want.Namespace, Name: want.ServiceAccountName()}}
			if err := env.Admin.Create(t.Context(), account); err != nil {
				t.Fatal(err)
			}
			r := render(t, want)
			jobs, err := keycloak.Driver{}.SchemaJob(want, factsFor(want), "owner")
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range append(jobs, r.workload) {
				first := apply(t, operator, object)
				if again := apply(t, operator, object); again != first {
					t.Errorf("%s %s: applied again, it is written again", object.GetObjectKind().GroupVersionKind().Kind, object.GetName())
				}
			}
			priority := r.workload.Spec.Template.Spec.DeepCopy()
			priority.PriorityClassName = "" // there is none of that name, and a pod needs it to exist
			for kind, spec := range map[string]corev1.PodSpec{"server": *priority, "schema": withoutPriority(r.job.Spec.Template.Spec)} {
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: want.Namespace, Name: kind}, Spec: spec}
				if err := env.Admin.Create(t.Context(), pod, client.DryRunAll); err != nil {
					t.Errorf("the pod of %s is refused: %v", kind, err)
				}
				weak := &corev1.Pod{ObjectMeta: pod.ObjectMeta, Spec: *spec.DeepCopy()}
				weak.ResourceVersion = ""
				weak.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
				if err := env.Admin.Create(t.Context(), weak, client.DryRunAll); err == nil {
					t.Errorf("a weaker pod of %s is admitted: this test shows nothing", kind)
				}
			}
		})
	}
}

func withoutPriority(spec corev1.PodSpec) corev1.PodSpec {
	spec.PriorityClassName = ""
	return spec
}

func apply(t *testing.T, c client.Client, object client.Object) (resourceVersion string) {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	delete(content, "status")
	sent := &unstructured.Unstructured{Object: content}
	if err := c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(sent), client.FieldOwner(tenant.FieldManager), client.ForceOwnership); err != nil {
		t.Errorf("the API server refuses %s: %v", object.GetName(), err)
	}
	return sent.GetResourceVersion()
}
