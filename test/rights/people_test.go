package rights

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// peopleDeadline bounds the time until the cluster acts by its aggregated roles.
const peopleDeadline = time.Minute

// person has one of Kubernetes' own roles in one namespace and nothing else.
type person struct {
	client.Client
	namespace, kubeconfig string
}

func newPerson(t *testing.T, namespace, role string) *person {
	t.Helper()
	name := role + "-of-" + namespace
	config, err := env.Plane.UserConfig(name)
	if err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}}
	if err := env.Admin.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	p := &person{namespace: namespace, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if p.Client, err = client.New(config, client.Options{Scheme: env.Scheme}); err != nil {
		t.Fatal(err)
	}
	if err := env.Plane.WriteKubeconfig(p.kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, peopleDeadline, func() error {
		return p.List(t.Context(), &v1alpha1.IdentityTenantList{}, client.InNamespace(namespace))
	})
	return p
}

// runs runs the program as this person.
func (p *person) runs(t *testing.T, program string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+p.kubeconfig)
	command.Dir = t.TempDir()
	output, err := command.CombinedOutput()
	return string(output), err
}

func buildHoldfast(t *testing.T) string {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "holdfast")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-w", "-o", program, "./cmd/holdfast")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build holdfast: %v\n%s", err, output)
	}
	return program
}

// commands are what people type to look; controls and lint ask no cluster.
func commands(t *testing.T, namespace string) map[string][]string {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(root, "config", "samples", "minimal")
	return map[string][]string{
		"status":         {"status", "-n", namespace},
		"schedule":       {"schedule", "nightly", "-n", namespace},
		"support-bundle": {"support-bundle", "-n", namespace, "-f", filepath.Join(t.TempDir(), "bundle.tar.gz")},
		"controls":       {"controls", "--id", "TLS-04"},
		"lint":           {"lint", manifest},
	}
}

// Who has edit in a namespace declares tenants and uses every command; waivers are not theirs. Who has view looks on.
func TestPeopleOfOneNamespace(t *testing.T) {
	holdfast, namespace := buildHoldfast(t), env.ForeignNamespace(t)
	editor, viewer := newPerson(t, namespace, "edit"), newPerson(t, namespace, "view")
	testenv.Eventually(t, peopleDeadline, func() error {
		return client.IgnoreAlreadyExists(editor.Create(t.Context(), harness.NewTenant(namespace, "acme")))
	})
	nightly := &v1alpha1.RotationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "nightly"},
		Spec: v1alpha1.RotationScheduleSpec{Every: &metav1.Duration{Duration: 720 * time.Hour}}}
	if err := editor.Create(t.Context(), nightly); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{editor, viewer} {
		for name, arguments := range commands(t, namespace) {
			if output, err := p.runs(t, holdfast, arguments...); err != nil {
				t.Errorf("holdfast %s: %v\n%s", name, err, output)
			}
		}
	}
	ask := []string{"rotate", "tenant", "acme", "-n", namespace, "--material", "administrator", "--yes"}
	if output, err := viewer.runs(t, holdfast, ask...); err == nil || !strings.Contains(output, "forbidden") {
		t.Errorf("who may only look rotates: %v\n%s", err, output)
	}
	if output, err := editor.runs(t, holdfast, ask...); err != nil {
		t.Errorf("who may edit rotates: %v\n%s", err, output)
	}
	if err := viewer.Create(t.Context(), harness.NewTenant(namespace, "another")); !apierrors.IsForbidden(err) {
		t.Errorf("who may only look declares a tenant: %v", err)
	}
	waive(t, namespace, map[string]*person{"edit": editor, "view": viewer})
}

// waive wants it forbidden to both to make, change and remove a waiver, and allowed to look at it.
func waive(t *testing.T, namespace string, people map[string]*person) {
	t.Helper()
	waiver := func() *v1alpha1.HardeningWaiver {
		return &v1alpha1.HardeningWaiver{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "weaker"}, Spec: v1alpha1.HardeningWaiverSpec{
			Control: "TLS-04", Reason: "a test", Expires: "2099-01-01"}}
	}
	for role, p := range people {
		var waivers v1alpha1.HardeningWaiverList
		for action, err := range map[string]error{
			"make":   p.Create(t.Context(), waiver()),
			"change": p.Patch(t.Context(), waiver(), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`))),
			"remove": p.Delete(t.Context(), waiver()),
		} {
			if !apierrors.IsForbidden(err) {
				t.Errorf("%s a waiver by %s: want Forbidden, got %v", action, role, err)
			}
		}
		if err := p.List(t.Context(), &waivers, client.InNamespace(namespace)); err != nil {
			t.Errorf("look at waivers by %s: %v", role, err)
		}
	}
}
