package olm

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	holdfast "github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/cmd/manager/app"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// deadline is for what a small, busy machine does in seconds.
const deadline = 2 * time.Minute

// ofModes: what the version says that OLM may choose is what the manager takes as a flag.
func ofModes(_ *testing.T, b *bundle) (found []string) {
	var l list
	modes := map[v1alpha1.InstallModeType]bool{}
	for _, mode := range b.version.Spec.InstallModes {
		_, twice := modes[mode.Type]
		l.add(twice, "installModes has %s twice", mode.Type)
		modes[mode.Type] = mode.Supported
	}
	for mode, targets := range map[v1alpha1.InstallModeType]string{v1alpha1.InstallModeTypeOwnNamespace: "operators", v1alpha1.InstallModeTypeSingleNamespace: "iam",
		v1alpha1.InstallModeTypeMultiNamespace: "iam,staff", v1alpha1.InstallModeTypeAllNamespaces: ""} {
		supported, said := modes[mode]
		l.add(!said, "installModes does not have %s", mode)
		settings, err := settings(b, "operators", targets)
		l.add(supported != (err == nil && strings.Join(settings.WatchNamespaces, ",") == targets), "installModes says %v of %s, and the manager, told %q, watches %q (%v)", supported, mode, targets, settings.WatchNamespaces, err)
	}
	return l
}

// settings are what the manager makes of the arguments of its container in a pod of this namespace, with OLM's annotation on it.
func settings(b *bundle, namespace, targets string) (*app.Settings, error) {
	pod := b.version.Spec.InstallStrategy.StrategySpec.DeploymentSpecs[0].Spec.Template.Spec
	container := pod.Containers[0]
	fields := map[string]string{"metadata.namespace": namespace, "spec.serviceAccountName": pod.ServiceAccountName, "metadata.annotations['olm.targetNamespaces']": targets}
	arguments := slices.Clone(container.Args)
	for _, variable := range container.Env {
		value, known := fields[variable.ValueFrom.FieldRef.FieldPath]
		if !known {
			return &app.Settings{}, fmt.Errorf("nobody says %s", variable.ValueFrom.FieldRef.FieldPath)
		}
		if variable.Name == "POD_NAMESPACE" {
			arguments = append(arguments, "--operator-namespace="+value, "--leader-election-namespace="+value)
		}
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(arguments[i], "$("+variable.Name+")", value)
		}
	}
	made, flags := &app.Settings{}, flag.NewFlagSet("manager", flag.ContinueOnError)
	made.Bind(flags)
	if err := flags.Parse(append(arguments, "--metrics-bind-address=0", "--health-probe-bind-address=0")); err != nil {
		return made, err
	}
	return made, made.Check()
}

// install does what OLM does with a bundle, as its sources have it: this is a stand-in, and OLM was not run. Without targets the
// permissions of one namespace hold in all, with a right to see namespaces.
func install(t *testing.T, b *bundle, namespace string, targets ...string) *rest.Config {
	t.Helper()
	strategy := b.version.Spec.InstallStrategy.StrategySpec
	account := strategy.DeploymentSpecs[0].Spec.Template.Spec.ServiceAccountName
	create := func(objects ...client.Object) {
		t.Helper()
		for _, object := range objects {
			if err := env.Admin.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}})
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}}
	everywhere, inside := strategy.ClusterPermissions[0].Rules, strategy.Permissions[0].Rules
	if len(targets) == 0 {
		everywhere = slices.Concat(everywhere, inside, []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}}})
	}
	role := metav1.ObjectMeta{Name: "olm-" + namespace}
	create(&rbacv1.ClusterRole{ObjectMeta: role, Rules: everywhere}, &rbacv1.ClusterRoleBinding{ObjectMeta: role, Subjects: subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name}})
	for _, target := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(targets), namespace)))) {
		role.Namespace = target
		create(&rbacv1.Role{ObjectMeta: role, Rules: inside}, &rbacv1.RoleBinding{ObjectMeta: role, Subjects: subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name}})
	}
	for _, object := range b.objects {
		object = object.DeepCopy()
		if slices.Contains([]string{"Service", "NetworkPolicy"}, object.GetKind()) {
			object.SetNamespace(namespace)
		}
		if _, err := testenv.Apply(t.Context(), env.Admin, object, "olm"); err != nil {
			t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	pod := strategy.DeploymentSpecs[0].Spec.Template
	pod.Annotations = map[string]string{"olm.targetNamespaces": strings.Join(targets, ",")}
	made := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: strategy.DeploymentSpecs[0].Name, Labels: strategy.DeploymentSpecs[0].Label}, Spec: strategy.DeploymentSpecs[0].Spec}
	made.Spec.Template = pod
	create(made, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "manager", Labels: pod.Labels, Annotations: pod.Annotations}, Spec: pod.Spec})
	config, err := env.Plane.ServiceAccountConfig(t.Context(), namespace, account)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// In each mode the operator works where the OperatorGroup says and nowhere else, under the rights that OLM grants, and has no Secret of
// a namespace that did not let it in.
func TestTheOperatorWorksWhereOLMSays(t *testing.T) {
	for mode, where := range map[string]func(own, other string) []string{
		"AllNamespaces":   func(string, string) []string { return nil },
		"OwnNamespace":    func(own, _ string) []string { return []string{own} },
		"SingleNamespace": func(_, other string) []string { return []string{other} },
		"MultiNamespace":  func(own, other string) []string { return []string{other, own} },
	} {
		t.Run(mode, func(t *testing.T) {
			b := load(t)
			own, other, outside := env.ForeignNamespace(t), env.ForeignNamespace(t), env.ForeignNamespace(t)
			targets := where(own, other)
			config := install(t, b, own, targets...)
			settings, err := settings(b, own, strings.Join(targets, ","))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- app.Run(ctx, config, settings) }()

			policies := map[string]*holdfast.PasswordPolicy{}
			for _, namespace := range []string{outside, other, own} {
				policies[namespace] = &holdfast.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "staff"}}
				if err := env.Admin.Create(t.Context(), policies[namespace]); err != nil {
					t.Fatal(err)
				}
			}
			inside := func(namespace string) bool { return len(targets) == 0 || slices.Contains(targets, namespace) }
			for namespace, policy := range policies {
				if inside(namespace) {
					testenv.Eventually(t, deadline, func() error { return judged(t, policy) })
				}
			}
			for namespace, policy := range policies {
				if !inside(namespace) && judged(t, policy) == nil {
					t.Errorf("the operator judged an object of %s, which no OperatorGroup selects", namespace)
				}
			}
			secret := authorizationv1.ResourceAttributes{Namespace: outside, Verb: "get", Resource: "secrets"}
			if may(t, config, secret) {
				t.Error("by OLM the operator reads Secrets of a namespace that did not let it in")
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error("the manager ended with", err)
			}
		})
	}
}

func judged(t *testing.T, policy *holdfast.PasswordPolicy) error {
	if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(policy), policy); err != nil {
		return err
	}
	if len(policy.Status.Conditions) == 0 {
		return fmt.Errorf("the PasswordPolicy of %s has no conditions", policy.Namespace)
	}
	return nil
}

func may(t *testing.T, config *rest.Config, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	as, err := client.New(config, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &what}}
	if err := as.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
