package functional

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// deliverer is the field manager of a tool that delivers manifests.
const deliverer = "argocd-controller"

// A tool that delivers the samples by server-side apply sees no drift once they are reconciled: every field is as its manifest
// has it, nobody else took one over, and to deliver them again changes nothing.
func TestSamplesDeliveredTwiceDoNotDrift(t *testing.T) {
	t.Parallel()
	objects := samples(t, "minimal", "keycloak", "full", "keystore")
	reachVault(t, objects)
	for _, object := range objects {
		if object.GetKind() == "Namespace" {
			deliver(t, object) // before the operator's caches are limited to them
		}
	}
	authority := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "vault-ca"}, Data: map[string]string{"ca.crt": string(world.Vault.CA())}}
	if err := world.Admin.Create(t.Context(), authority); err != nil {
		t.Fatal(err)
	}
	operated(t, harness.OperatorOptions{}, "iam", "staff", "billing")
	for _, object := range objects {
		deliver(t, object)
	}
	acme := harness.NewTenant("iam", "acme")
	if err := world.AwaitReady(t.Context(), acme, waitDeadline); err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GroupVersionKind().Group == v1alpha1.GroupVersion.Group {
			testenv.Eventually(t, waitDeadline, func() error { return lookedAt(live(t, object)) })
		}
	}
	for _, object := range objects {
		before := live(t, object)
		name := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
		for _, field := range drift("", object.Object, before.Object) {
			t.Errorf("%s: %s", name, field)
		}
		if diff := cmp.Diff(spoken(before), spoken(dryRun(t, object))); diff != "" {
			t.Errorf("%s: to deliver it again would change (-is +would be):\n%s", name, diff)
		}
		deliver(t, object)
		after := live(t, object)
		if diff := cmp.Diff(spoken(before), spoken(after)); diff != "" {
			t.Errorf("%s: to deliver it again changed (-was +is):\n%s", name, diff)
		}
		if first, second := delivered(before), delivered(after); !apiequality.Semantic.DeepEqual(first, second) {
			t.Errorf("%s: what %s has of it changed from %v to %v", name, deliverer, first, second)
		}
	}
	t.Logf("%d objects of the samples were delivered twice", len(objects))
}

// samples reads the objects of folders, in the order in which people apply them.
func samples(t *testing.T, folders ...string) (objects []*unstructured.Unstructured) {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, "config", "samples", folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no samples in %s (%v)", folder, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(string(content), "\n---\n") {
				object := &unstructured.Unstructured{}
				if err := utilyaml.Unmarshal([]byte(document), &object.Object); err != nil {
					t.Fatal(fmt.Errorf("%s: %w", file, err))
				}
				objects = append(objects, object)
			}
		}
	}
	return objects
}

// reachVault does in this world's Vault what minimal/ says of one, and has its VaultConnection lead there; no other field of a
// sample is changed.
func reachVault(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	const role = "samples"
	rules := `path "secret/data/holdfast/iam/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/holdfast/iam/*" { capabilities = ["create", "read", "update", "list", "delete"] }
path "secret/data/acme/db" { capabilities = ["read"] }`
	if err := world.Vault.WritePolicy(t.Context(), role, rules); err != nil {
		t.Fatal(err)
	}
	if err := world.Vault.WriteKubernetesRole(t.Context(), localenv.TenantAuthMount, role, localenv.KubernetesRole{
		ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{"iam"}, Audience: localenv.TenantAudience, Policies: []string{role}, TTL: readyDeadline * 60}); err != nil {
		t.Fatal(err)
	}
	if _, err := world.Vault.Root().KVv2(localenv.TenantKVMount).Put(t.Context(), "acme/db", map[string]any{"username": "acme", "password": "of-the-sample"}); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "VaultConnection" && o.GetNamespace() == "iam"
	})
	for path, value := range map[string]any{
		"spec.address": world.Vault.Address(), "spec.auth.kubernetes.role": role, "spec.ca.configMapRef.name": "vault-ca", "spec.ca.configMapRef.key": "ca.crt"} {
		if err := unstructured.SetNestedField(objects[i].Object, value, strings.Split(path, ".")...); err != nil {
			t.Fatal(err)
		}
	}
}

// deliver applies an object without force: a field that somebody else took over is a conflict.
func deliver(t *testing.T, object *unstructured.Unstructured, options ...client.ApplyOption) *unstructured.Unstructured {
	t.Helper()
	sent := object.DeepCopy()
	if err := world.Admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(sent), append(options, client.FieldOwner(deliverer))...); err != nil {
		t.Fatalf("deliver %s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return sent
}

func dryRun(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	return deliver(t, object, client.DryRunAll)
}

func live(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(object.GroupVersionKind())
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), found); err != nil {
		t.Fatal(err)
	}
	return found
}

// lookedAt wants every condition to be about the object as it is.
func lookedAt(object *unstructured.Unstructured) error {
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil || len(conditions) == 0 {
		return fmt.Errorf("%s %s has no conditions (%v)", object.GetKind(), object.GetName(), err)
	}
	for _, condition := range conditions {
		if of, _, _ := unstructured.NestedInt64(condition.(map[string]any), "observedGeneration"); of != object.GetGeneration() {
			return fmt.Errorf("%s %s: %v", object.GetKind(), object.GetName(), condition)
		}
	}
	return nil
}

// spoken is what a tool compares of an object: all but the status, and what the API server counts.
func spoken(object *unstructured.Unstructured) map[string]any {
	content := object.DeepCopy().Object
	delete(content, "status")
	for _, field := range []string{"resourceVersion", "managedFields"} {
		delete(content["metadata"].(map[string]any), field)
	}
	return content
}

// delivered is the deliverer's own entry of who has which field.
func delivered(object *unstructured.Unstructured) []metav1.ManagedFieldsEntry {
	return slices.DeleteFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager != deliverer })
}

// drift gives each field of a manifest that the object has otherwise.
func drift(path string, manifest, object any) (fields []string) {
	switch want := manifest.(type) {
	case map[string]any:
		have, _ := object.(map[string]any)
		for name, value := range want {
			fields = append(fields, drift(path+"."+name, value, have[name])...)
		}
	case []any:
		have, _ := object.([]any)
		if len(have) != len(want) {
			return []string{fmt.Sprintf("%s has %d items, and %d in its manifest", path, len(have), len(want))}
		}
		for i := range want {
			fields = append(fields, drift(fmt.Sprintf("%s[%d]", path, i), want[i], have[i])...)
		}
	default:
		if !reflect.DeepEqual(manifest, object) {
			return []string{fmt.Sprintf("%s is %v, and %v in its manifest", path, object, manifest)}
		}
	}
	return fields
}
