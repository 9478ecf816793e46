package testenv

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// TenantNamespaceRole is the ClusterRole that a RoleBinding of the same name gives the operator in one namespace.
const TenantNamespaceRole = "holdfast-tenant-namespace"

// Namespace creates a namespace as a tenant gets it: pods there must meet the restricted Pod Security level, the operator is admitted, and the
// ServiceAccount holdfast-vault is there to sign in to Vault. It stays until the environment stops.
func (e *Environment) Namespace(t testing.TB) string {
	t.Helper()
	name := e.ForeignNamespace(t)
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: TenantNamespaceRole},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: TenantNamespaceRole},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: SystemNamespace, Name: ManagerAccount}},
	}
	if err := e.Admin.Create(t.Context(), binding); err != nil {
		t.Fatalf("admit the operator to namespace %s: %v", name, err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "holdfast-vault"}}
	if err := e.Admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	return name
}

// ForeignNamespace creates a namespace that has not admitted the operator.
func (e *Environment) ForeignNamespace(t testing.TB) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-",
		Labels:       map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := e.Admin.Create(t.Context(), namespace); err != nil {
		t.Fatalf("create a namespace: %v", err)
	}
	return namespace.Name
}

// Vault starts a Vault over https for this test alone, in which the tenants of every namespace may sign in (see localenv.Vault.AdmitTenants).
// It is closed when the test ends.
func (e *Environment) Vault(t testing.TB) *localenv.Vault {
	t.Helper()
	v, err := localenv.StartVault(t.Context(), localenv.VaultOptions{Log: t.Output(), TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if err := v.AdmitTenants(t.Context(), e.Plane); err != nil {
		t.Fatal(err)
	}
	return v
}

// Eventually polls check until it returns nil. When the deadline passes first, the test fails with the last error.
func Eventually(t testing.TB, deadline time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", deadline, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
