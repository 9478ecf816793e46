package functional

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// A tenant takes Keystores that somebody else made: it says what is wrong with them, serves what
// they hold, follows them in one rollout, and never rotates or removes them.
func TestKeystoresOfSomebodyElse(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	store := func(name string, entry v1alpha1.KeystoreEntry) *v1alpha1.Keystore {
		cr := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
			Spec: v1alpha1.KeystoreSpec{VaultRef: v1alpha1.LocalReference{Name: "vault"}, Entries: []v1alpha1.KeystoreEntry{entry}}}
		if err := world.Admin.Create(t.Context(), cr); err != nil {
			t.Fatal(err)
		}
		return cr
	}
	names := []string{"id.acme.example", "acme." + ns + ".svc", "localhost"}
	tls := store("our-tls", v1alpha1.KeystoreEntry{Alias: "tls", Algorithm: v1alpha1.ECDSA, Certificate: &v1alpha1.EntryCertificate{
		IssuerRef: &v1alpha1.IssuerReference{Name: "internal-ca"}, DNSNames: names}})
	opens := store("our-internal", v1alpha1.KeystoreEntry{Alias: "server", Certificate: &v1alpha1.EntryCertificate{SelfSigned: &v1alpha1.SelfSigned{}}})
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Keystores = &v1alpha1.Keystores{
		TLS:      &v1alpha1.TLSKey{ExistingKeystoreRef: &v1alpha1.LocalReference{Name: tls.Name}},
		Internal: &v1alpha1.SigningKey{ExistingKeystoreRef: &v1alpha1.LocalReference{Name: opens.Name}},
	}
	if err := world.Admin.Create(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	stalled := func(says string) {
		t.Helper()
		await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
			return declares(seen, v1alpha1.ConditionKeystoresReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec) &&
				strings.Contains(messageOf(seen, v1alpha1.ConditionStalled), says)
		})
	}
	stalled("by which the server is reached: add that to dnsNames of the entry tls there")
	edit(t, tls, func(tls *v1alpha1.Keystore) {
		tls.Spec.Entries[0].Certificate.DNSNames = append(names, "acme", "acme."+ns, "acme."+ns+".svc.cluster.local", "*.acme-members."+ns+".svc")
	})
	stalled("our-internal, named as internal keystore by existingKeystoreRef, has no key pair of the alias internal")
	edit(t, opens, func(opens *v1alpha1.Keystore) { opens.Spec.Entries[0].Alias = "internal" })

	awaitUpToDate(t, acme)
	first := acme.Status.ServingRevision
	if used := keystoreNames(acme); !slices.Contains(used, tls.Name) || !slices.Contains(used, opens.Name) || slices.Contains(used, "acme-tls") {
		t.Errorf("the tenant uses %v", used)
	}
	ask(t, acme, v1alpha1.AnnotationRotate, "mine internal")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return strings.Contains(messageOf(seen, v1alpha1.ConditionStalled), "this tenant has no internal")
	})
	ask(t, acme, v1alpha1.AnnotationRotate, "")
	if err := world.Annotate(t.Context(), opens, map[string]string{v1alpha1.AnnotationRotate: "theirs internal"}); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.ServingRevision != first && seen.Status.DesiredRevision != first
	})
	awaitUpToDate(t, acme)
	expectRevisions(t, acme, 2)
	if err := world.Admin.Delete(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, waitDeadline, func() error {
		if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), &v1alpha1.IdentityTenant{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the tenant is still there: %v", err)
		}
		return nil
	})
	for _, cr := range []*v1alpha1.Keystore{tls, opens} {
		if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(cr), cr); err != nil || cr.DeletionTimestamp != nil {
			t.Errorf("Keystore %s went with the tenant: %v", cr.Name, err)
		}
	}
}

func keystoreNames(acme *v1alpha1.IdentityTenant) (names []string) {
	for _, used := range acme.Status.Keystores {
		names = append(names, used.Name)
	}
	return names
}
