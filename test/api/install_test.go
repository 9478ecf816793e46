package api

import (
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// The namespace of the operator enforces the restricted level, and its pod is let in there. It knows where it runs, which
// it does not start without, and as whom, which it says where it is not let in.
func TestTheOperatorsPodIsLetIntoARestrictedNamespace(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "config", "manager", "manager.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	if err := yaml.UnmarshalStrict(content, &deployment); err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := admin.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: deployment.Spec.Template.Spec.ServiceAccountName}}
	if err := admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "manager", Labels: deployment.Spec.Template.Labels}, Spec: deployment.Spec.Template.Spec}
	if err := admin.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
	told := map[string]string{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		told[variable.Name] = variable.ValueFrom.FieldRef.FieldPath
	}
	if told["POD_NAMESPACE"] != "metadata.namespace" {
		t.Error("the manager is not told its namespace by POD_NAMESPACE and would end at once")
	}
	if told["POD_SERVICE_ACCOUNT"] != "spec.serviceAccountName" {
		t.Error("the manager is not told its service account by POD_SERVICE_ACCOUNT and would name another to whoever has to let it in")
	}
}

// Who edits a namespace writes tenants, but grants no waiver and writes no record of a rotation.
func TestAnEditorWritesTenantsAndGrantsNoWaiver(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "edit-"}}
	if err := admin.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	config := as(t, "namespace-editor", namespace.Name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "holdfast-edit"})
	editor, err := client.New(config, client.Options{Scheme: admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	write := func(kind string) error {
		made := object(t, kind, "")
		made.SetNamespace(namespace.Name)
		return editor.Create(t.Context(), made, client.DryRunAll)
	}
	testenv.Eventually(t, admissionDeadline, func() error { return write("IdentityTenant") })
	for _, kind := range []string{"HardeningWaiver", "RotationRecord"} {
		if err := write(kind); !apierrors.IsForbidden(err) {
			t.Errorf("an editor writes a %s: want Forbidden, got %v", kind, err)
		}
	}
}
