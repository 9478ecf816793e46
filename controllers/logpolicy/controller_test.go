package logpolicy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/controllers/logpolicy"
	"github.com/holdfast-iam/holdfast/controllers/passwordpolicy"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

const soon = 30 * time.Second

// Both kinds of policies behave alike, so they are tried together.
func TestPolicies(t *testing.T) {
	m := controllertest.Start(t, env, controllertest.Options{}, func(m *controllertest.Manager) error {
		logs := &logpolicy.Reconciler{Client: m.GetClient(), Recorder: m.GetEventRecorder("holdfast-logpolicy"), Clock: clock.RealClock{}}
		passwords := &passwordpolicy.Reconciler{Client: m.GetClient(), Recorder: m.GetEventRecorder("holdfast-passwordpolicy"), Clock: clock.RealClock{}}
		if err := logs.SetupWithManager(m.Manager, controller.Options{}); err != nil {
			return err
		}
		return passwords.SetupWithManager(m.Manager, controller.Options{})
	})
	namespace := env.ForeignNamespace(t) // a policy needs no right in its namespace
	logs := &v1alpha1.LogPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}, Spec: v1alpha1.LogPolicySpec{
		Masking: []v1alpha1.MaskingPattern{{Name: "card", Pattern: `\b[0-9]{13,19}\b`}},
	}}
	passwords := &v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "staff"}}
	create(t, logs)
	create(t, passwords)
	for i := range 11 {
		create(t, tenant(namespace, fmt.Sprintf("tenant-%02d", 11-i)))
	}
	create(t, tenant(namespace, "other", func(cr *v1alpha1.IdentityTenant) { cr.Spec.LogPolicyRef, cr.Spec.Realms = nil, nil }))

	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("tenant-%02d", i+1))
	}
	firstTen := strings.Join(names, ", ")
	until(t, logs, &logs.Status, ready(firstTen))
	until(t, passwords, &passwords.Status, ready(firstTen))

	// One tenant turns to other policies.
	first := tenant(namespace, "tenant-01")
	if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(first), first); err != nil {
		t.Fatal(err)
	}
	first.Spec.LogPolicyRef, first.Spec.Realms = nil, nil
	if err := env.Admin.Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	withoutFirst := strings.Join(append(names[1:], "tenant-11"), ", ")
	until(t, logs, &logs.Status, ready(withoutFirst))
	until(t, passwords, &passwords.Status, ready(withoutFirst))

	// A pattern that could hang the server is told, with its field.
	logs.Spec.Masking = append(logs.Spec.Masking, v1alpha1.MaskingPattern{Name: "evil", Pattern: `(a+)+b`})
	if err := env.Admin.Update(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	until(t, logs, &logs.Status, func(status v1alpha1.PolicyStatus) error {
		stalled := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled)
		if stalled == nil || stalled.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(stalled.Message, "spec.masking[evil].pattern") {
			return fmt.Errorf("conditions are %+v, want Stalled that names spec.masking[evil].pattern", status.Conditions)
		}
		return nil
	})
	logs.Spec.Masking = nil
	if err := env.Admin.Update(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	until(t, logs, &logs.Status, ready(withoutFirst))

	// What changes nothing in a policy's status writes none.
	m.API.Reset()
	create(t, tenant(namespace, "tenant-12"))
	create(t, tenant(namespace, "a-tenant-without", func(cr *v1alpha1.IdentityTenant) { cr.Spec.LogPolicyRef, cr.Spec.Realms = nil, nil }))
	create(t, tenant(namespace, "a-tenant"))
	until(t, logs, &logs.Status, ready("a-tenant, "+strings.Join(names[1:], ", ")))
	until(t, passwords, &passwords.Status, ready("a-tenant, "+strings.Join(names[1:], ", ")))
	if writes := m.API.Writes(namespace); len(writes) != 2 {
		t.Errorf("three tenants, of which one shows in usedBy, caused these writes: %v; want one for each policy", writes)
	}
}

func ready(usedBy string) func(v1alpha1.PolicyStatus) error {
	return func(status v1alpha1.PolicyStatus) error {
		condition := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
		if condition == nil || condition.Status != metav1.ConditionTrue || status.UsedBy != usedBy {
			return fmt.Errorf("used by %q, conditions %+v; want ready, used by %q", status.UsedBy, status.Conditions, usedBy)
		}
		return nil
	}
}

func until(t *testing.T, object client.Object, status *v1alpha1.PolicyStatus, check func(v1alpha1.PolicyStatus) error) {
	t.Helper()
	testenv.Eventually(t, soon, func() error {
		if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		if status.ObservedGeneration != object.GetGeneration() {
			return fmt.Errorf("observed generation %d of %d", status.ObservedGeneration, object.GetGeneration())
		}
		return check(*status)
	})
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := env.Admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// tenant names both policies, unless it is changed.
func tenant(namespace, name string, changes ...func(*v1alpha1.IdentityTenant)) *v1alpha1.IdentityTenant {
	credentials := v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}}
	cr := &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.IdentityTenantSpec{
		Product:      v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: "registry.example/wso2is@sha256:" + strings.Repeat("0", 64)}},
		Hostname:     "id.acme.example",
		VaultRef:     v1alpha1.LocalReference{Name: "vault"},
		IssuerRef:    v1alpha1.IssuerReference{Name: "internal"},
		Database:     v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{Host: "db.iam.svc", Name: "identity", Credentials: credentials}},
		LogPolicyRef: &v1alpha1.LocalReference{Name: "default"},
		Realms:       []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: "staff"}}},
	}}
	for _, change := range changes {
		change(cr)
	}
	return cr
}
