package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// deadline is for what a small, busy machine does in seconds.
const deadline = 2 * time.Minute

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

// limited is a service account with the rights of the operator in one namespace and none elsewhere.
func limited(t *testing.T, namespace string) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "limited"}}
	var everywhere rbacv1.ClusterRole
	if err := env.Admin.Get(t.Context(), client.ObjectKey{Name: "holdfast-manager"}, &everywhere); err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "holdfast-manager"}, Rules: append(everywhere.Rules, rbacv1.PolicyRule{
		APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}})}
	binding := &rbacv1.RoleBinding{ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account.Name}}}
	for _, object := range []client.Object{account, role, binding} {
		if err := env.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	config, err := env.Plane.ServiceAccountConfig(t.Context(), namespace, account.Name)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// running runs the operator; stop ends it and tells with what.
func running(t *testing.T, config *rest.Config, arguments ...string) (ended <-chan error, stop func()) {
	t.Helper()
	settings, err := parsed(t, append([]string{"--metrics-bind-address=0", "--health-probe-bind-address=0"}, arguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	result := make(chan error, 1)
	go func() { result <- Run(ctx, config, settings) }()
	return result, cancel
}

// policy makes the object that the operator judges with the fewest rights.
func policy(t *testing.T, namespace string) *v1alpha1.PasswordPolicy {
	t.Helper()
	made := &v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "staff"}}
	if err := env.Admin.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return made
}

func judged(ctx context.Context, made *v1alpha1.PasswordPolicy) error {
	if err := env.Admin.Get(ctx, client.ObjectKeyFromObject(made), made); err != nil {
		return err
	}
	if len(made.Status.Conditions) == 0 {
		return fmt.Errorf("PasswordPolicy of %s has no conditions", made.Namespace)
	}
	return nil
}

// With rights in one namespace alone the operator works there, and ends with the lease given back, so that the next goes on at once.
func TestRightsInOneNamespaceSuffice(t *testing.T) {
	here, elsewhere := env.ForeignNamespace(t), env.ForeignNamespace(t)
	inside, outside := policy(t, here), policy(t, elsewhere)
	config := limited(t, here)

	for arguments, want := range map[string]string{
		"":                                "--watch-namespaces",
		"--watch-namespaces=" + elsewhere: "bind the Role holdfast-manager to its service account there",
		"--watch-namespaces=" + here:      "--cluster-id",
	} {
		settings, err := parsed(t, strings.Fields(arguments)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := Run(t.Context(), config, settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("manager %s: got %v, want %q", arguments, err, want)
		}
	}

	ended, stop := running(t, config, "--watch-namespaces="+here, "--cluster-id=one", "--leader-election-namespace="+here)
	testenv.Eventually(t, deadline, func() error { return judged(t.Context(), inside) })
	if err := judged(t.Context(), outside); err == nil {
		t.Error("the operator judged an object of a namespace that it was not told")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var held coordinationv1.Lease
	if err := env.Admin.Get(t.Context(), client.ObjectKey{Namespace: here, Name: leaseName}, &held); err != nil {
		t.Fatal(err)
	}
	if holder := held.Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %s", *holder)
	}
}

// A shard works in the namespaces of its label, and ends when another joins, to start again with it.
func TestAShardWorksInItsNamespaces(t *testing.T) {
	ours, others := env.ForeignNamespace(t), env.ForeignNamespace(t)
	inside, outside := policy(t, ours), policy(t, others)
	label := func(name, value string) {
		t.Helper()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := env.Admin.Patch(t.Context(), namespace, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"labels":{"shard":%q}}}`, value))); err != nil {
			t.Fatal(err)
		}
	}
	label(ours, "a")
	label(others, "b")
	arguments := []string{"--shard-selector=shard=a", "--leader-elect=false"}
	settings, err := parsed(t, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), env.Manager, settings); err == nil || !strings.Contains(err.Error(), "holdfast-shard") {
		t.Fatalf("without the right to see namespaces: %v", err)
	}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "holdfast-shard"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "holdfast-shard"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: testenv.SystemNamespace, Name: testenv.ManagerAccount}}}
	if err := env.Admin.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}

	ended, _ := running(t, env.Manager, arguments...)
	testenv.Eventually(t, deadline, func() error { return judged(t.Context(), inside) })
	if err := judged(t.Context(), outside); err == nil {
		t.Error("the shard judged an object of another shard")
	}
	label(others, "a")
	select {
	case err := <-ended:
		if !errors.Is(err, errShardChanged) {
			t.Errorf("the manager ended with %v", err)
		}
	case <-time.After(deadline):
		t.Fatal("the manager goes on without the namespace that joined")
	}
	_, stop := running(t, env.Manager, arguments...)
	defer stop()
	testenv.Eventually(t, deadline, func() error { return judged(t.Context(), outside) })
}
