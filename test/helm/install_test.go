package helm

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// TestAReleaseFromFirstToLast goes the way of a release on one cluster: an older version with people's objects in it is
// upgraded, a tenant becomes Ready under the rights that the release grants, the release goes and what people have stays, and
// another release comes that works in one namespace alone.
func TestAReleaseFromFirstToLast(t *testing.T) {
	c := start(t)
	begin := time.Now()
	step := func(what string) {
		t.Logf("%5.1fs %s", time.Since(begin).Seconds(), what)
		begin = time.Now()
	}

	c.install(t, previous(t), "")
	before := c.olderObjects(t)
	step("the previous version is installed, and people have objects in it")
	objects := c.upgrade(t)
	c.unchanged(t, before)
	step("upgraded; nothing of theirs is lost")

	c.surround(t, "iam")
	stop := c.operate(t, deploymentArguments(t, objects))
	acme := harness.NewTenant("iam", "acme")
	if err := c.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	c.letIn(t, acme)
	if err := c.AwaitReady(t.Context(), acme, deadline); err != nil {
		t.Fatal(err, c.Diagnose(t.Context(), "iam"))
	}
	stop()
	c.leaseGivenBack(t)
	step("iam/acme said what lets the operator in, that was run, it is Ready, and the manager stopped")

	left := c.uninstall(t, objects)
	if kinds := kindsOf(left); !slices.Equal(kinds, []string{"CustomResourceDefinition: 8"}) {
		t.Fatalf("the release is gone and left %q", kinds)
	}
	c.stillServes(t, "iam", "acme")
	step("uninstalled; of " + strings.Join(kindsOf(objects), ", ") + " stay " + strings.Join(kindsOf(left), ", ") + ", and acme serves on")

	c.surround(t, "staff")
	objects = c.install(t, load(t), `{scope: Namespaced, watchNamespaces: [staff], clusterID: one-cluster, crds: {enabled: false}}`)
	stop = c.operate(t, deploymentArguments(t, objects))
	partners := harness.NewTenant("staff", "partners")
	if err := c.Admin.Create(t.Context(), partners); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitReady(t.Context(), partners, deadline); err != nil {
		t.Fatal(err, c.Diagnose(t.Context(), "staff"))
	}
	stop()
	if left := c.uninstall(t, objects); len(left) > 0 {
		t.Errorf("the release of one namespace left %q", kindsOf(left))
	}
	c.stillServes(t, "staff", "partners")
	step("a release of the namespace staff alone made staff/partners Ready, and is gone")
}

// previous is the chart with the definitions of an older version: those of commit c4c1970.
func previous(t *testing.T) *chart.Chart {
	t.Helper()
	of := load(t)
	of.Templates = slices.DeleteFunc(of.Templates, func(file *chart.File) bool { return strings.HasPrefix(file.Name, "templates/crds/") })
	paths, err := filepath.Glob(filepath.Join("testdata", "previous", "crds", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no older definitions:", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		of.Templates = append(of.Templates, &chart.File{Name: "templates/crds/" + filepath.Base(path), Data: content})
	}
	return of
}

// olderObjects are people's, written for the older version.
func (c *cluster) olderObjects(t *testing.T) (objects []*unstructured.Unstructured) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "previous", "objects", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no older objects:", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		object := decode(t, string(content))[0]
		object.SetName(strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".", "-")))
		testenv.Eventually(t, deadline, func() error { return client.IgnoreAlreadyExists(c.Admin.Create(t.Context(), object.DeepCopy())) })
		if err := c.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

func (c *cluster) upgrade(t *testing.T) (objects []client.Object) {
	t.Helper()
	upgrade := action.NewUpgrade(c.helm(t))
	upgrade.Namespace = testenv.SystemNamespace
	release, err := upgrade.RunWithContext(t.Context(), "holdfast", load(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range decode(t, release.Manifest) {
		objects = append(objects, object)
	}
	return objects
}

// since is what today's definitions say of a field that there was not: as it was without the field.
var since = map[string]map[string]any{"Keystore": {"format": "PKCS12"}}

// unchanged looks whether the older objects are as they were, and whether today's definitions take them.
func (c *cluster) unchanged(t *testing.T, before []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range before {
		now := object.DeepCopy()
		if err := c.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), now); err != nil {
			t.Error(err)
			continue
		}
		for field, value := range since[object.GetKind()] {
			if err := unstructured.SetNestedField(object.Object, value, "spec", field); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(object.Object["spec"], now.Object["spec"]); diff != "" {
			t.Errorf("%s %s lost or gained by the upgrade:\n%s", object.GetKind(), object.GetName(), diff)
		}
		now.SetAnnotations(map[string]string{"example.com/touched": "after the upgrade"})
		testenv.Eventually(t, deadline, func() error {
			return client.WithFieldValidation(c.Admin, metav1.FieldValidationStrict).Update(t.Context(), now.DeepCopy(), client.DryRunAll)
		})
	}
	t.Logf("looked at %d objects of the previous version", len(before))
}

func deploymentArguments(t *testing.T, objects []client.Object) []string {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetNamespace() == testenv.SystemNamespace && object.GetObjectKind().GroupVersionKind().Kind == "Deployment" {
			o := object.DeepCopyObject().(*unstructured.Unstructured)
			o.SetNamespace("identity")
			all = append(all, o)
		}
	}
	return arguments(t, all)
}

// leaseGivenBack: another manager needs not wait until the lease of the one that stopped runs out.
func (c *cluster) leaseGivenBack(t *testing.T) {
	t.Helper()
	var leases coordinationv1.LeaseList
	if err := c.Admin.List(t.Context(), &leases, client.InNamespace(testenv.SystemNamespace)); err != nil {
		t.Fatal(err)
	}
	for _, lease := range leases.Items {
		if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
			t.Errorf("the lease %s is still held by %s", lease.Name, *holder)
		}
	}
	if len(leases.Items) != 1 {
		t.Errorf("there are %d leases, want that of the manager", len(leases.Items))
	}
}

// stillServes: without an operator a tenant goes on as it is.
func (c *cluster) stillServes(t *testing.T, namespace, name string) {
	t.Helper()
	var set appsv1.StatefulSet
	if err := c.Admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &set); err != nil {
		t.Fatal(err)
	}
	var pods corev1.PodList
	if err := c.Admin.List(t.Context(), &pods, client.InNamespace(namespace), client.MatchingLabels(set.Spec.Selector.MatchLabels)); err != nil {
		t.Fatal(err)
	}
	if set.DeletionTimestamp != nil || set.Status.ReadyReplicas == 0 || len(pods.Items) == 0 {
		t.Errorf("%s/%s serves no more: %d ready, %d pods", namespace, name, set.Status.ReadyReplicas, len(pods.Items))
	}
}

// kindsOf counts objects by kind.
func kindsOf(objects []client.Object) (counts []string) {
	found := map[string]int{}
	for _, object := range objects {
		found[object.GetObjectKind().GroupVersionKind().Kind]++
	}
	for kind, count := range found {
		counts = append(counts, kind+": "+strconv.Itoa(count))
	}
	slices.Sort(counts)
	return counts
}
