package api

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// folders of config/ that people apply, in this order, and what each has at least.
var folders = []struct {
	name  string
	kinds []string
}{
	{"crd", []string{"CustomResourceDefinition"}},
	{"default", []string{"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "Namespace", "NetworkPolicy", "Role", "RoleBinding", "Service", "ServiceAccount"}},
	{"namespaced/rights", []string{"Role", "RoleBinding"}},
	{"namespaced", []string{"Deployment", "Namespace", "NetworkPolicy", "Role", "RoleBinding", "Service", "ServiceAccount"}},
	{"prometheus", []string{"ConfigMap", "PrometheusRule", "ServiceMonitor"}},
	{"argocd", []string{"ConfigMap"}},
	{"admission", []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}},
}

// inOthers are folders that are a part of these.
var inOthers = []string{"manager", "rbac"}

// What kubectl applies of config/ a real API server takes, and again without a change. A pod of each Deployment is let in where it is.
func TestEachFolderOfConfigApplies(t *testing.T) {
	if err := localenv.Build(t.Context(), os.Stderr, localenv.Kubectl); err != nil {
		t.Fatal(err)
	}
	kubectl, err := localenv.Kubectl.Path()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := control.WriteKubeconfig(kubeconfig, plane); err != nil {
		t.Fatal(err)
	}
	ofPrometheus(t)
	for _, name := range []string{"iam", "argocd"} {
		if err := client.IgnoreAlreadyExists(admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})); err != nil {
			t.Fatal(err)
		}
	}
	apply := func(folder string) []unstructured.Unstructured {
		t.Helper()
		command := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "apply", "--server-side", "-k", filepath.Join("..", "..", "config", folder), "-o", "yaml")
		output, err := command.Output()
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			t.Fatalf("kubectl apply -k config/%s: %s", folder, failed.Stderr)
		}
		var list struct{ Items []map[string]any }
		if unmarshalled := yaml.Unmarshal(output, &list); err != nil || unmarshalled != nil {
			t.Fatal(err, unmarshalled)
		}
		if list.Items == nil { // kubectl makes no list of one object
			list.Items = make([]map[string]any, 1)
			if err := yaml.Unmarshal(output, &list.Items[0]); err != nil {
				t.Fatal(err)
			}
		}
		var objects []unstructured.Unstructured
		for _, item := range list.Items {
			objects = append(objects, unstructured.Unstructured{Object: item})
		}
		return objects
	}
	for _, folder := range folders {
		first := apply(folder.name)
		if folder.name == "admission" {
			t.Cleanup(func() {
				for _, object := range first {
					_ = admin.Delete(context.WithoutCancel(t.Context()), &object)
				}
			})
		}
		var kinds []string
		versions := map[string]string{}
		for _, object := range first {
			kinds = append(kinds, object.GetKind())
			versions[object.GetKind()+"/"+object.GetName()] = object.GetResourceVersion()
			if object.GetKind() == "Deployment" {
				letIn(t, object)
			}
		}
		slices.Sort(kinds)
		if kinds = slices.Compact(kinds); !slices.Equal(kinds, folder.kinds) {
			t.Errorf("config/%s has %q, want %q", folder.name, kinds, folder.kinds)
		}
		for _, object := range apply(folder.name) {
			if name := object.GetKind() + "/" + object.GetName(); versions[name] != object.GetResourceVersion() {
				t.Errorf("config/%s, applied again, changes %s", folder.name, name)
			}
		}
		t.Logf("config/%s: %d objects", folder.name, len(first))
	}
}

// No folder is forgotten.
func TestEachFolderOfConfigIsApplied(t *testing.T) {
	root := filepath.Join("..", "..", "config")
	paths, err := filepath.Glob(filepath.Join(root, "*", "kustomization.yaml"))
	deeper, failed := filepath.Glob(filepath.Join(root, "*", "*", "kustomization.yaml"))
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	known := slices.Clone(inOthers)
	for _, folder := range folders {
		known = append(known, folder.name)
	}
	for _, path := range append(paths, deeper...) {
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), filepath.ToSlash(root)+"/")
		if !slices.Contains(known, folder) {
			t.Errorf("config/%s is not applied by any test", folder)
		}
	}
}

// letIn asks the namespace of a Deployment, which has the restricted level, to take a pod of it.
func letIn(t *testing.T, object unstructured.Unstructured) {
	t.Helper()
	var deployment appsv1.Deployment
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &deployment); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: "manager", Labels: deployment.Spec.Template.Labels}, Spec: deployment.Spec.Template.Spec}
	if err := admin.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
}

// ofPrometheus makes stand-ins of the definitions of the Prometheus operator, which take every field: the rules themselves are checked by
// promtool in config/prometheus.
func ofPrometheus(t *testing.T) {
	t.Helper()
	for plural, kind := range map[string]string{"servicemonitors": "ServiceMonitor", "prometheusrules": "PrometheusRule"} {
		open := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}
		definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: plural + ".monitoring.coreos.com"},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: "monitoring.coreos.com", Scope: apiextensionsv1.NamespaceScoped,
				Names:    apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Singular: strings.ToLower(kind), Kind: kind, ListKind: kind + "List"},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: open}}}}}
		if err := admin.Create(t.Context(), definition); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, admissionDeadline, func() error {
			list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "monitoring.coreos.com/v1", "kind": kind + "List"}}
			return admin.List(t.Context(), list)
		})
	}
}
