package keystore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// What happens while others are in trouble. Each test has a Vault of its own, which it may break.
func TestKeystoreInTrouble(t *testing.T) {
	manager := startControllers(t, controllertest.Options{})
	for name, test := range map[string]func(place){
		"a sealed Vault leaves the version standing":            sealedVault,
		"a deletion ends although Vault is gone":                deletionWithoutVault,
		"a deletion is let go by annotation":                    deletionReleased,
		"a deletion ends with its connection and its namespace": deletionOfANamespace,
		"values of another owner are taken over only when told": valuesOfAnotherOwner,
		"a wiped status is found again":                         wipedStatus,
		"a namespace that admits nobody is left alone":          namespaceNotAdmitted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newPlace(t, env.Vault(t), manager))
		})
	}
}

func sealedVault(p place) {
	p.create(p.keystore("orders", selfSignedEntry("signing")))
	before := p.ready("orders")
	if err := p.vault.Seal(p.Context()); err != nil {
		p.Fatal(err)
	}
	p.annotate("orders", v1alpha1.AnnotationReconcile, "look")
	cr := p.until("orders", func(cr *v1alpha1.Keystore) error {
		condition := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionVaultReady)
		if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != v1alpha1.ReasonVaultSealed {
			return fmt.Errorf("%s", describe(cr))
		}
		return nil
	})
	if !apimeta.IsStatusConditionTrue(cr.Status.Conditions, v1alpha1.ConditionReady) || cr.Status.SecretName != before.Status.SecretName {
		p.Errorf("the version does not stand while Vault is sealed: %s", describe(cr))
	}
	// What is new, though, cannot be made.
	p.create(p.keystore("later", selfSignedEntry("signing")))
	if message := p.waiting("later", v1alpha1.ReasonVaultSealed); !strings.Contains(message, "unseal it") {
		p.Errorf("the message does not say what to do: %s", message)
	}
	if later := p.until("later", func(*v1alpha1.Keystore) error { return nil }); len(later.Finalizers) > 0 {
		p.Errorf("finalizers are %v although Vault holds nothing", later.Finalizers)
	}
	if err := p.vault.Unseal(p.Context()); err != nil {
		p.Fatal(err)
	}
	// It heals by itself; the annotations only spare the wait.
	p.annotate("later", v1alpha1.AnnotationReconcile, "again")
	p.ready("later")
}

func deletionWithoutVault(p place) {
	cr := p.keystore("orders", selfSignedEntry("signing"))
	cr.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	p.create(cr)
	p.ready("orders")
	p.vault.Stop()
	p.delete(cr)
	p.until("orders", func(cr *v1alpha1.Keystore) error {
		if ready := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReady); ready.Reason != v1alpha1.ReasonDeleting {
			return fmt.Errorf("%s", describe(cr))
		}
		return nil
	})
	p.gone("orders", &v1alpha1.Keystore{})
	p.event(v1alpha1.EventReleased, p.namespace+"/keystore/orders", "cannot connect")
}

func deletionReleased(p place) {
	cr := p.keystore("orders", selfSignedEntry("signing"))
	cr.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	p.create(cr)
	p.ready("orders")
	p.annotate("orders", v1alpha1.AnnotationRelease, "now")
	p.delete(cr)
	p.gone("orders", &v1alpha1.Keystore{})
	p.event(v1alpha1.EventReleased, "as asked", p.namespace+"/keystore/orders")
	if paths := p.vaultPaths(); len(paths) != 2 {
		p.Errorf("Vault holds %v, want both values left where they are", paths)
	}
}

func deletionOfANamespace(p place) {
	cr := p.keystore("orders", issuedEntry("server"), selfSignedEntry("signing"))
	cr.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	p.create(cr)
	p.ready("orders")
	// The worst order: first all that we sign in with, then the rest at once.
	for _, object := range []client.Object{
		&v1alpha1.VaultConnection{ObjectMeta: p.meta("vault")}, &corev1.ServiceAccount{ObjectMeta: p.meta("holdfast-vault")},
		&rbacv1.RoleBinding{ObjectMeta: p.meta(testenv.TenantNamespaceRole)},
	} {
		p.delete(object)
	}
	p.delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}})
	testenv.Eventually(p, soon, func() error {
		err := env.Admin.Get(p.Context(), client.ObjectKey{Name: p.namespace}, &corev1.Namespace{})
		if err == nil {
			return fmt.Errorf("namespace %s is still there", p.namespace)
		}
		return client.IgnoreNotFound(err)
	})
	if paths := p.vaultPaths(); len(paths) > 0 {
		p.Errorf("Vault still holds %v", paths)
	}
}

func valuesOfAnotherOwner(p place) {
	p.create(p.keystore("orders", selfSignedEntry("signing")))
	before := p.ready("orders")
	p.delete(before)
	p.gone("orders", &v1alpha1.Keystore{})
	// Another cluster restored the values of this one: same paths, another owner's mark.
	for path := range p.vaultPaths() {
		full := localenv.TenantKVPrefix + "/" + p.namespace + "/" + path
		value, err := p.vault.Root().KVv2(localenv.TenantKVMount).Get(p.Context(), full)
		if err != nil {
			p.Fatal(err)
		}
		value.Data["holdfast.owner"] = "other-cluster/" + p.namespace + "/keystore/orders"
		if _, err := p.vault.Root().KVv2(localenv.TenantKVMount).Put(p.Context(), full, value.Data); err != nil {
			p.Fatal(err)
		}
	}
	p.create(p.keystore("orders", selfSignedEntry("signing")))
	if message := p.stalled("orders", v1alpha1.ReasonOwnedByOther); !strings.Contains(message, "other-cluster") || !strings.Contains(message, v1alpha1.AnnotationAdopt) {
		p.Errorf("the message names neither the owner nor the annotation: %s", message)
	}
	p.annotate("orders", v1alpha1.AnnotationAdopt, "disaster recovery")
	after := p.ready("orders")
	if diff := cmp.Diff(before.Status.Versions[0].Entries, after.Status.Versions[0].Entries); diff != "" {
		p.Errorf("the adopted keys are others:\n%s", diff)
	}
}

func wipedStatus(p place) {
	p.create(p.keystore("orders", issuedEntry("server")))
	p.ready("orders")
	p.renew("orders-server-certificate")
	before := p.until("orders", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("generation %d", cr.Status.CurrentGeneration)
		}
		return nil
	})
	paths := p.vaultPaths()
	cr := &v1alpha1.Keystore{}
	testenv.Eventually(p, soon, func() error {
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: "orders"}, cr); err != nil {
			return err
		}
		cr.Status = v1alpha1.KeystoreStatus{}
		return env.Admin.Status().Update(p.Context(), cr)
	})
	p.annotate("orders", v1alpha1.AnnotationReconcile, "wiped")
	after := p.ready("orders")
	if diff := cmp.Diff(before.Status.Versions, after.Status.Versions); diff != "" {
		p.Errorf("the status came back otherwise:\n%s", diff)
	}
	if diff := cmp.Diff(paths, p.vaultPaths()); diff != "" {
		p.Errorf("Vault changed:\n%s", diff)
	}
}

func namespaceNotAdmitted(p place) {
	foreign := place{T: p.T, namespace: env.ForeignNamespace(p), vault: p.vault, manager: p.manager}
	foreign.create(foreign.keystore("orders", selfSignedEntry("signing")))
	if message := foreign.waiting("orders", v1alpha1.ReasonNamespaceNotAdmitted); !strings.Contains(message, "RoleBinding") {
		p.Errorf("the message does not say what to do: %s", message)
	}
	for _, request := range append(p.manager.API.Reads(foreign.namespace), p.manager.API.Writes(foreign.namespace)...) {
		if !strings.Contains(request, "/keystores/orders") {
			p.Errorf("a namespace that admits nobody was asked: %s", request)
		}
	}
}

// annotate asks for something.
func (p place) annotate(name, annotation, token string) {
	p.Helper()
	testenv.Eventually(p, soon, func() error {
		cr := &v1alpha1.Keystore{}
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, cr); err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&cr.ObjectMeta, annotation, token)
		err := env.Admin.Update(p.Context(), cr)
		if apierrors.IsConflict(err) {
			return err
		}
		if err != nil {
			p.Fatal(err)
		}
		return nil
	})
}
