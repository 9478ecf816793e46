package api

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// apply creates what a file of config/ has.
func apply(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "config", file))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		made := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &made.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := admin.Create(t.Context(), made); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(t.Context()), made) })
	}
}

// as is whom RBAC lets do something in a namespace.
func as(t *testing.T, user, namespace string, role rbacv1.RoleRef) *rest.Config {
	t.Helper()
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user}, RoleRef: role,
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}}
	if err := admin.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(plane)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return config
}

func denied(err error, says string) error {
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), says) {
		return fmt.Errorf("want a refusal that says %q, got %w", says, err)
	}
	return nil
}

// Who may write every custom resource of a namespace still grants no waiver, nor does an administrator of the namespace as OLM makes
// them, with every verb on the kind; a security officer does.
func TestAWaiverIsForWhomItWasGranted(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "waivers-"}}
	if err := admin.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	role := func(resources, verbs []string) rbacv1.RoleRef {
		made := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, GenerateName: "much-"},
			Rules: []rbacv1.PolicyRule{{APIGroups: []string{"iam.holdfast.dev"}, Resources: resources, Verbs: verbs}}}
		if err := admin.Create(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: made.Name}
	}
	apply(t, "admission/waivers.yaml")
	waiver := func(config *rest.Config) error {
		who, err := client.New(config, client.Options{Scheme: admin.Scheme()})
		if err != nil {
			return err
		}
		made := object(t, "HardeningWaiver", "")
		made.SetNamespace(namespace.Name)
		return who.Create(t.Context(), made, client.DryRunAll)
	}
	for user, role := range map[string]rbacv1.RoleRef{
		"editor":        role([]string{"*"}, []string{"create", "update", "patch", "get", "list", "delete"}),
		"administrator": role([]string{"hardeningwaivers"}, []string{"*"}),
	} {
		config := as(t, user, namespace.Name, role)
		testenv.Eventually(t, admissionDeadline, func() error { return denied(waiver(config), "a security officer's decision") })
	}
	officer := as(t, "officer", namespace.Name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "holdfast-waiver-granter"})
	testenv.Eventually(t, admissionDeadline, func() error { return waiver(officer) })
}

// Nobody opens a shell in an identity server, not even who may do everything.
func TestNobodyEntersAnIdentityServer(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shut-", Labels: map[string]string{"iam.holdfast.dev/admission": "enforced"}}}
	if err := admin.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	if err := admin.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "default"}}); err != nil {
		t.Fatal(err)
	}
	pods := []*corev1.Pod{}
	for name, labels := range map[string]map[string]string{"server": {"app.kubernetes.io/part-of": "holdfast"}, "other": nil} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: name, Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example/a"}}}}
		if err := admin.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		pods = append(pods, pod)
	}
	apply(t, "admission/exec.yaml")
	clients := kubernetes.NewForConfigOrDie(plane)
	for _, way := range []string{"exec", "attach", "portforward"} {
		testenv.Eventually(t, admissionDeadline, func() error {
			err := clients.CoreV1().RESTClient().Post().Namespace(namespace.Name).Resource("pods").Name("server").SubResource(way).
				Param("command", "id").Param("stdout", "true").Param("ports", "9443").Do(t.Context()).Error()
			return denied(err, "This namespace holds identity servers")
		})
	}
	debug := func(pod *corev1.Pod) error {
		changed := pod.DeepCopy()
		changed.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "registry.example/b"}}}
		_, err := clients.CoreV1().Pods(namespace.Name).UpdateEphemeralContainers(t.Context(), pod.Name, changed, metav1.UpdateOptions{})
		return err
	}
	for _, pod := range pods {
		testenv.Eventually(t, admissionDeadline, func() error {
			if pod.Name == "other" {
				return debug(pod)
			}
			return denied(debug(pod), "This pod is an identity server")
		})
	}
}
