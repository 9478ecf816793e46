package testenv_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

func TestTheManagerMayWorkOnlyWhereItIsAdmitted(t *testing.T) {
	ctx := t.Context()
	manager, err := client.New(env.Manager, client.Options{Scheme: env.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.List(ctx, &v1alpha1.IdentityTenantList{}); err != nil {
		t.Errorf("the operator lists tenants of all namespaces: %v", err)
	}
	secret := func(namespace string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "made-by-the-operator"}}
	}
	if err := manager.Create(ctx, secret(env.Namespace(t))); err != nil {
		t.Errorf("the operator creates a Secret in a namespace that admitted it: %v", err)
	}
	if err := manager.Create(ctx, secret(env.ForeignNamespace(t))); !apierrors.IsForbidden(err) {
		t.Errorf("the operator creates a Secret in a namespace that did not admit it: %v, want forbidden", err)
	}
	if err := manager.List(ctx, &corev1.SecretList{}); !apierrors.IsForbidden(err) {
		t.Errorf("the operator lists the Secrets of all namespaces: %v, want forbidden", err)
	}
}

func TestATenantMayWriteOnlyItsOwnPathInVault(t *testing.T) {
	ctx := t.Context()
	v := env.Vault(t)
	namespace := env.Namespace(t)
	token, err := env.Plane.ServiceAccountToken(ctx, namespace, "holdfast-vault", 10*time.Minute, localenv.TenantAudience)
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := v.Client("")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := anonymous.Logical().WriteWithContext(ctx, "auth/kubernetes/login", map[string]any{"role": localenv.TenantRole, "jwt": token})
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := v.Client(secret.Auth.ClientToken)
	if err != nil {
		t.Fatal(err)
	}
	for path, allowed := range map[string]bool{"holdfast/" + namespace + "/acme/key/1": true, "holdfast/another/acme/key/1": false, namespace + "/key": false} {
		_, err := tenant.KVv2(localenv.TenantKVMount).Put(ctx, path, map[string]any{"key": "value"})
		if (err == nil) != allowed {
			t.Errorf("write %s: %v; allowed should be %v", path, err, allowed)
		}
	}
}
