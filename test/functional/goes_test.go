package functional

import (
	"fmt"
	"slices"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// What a tenant does not declare any more goes from the cluster: routes, the budget of pods, and a store whose place one of
// somebody's own takes, whose issuer is one of the whole cluster.
func TestWhatIsDeclaredNoMoreGoes(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	acme := ready(t, furnish(t, ns))
	lists := []client.ObjectList{&gatewayv1.HTTPRouteList{}, &gatewayv1.BackendTLSPolicyList{}, &networkingv1.IngressList{}, &policyv1.PodDisruptionBudgetList{}}
	count := func() (counts []int) {
		for _, list := range lists {
			if err := world.Admin.List(t.Context(), list, client.InNamespace(ns)); err != nil {
				t.Fatal(err)
			}
			counts = append(counts, apimeta.LenList(list))
		}
		return counts
	}
	if before := count(); slices.Contains(before, 0) {
		t.Fatalf("of the furnished tenant there are %v routes, policies of them, ingresses and budgets", before)
	}

	issuer := &cmv1.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: ns}, Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}}
	own := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "own"}, Spec: v1alpha1.KeystoreSpec{VaultRef: v1alpha1.LocalReference{Name: "vault"},
		Entries: []v1alpha1.KeystoreEntry{{Alias: "federation-signing", Certificate: &v1alpha1.EntryCertificate{
			IssuerRef: &v1alpha1.IssuerReference{Name: ns, Kind: cmv1.ClusterIssuerKind}, DNSNames: []string{"federation." + ns + ".svc"}}}}}}
	for _, object := range []client.Object{issuer, own} {
		if err := world.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Eventually(t, waitDeadline, func() error {
		if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(own), own); err != nil {
			return err
		}
		if !apimeta.IsStatusConditionTrue(own.Status.Conditions, v1alpha1.ConditionReady) {
			return fmt.Errorf("the Keystore of one's own: %v", own.Status.Conditions)
		}
		return nil
	})
	child := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "acme-federation-signing"}}
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(child), child); err != nil {
		t.Fatal(err)
	}

	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) {
		spec.Exposure, spec.Replicas = nil, new(int32(1))
		spec.Keystores.FederationSigning = &v1alpha1.SigningKey{ExistingKeystoreRef: &v1alpha1.LocalReference{Name: own.Name}}
	})
	awaitUpToDate(t, acme)
	testenv.Eventually(t, waitDeadline, func() error {
		if after := count(); slices.Max(after) > 0 {
			return fmt.Errorf("there still are %v routes, policies of them, ingresses and budgets", after)
		}
		if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(child), child); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the Keystore %s is still there: %v", child.Name, err)
		}
		return nil
	})
}
