package functional

import (
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// TestKstatusAgrees asks the library by which Flux, Argo CD and others read objects: InProgress while a tenant moves, Current
// for it and everything of it once it is Ready, Failed while a person is needed.
func TestKstatusAgrees(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, economical(), ns)
	tenant := harness.NewTenant(ns, "acme")
	if err := world.Admin.Create(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	seen := map[status.Status]int{}
	eventually(t, "the tenant to be Current", func() bool {
		found := kstatus(t, read(t, v1alpha1.GroupVersion.WithKind("IdentityTenant").Kind, ns, "acme"))
		seen[found]++
		return found == status.CurrentStatus
	})
	if seen[status.InProgressStatus] == 0 || seen[status.FailedStatus] > 0 || seen[status.UnknownStatus] > 0 {
		t.Errorf("on its way the tenant was %v", seen)
	}
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Errorf("kstatus calls it Current: %v", err)
	}
	asked := 0
	for _, object := range everything(t, ns) {
		if slices.Contains([]string{"Event", "Lease"}, object.GetKind()) {
			continue
		}
		asked++
		if found := kstatus(t, &object); found != status.CurrentStatus {
			t.Errorf("%s %s is %s", object.GetKind(), object.GetName(), found)
		}
	}
	t.Logf("on its way the tenant was %v; then kstatus called %d objects of the namespace Current", seen, asked)
	restricted(t, ns)

	failed := harness.NewTenant(ns, "lost")
	failed.Spec.Database.PostgreSQL.Host = "db.nowhere.example"
	if err := world.Admin.Create(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a tenant that needs a person to be Failed", func() bool {
		return kstatus(t, read(t, "IdentityTenant", ns, "lost")) == status.FailedStatus
	})
	before := read(t, "IdentityTenant", ns, "lost")
	before.Object["spec"].(map[string]any)["database"].(map[string]any)["postgresql"].(map[string]any)["host"] = "db"
	if err := world.Admin.Update(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the corrected tenant to be Current", func() bool {
		return kstatus(t, read(t, "IdentityTenant", ns, "lost")) == status.CurrentStatus
	})
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

// restricted wants the pods to run where the restricted Pod Security level is enforced.
func restricted(t *testing.T, ns string) {
	t.Helper()
	namespace := &corev1.Namespace{}
	if err := world.Admin.Get(t.Context(), types.NamespacedName{Name: ns}, namespace); err != nil {
		t.Fatal(err)
	}
	if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace's labels: %v", namespace.Labels)
	}
	var pods corev1.PodList
	if err := world.Admin.List(t.Context(), &pods, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodRunning {
			running++
		}
	}
	if running < 2 {
		t.Errorf("%d of %d pods run", running, len(pods.Items))
	}
	privileged := pods.Items[0].DeepCopy()
	privileged.ObjectMeta = metav1.ObjectMeta{Namespace: ns, Name: "privileged"}
	privileged.Spec.HostNetwork = true
	if err := world.Admin.Create(t.Context(), privileged); err == nil {
		t.Error("a pod with the host's network was admitted: the level is not enforced")
	}
	t.Logf("%d pods run in a namespace that enforces the restricted level", running)
}

func kstatus(t *testing.T, object *unstructured.Unstructured) status.Status {
	t.Helper()
	result, err := status.Compute(object)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

// read gives an object of one of our own kinds.
func read(t *testing.T, kind, ns, name string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	if err := world.Admin.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: name}, object); err != nil {
		t.Fatal(err)
	}
	return object
}
