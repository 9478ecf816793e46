package idptest

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// FactsFor are what a pass has seen before it builds the workload.
func FactsFor(want tenant.Spec) tenant.Facts {
	seen := tenant.Facts{Credentials: "acme-credentials-0123456789", DesiredRevision: "abcdef0123", Keystores: map[tenant.KeystoreRole]tenant.KeystoreFact{}}
	for _, store := range want.Keystores {
		seen.Keystores[store.Role] = tenant.KeystoreFact{SecretName: want.KeystoreName(store.Role) + "-0123456789", Alias: store.Alias}
	}
	return seen
}

// TheAPIServerTakesIt asks a real API server about what a driver renders: its validation, what
// it changes of an object that is applied again, and whether the level restricted admits the
// pods.
func TheAPIServerTakesIt(t *testing.T, driver idp.Driver, cases map[string]tenant.Spec) {
	t.Helper()
	env, err := testenv.Start(t.Context(), testenv.Options{})
	if err != nil {
		t.Fatalf("no API server to ask: %v", err)
	}
	t.Cleanup(env.Stop)
	operator, err := client.New(env.Manager, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			want.Namespace = env.Namespace(t)
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: want.Namespace, Name: want.ServiceAccountName()}}
			if err := env.Admin.Create(t.Context(), account); err != nil {
				t.Fatal(err)
			}
			workload, err := driver.Workload(want, FactsFor(want), "acme-config-0123456789")
			if err != nil {
				t.Fatal(err)
			}
			jobs, err := driver.SchemaJob(want, FactsFor(want), "owner")
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range append(jobs, workload...) {
				first := applied(t, operator, object)
				if again := applied(t, operator, object); again != first {
					t.Errorf("%s %s: applied again, it is written again", object.GetObjectKind().GroupVersionKind().Kind, object.GetName())
				}
			}
			admitted(t, env.Admin, want.Namespace, "server", workload[0].(*appsv1.StatefulSet).Spec.Template.Spec)
			admitted(t, env.Admin, want.Namespace, "schema", jobs[0].(*batchv1.Job).Spec.Template.Spec)
		})
	}
}

func applied(t *testing.T, operator client.Client, object client.Object) (resourceVersion string) {
	t.Helper()
	version, err := testenv.Apply(t.Context(), operator, object, tenant.FieldManager)
	if err != nil {
		t.Errorf("the API server refuses %s: %v", object.GetName(), err)
	}
	return version
}

// admitted holds a pod against the level restricted, and a weaker one, so that it is seen to act.
func admitted(t *testing.T, admin client.Client, namespace, name string, spec corev1.PodSpec) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: *spec.DeepCopy()}
	pod.Spec.PriorityClassName = "" // there is none of that name, and a pod needs it to exist
	weak := pod.DeepCopy()
	if err := admin.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Errorf("the pod of %s is refused: %v", name, err)
	}
	weak.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
	if err := admin.Create(t.Context(), weak, client.DryRunAll); err == nil {
		t.Errorf("a weaker pod of %s is admitted: this test shows nothing", name)
	}
}
