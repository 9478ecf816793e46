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
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
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

// Who is not let in says what to run, with the names of this installation, and goes on once it was run: under the usual names
// as under others, with the ClusterRole as with a Role of the namespace.
func TestWhatIsSaidLetsTheOperatorIn(t *testing.T) {
	usual, limitedTo := env.ForeignNamespace(t), env.ForeignNamespace(t)
	var rules rbacv1.ClusterRole
	if err := env.Admin.Get(t.Context(), client.ObjectKey{Name: testenv.TenantNamespaceRole}, &rules); err != nil {
		t.Fatal(err)
	}
	inside := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: limitedTo, Name: "inside"}, Rules: rules.Rules}
	if err := env.Admin.Create(t.Context(), inside); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]struct {
		namespace, want string
		config          *rest.Config
		arguments       []string
	}{
		"usual": {namespace: usual, config: env.Manager, arguments: []string{"--watch-namespaces=" + usual, "--leader-elect=false"},
			want: "--clusterrole=holdfast-tenant-namespace --serviceaccount=holdfast-system:holdfast-controller-manager -n " + usual},
		"limited": {namespace: limitedTo, config: limited(t, limitedTo),
			arguments: []string{"--watch-namespaces=" + limitedTo, "--leader-elect=false", "--cluster-id=one", "--operator-namespace=" + limitedTo, "--service-account=limited", "--tenant-role=role/inside"},
			want:      "--role=inside --serviceaccount=" + limitedTo + ":limited -n " + limitedTo},
	} {
		t.Run(name, func(t *testing.T) {
			connection := &v1alpha1.VaultConnection{ObjectMeta: metav1.ObjectMeta{Namespace: mode.namespace, Name: "vault"}, Spec: v1alpha1.VaultConnectionSpec{
				Address: "https://vault.example:8200", Auth: v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetesAuth{Role: "tenants"}}}}
			store := &v1alpha1.Keystore{ObjectMeta: connection.ObjectMeta, Spec: v1alpha1.KeystoreSpec{VaultRef: v1alpha1.LocalReference{Name: "vault"},
				Entries: []v1alpha1.KeystoreEntry{{Alias: "signing", Certificate: &v1alpha1.EntryCertificate{SelfSigned: &v1alpha1.SelfSigned{}}}}}}
			for _, object := range []client.Object{connection, store} {
				if err := env.Admin.Create(t.Context(), object); err != nil {
					t.Fatal(err)
				}
			}
			ended, stop := running(t, mode.config, mode.arguments...)
			reasons := func() (reason, message string) {
				for object, conditions := range map[client.Object]*[]metav1.Condition{connection: &connection.Status.Conditions, store: &store.Status.Conditions} {
					if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
						t.Fatal(err)
					}
					if ready := apimeta.FindStatusCondition(*conditions, v1alpha1.ConditionReady); ready != nil {
						reason, message = reason+" "+ready.Reason, ready.Message
					}
				}
				return reason, message
			}
			var told string
			testenv.Eventually(t, deadline, func() error {
				reason, message := reasons()
				if told = message; strings.Count(reason, v1alpha1.ReasonNamespaceNotAdmitted) != 2 || !strings.HasSuffix(told, mode.want) {
					return fmt.Errorf("%s: %s; want NamespaceNotAdmitted of both, and %s", reason, message, mode.want)
				}
				return nil
			})
			if err := harness.RunSaid(t.Context(), env.Plane, told, t.Output()); err != nil {
				t.Fatal(err)
			}
			testenv.Eventually(t, deadline, func() error {
				if reason, message := reasons(); strings.Contains(reason, v1alpha1.ReasonNamespaceNotAdmitted) {
					return fmt.Errorf("after what was said was done: %s", message)
				}
				return nil
			})
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
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
