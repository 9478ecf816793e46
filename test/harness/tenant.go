package harness

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// Image is the image of every tenant under test.
const Image = "registry.example/wso2is-postgresql@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Namespace makes a namespace ready for tenants: admitted, restricted, with an issuer,
// a VaultConnection, a database Service and the database account. Its name ends
// in what makes it unique when name ends in a hyphen.
func (w *World) Namespace(ctx context.Context, name string) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if name[len(name)-1] == '-' {
		namespace.GenerateName = name
	} else {
		namespace.Name = name
	}
	if err := w.Admin.Create(ctx, namespace); err != nil {
		return "", err
	}
	for _, object := range w.Surroundings() {
		object.SetNamespace(namespace.Name)
		if err := w.Admin.Create(ctx, object); err != nil {
			return "", fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return namespace.Name, nil
}

// Surroundings are the objects that an engineer has in a namespace before the first tenant.
func (w *World) Surroundings() []client.Object {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	return []client.Object{
		&rbacv1.RoleBinding{ObjectMeta: named(testenv.TenantNamespaceRole),
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: testenv.TenantNamespaceRole},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: testenv.SystemNamespace, Name: testenv.ManagerAccount}}},
		&corev1.ServiceAccount{ObjectMeta: named("holdfast-vault")},
		&corev1.ConfigMap{ObjectMeta: named("vault-ca"), Data: map[string]string{"ca.crt": string(w.Vault.CA())}},
		&v1alpha1.VaultConnection{ObjectMeta: named("vault"), Spec: v1alpha1.VaultConnectionSpec{
			Address: w.Vault.Address(),
			CA:      &v1alpha1.CertificateSource{ConfigMapRef: &v1alpha1.KeySelector{Name: "vault-ca", Key: "ca.crt"}},
			Auth:    v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetesAuth{Role: localenv.TenantRole}},
		}},
		&cmv1.Issuer{ObjectMeta: named("self-signed"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}},
		&cmv1.Certificate{ObjectMeta: named("internal-ca"), Spec: cmv1.CertificateSpec{
			IsCA: true, CommonName: "internal-ca", SecretName: "internal-ca", IssuerRef: cmmeta.IssuerReference{Name: "self-signed"},
			PrivateKey: &cmv1.CertificatePrivateKey{Algorithm: cmv1.ECDSAKeyAlgorithm, Size: 256, RotationPolicy: cmv1.RotationPolicyNever},
		}},
		&cmv1.Issuer{ObjectMeta: named("internal-ca"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "internal-ca"}}}},
		&corev1.Service{ObjectMeta: named("db"), Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app.kubernetes.io/name": "postgresql"}, Ports: []corev1.ServicePort{{Port: 5432}}}},
		&corev1.Secret{ObjectMeta: named("db"), StringData: map[string]string{"username": "acme", "password": rand.Text()}},
	}
}

// NewTenant is the smallest tenant that the Surroundings can carry.
func NewTenant(namespace, name string) *v1alpha1.IdentityTenant {
	return &v1alpha1.IdentityTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.IdentityTenantSpec{
			Product:   v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: Image}},
			Hostname:  "id." + name + ".example",
			VaultRef:  v1alpha1.LocalReference{Name: "vault"},
			IssuerRef: v1alpha1.IssuerReference{Name: "internal-ca"},
			Database: v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{
				Host: "db." + namespace + ".svc", Name: "identity",
				Credentials: v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}},
			}},
		},
	}
}

// AwaitReady waits until the tenant is Ready for its present generation.
func (w *World) AwaitReady(ctx context.Context, tenant *v1alpha1.IdentityTenant, deadline time.Duration) error {
	return w.Await(ctx, tenant, deadline, func(tenant *v1alpha1.IdentityTenant) bool {
		ready := apimeta.FindStatusCondition(tenant.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == tenant.Generation
	})
}

// Await waits until the tenant is as asked; its error shows the conditions.
func (w *World) Await(ctx context.Context, tenant *v1alpha1.IdentityTenant, deadline time.Duration, asked func(*v1alpha1.IdentityTenant) bool) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for {
		err := w.Admin.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)
		if err == nil && asked(tenant) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s (%v): %s", deadline, err, Describe(tenant))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Describe writes a tenant's conditions, a line each.
func Describe(tenant *v1alpha1.IdentityTenant) string {
	text := tenant.Namespace + "/" + tenant.Name
	for _, condition := range tenant.Status.Conditions {
		text += fmt.Sprintf("\n  %s=%s %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	return text
}

// Annotate sets annotations, as a person who asks for something.
func (w *World) Annotate(ctx context.Context, object client.Object, annotations map[string]string) error {
	before := object.DeepCopyObject().(client.Object)
	all := maps.Clone(object.GetAnnotations())
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, annotations)
	object.SetAnnotations(all)
	return w.Admin.Patch(ctx, object, client.MergeFrom(before))
}
