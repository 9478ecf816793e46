package functional

import (
	"context"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// The operator works where a RoleBinding admits it and nowhere else, follows the
// RoleBinding's coming and going without a restart, and reads no foreign Secret.
func TestOnlyAnAdmittedNamespaceIsWorkedOn(t *testing.T) {
	t.Parallel()
	binding := &rbacv1.RoleBinding{}
	ns, admitted, foreign := namespace(t), namespace(t), world.Environment.ForeignNamespace(t)
	binding.Namespace, binding.Name = ns, testenv.TenantNamespaceRole
	if err := world.Admin.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	var requests harness.Counter
	operated(t, harness.OperatorOptions{WrapAPI: requests.Wrap, Options: operator.Options{Resync: 2 * time.Second}}, ns, admitted, foreign)
	acme, neighbour := harness.NewTenant(ns, "acme"), harness.NewTenant(admitted, "acme")
	for _, made := range []*v1alpha1.IdentityTenant{acme, neighbour, harness.NewTenant(foreign, "stranger")} {
		if err := world.Admin.Create(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAdmitted) &&
			declares(seen, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonNamespaceNotAdmitted)
	}
	await(t, acme, refused)
	if err := world.AwaitReady(t.Context(), neighbour, waitDeadline); err != nil {
		t.Fatal(err) // one namespace is no matter of another
	}
	expectUntouched(t, &requests, ns)

	// The message carries the command, which is all that is to do.
	told := apimeta.FindStatusCondition(acme.Status.Conditions, v1alpha1.ConditionReady).Message
	if err := harness.RunSaid(t.Context(), world.Plane, told, t.Output()); err != nil {
		t.Fatal(err)
	}
	if err := world.AwaitReady(t.Context(), acme, waitDeadline); err != nil {
		t.Fatal(err, world.Diagnose(context.WithoutCancel(t.Context()), ns))
	}
	pods := podsOf(t, acme)
	if err := world.Admin.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	await(t, acme, refused)
	if now := podsOf(t, acme); len(now) != len(pods) {
		t.Errorf("what serves was touched: %d pods, then %d", len(pods), len(now))
	}
	admit(t, ns)
	awaitUpToDate(t, acme)
	seen := expectUntouched(t, &requests, foreign)
	t.Logf("a namespace was refused, admitted, closed and admitted again without a restart; of %d requests none was for an object of a namespace that is not admitted", seen)
}

// expectUntouched wants no request for any object of a namespace, but for our own kinds,
// nor for Secrets of all namespaces at once.
func expectUntouched(t *testing.T, requests *harness.Counter, ns string) int {
	t.Helper()
	all := requests.Requests()
	for _, request := range all {
		_, path, _ := strings.Cut(request, " ")
		own := strings.HasPrefix(path, "/apis/iam.holdfast.dev/") || strings.HasSuffix(path, "/events")
		if strings.HasPrefix(path, "/api/v1/secrets") || strings.Contains(path+"/", "/namespaces/"+ns+"/") && !own {
			t.Errorf("the operator asked for %s, and namespace %s did not admit it", request, ns)
		}
	}
	return len(all)
}

func admit(t *testing.T, ns string) {
	t.Helper()
	for _, object := range world.Surroundings() {
		if binding, ok := object.(*rbacv1.RoleBinding); ok {
			binding.Namespace = ns
			if err := world.Admin.Create(t.Context(), binding); err != nil {
				t.Fatal(err)
			}
		}
	}
}
