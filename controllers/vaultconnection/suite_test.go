package vaultconnection_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/controllers/vaultconnection"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

// soon is longer than Vault's answers to a failed login are remembered, and than an outage is looked at again.
const soon = 75 * time.Second

func startController(t *testing.T) *controllertest.Manager {
	return controllertest.Start(t, env, controllertest.Options{}, func(m *controllertest.Manager) error {
		r := &vaultconnection.Reconciler{
			Client: m.GetClient(), Connector: m.Connector, Recorder: m.GetEventRecorder("holdfast-vaultconnection"), Clock: clock.RealClock{},
		}
		return r.SetupWithManager(m.Manager, m.Namespaces, controller.Options{MaxConcurrentReconciles: 4})
	})
}

// place is a namespace and a Vault.
type place struct {
	*testing.T
	namespace string
	vault     *localenv.Vault
	manager   *controllertest.Manager
}

func (p place) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: p.namespace, Name: name}
}

func (p place) create(object client.Object) {
	p.Helper()
	if err := env.Admin.Create(p.Context(), object); err != nil {
		p.Fatal(err)
	}
}

func (p place) delete(object client.Object) {
	p.Helper()
	if err := env.Admin.Delete(p.Context(), object); err != nil {
		p.Fatal(err)
	}
}

func (p place) change(name string, object client.Object, how func()) {
	p.Helper()
	testenv.Eventually(p, soon, func() error {
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, object); err != nil {
			return err
		}
		how()
		return env.Admin.Update(p.Context(), object)
	})
}

func (p place) caConfigMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: p.meta("vault-ca"), Data: map[string]string{"ca.crt": string(p.vault.CA())}}
}

// connection is one that works, once its ConfigMap is there.
func (p place) connection() *v1alpha1.VaultConnection {
	return &v1alpha1.VaultConnection{ObjectMeta: p.meta("vault"), Spec: v1alpha1.VaultConnectionSpec{
		Address: p.vault.Address(),
		CA:      &v1alpha1.CertificateSource{ConfigMapRef: &v1alpha1.KeySelector{Name: "vault-ca", Key: "ca.crt"}},
		Auth:    v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetesAuth{Role: localenv.TenantRole}},
	}}
}

func (p place) ready() *v1alpha1.VaultConnection {
	p.Helper()
	return p.until(metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// until waits for a Ready condition of this status and reason, and makes sure that what kstatus reads fits to it.
func (p place) until(value metav1.ConditionStatus, reason string, words ...string) *v1alpha1.VaultConnection {
	p.Helper()
	var cr v1alpha1.VaultConnection
	testenv.Eventually(p, soon, func() error {
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: "vault"}, &cr); err != nil {
			return err
		}
		ready := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil {
			return errors.New("no Ready condition")
		}
		if ready.Status != value || ready.Reason != reason || ready.ObservedGeneration != cr.Generation || cr.Status.ObservedGeneration != cr.Generation {
			return fmt.Errorf("Ready is %s for generation %d of %d, reason %s: %s; want %s, %s", ready.Status, ready.ObservedGeneration, cr.Generation, ready.Reason, ready.Message, value, reason)
		}
		for _, word := range words {
			if !strings.Contains(ready.Message, word) {
				return fmt.Errorf("the message lacks %q: %s", word, ready.Message)
			}
		}
		return nil
	})
	return &cr
}

func (p place) waiting(reason string, words ...string) {
	p.Helper()
	cr := p.until(metav1.ConditionFalse, reason, words...)
	if !apimeta.IsStatusConditionTrue(cr.Status.Conditions, v1alpha1.ConditionReconciling) || apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionStalled) != nil {
		p.Errorf("conditions are %+v, want Reconciling and not Stalled: it heals by itself", cr.Status.Conditions)
	}
}

func (p place) stalled(reason string, words ...string) {
	p.Helper()
	cr := p.until(metav1.ConditionFalse, reason, words...)
	if !apimeta.IsStatusConditionTrue(cr.Status.Conditions, v1alpha1.ConditionStalled) || apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReconciling) != nil {
		p.Errorf("conditions are %+v, want Stalled and not Reconciling: a person is needed", cr.Status.Conditions)
	}
}

// look asks for a pass.
func (p place) look(token string) {
	p.Helper()
	cr := &v1alpha1.VaultConnection{}
	p.change("vault", cr, func() { metav1.SetMetaDataAnnotation(&cr.ObjectMeta, v1alpha1.AnnotationReconcile, token) })
}
