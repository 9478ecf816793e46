package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/controllers/keystore"
	"github.com/holdfast-iam/holdfast/controllers/vaultconnection"
	"github.com/holdfast-iam/holdfast/internal/apply"
	internalkeystore "github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{CertManager: true, ControllerManager: true}, func(e *testenv.Environment) { env = e })
}

const soon = 30 * time.Second

// patience of deletions, so short that a test can wait for its end.
const patience = 3 * time.Second

// startControllers runs the controllers of Keystores and VaultConnections.
func startControllers(t *testing.T, options controllertest.Options) *controllertest.Manager {
	return startControllersAt(t, options, clock.RealClock{})
}

func startControllersAt(t *testing.T, options controllertest.Options, now clock.PassiveClock) *controllertest.Manager {
	return controllertest.Start(t, env, options, func(m *controllertest.Manager) error {
		connections := &vaultconnection.Reconciler{
			Client: m.GetClient(), Connector: m.Connector, Recorder: m.GetEventRecorder("holdfast-vaultconnection"), Clock: clock.RealClock{},
		}
		keystores := &keystore.Reconciler{
			Client: m.GetClient(), Live: m.Namespaces.Live(), Namespaces: m.Namespaces, Vaults: m.Connector,
			Applier:  &apply.Applier{Manager: keystore.FieldManager, Live: m.Namespaces.Live()},
			Recorder: m.GetEventRecorder("holdfast-keystore"), Clock: now, DeletionPatience: patience,
		}
		options := controller.Options{MaxConcurrentReconciles: 2}
		return errors.Join(connections.SetupWithManager(m.Manager, m.Namespaces, options), keystores.SetupWithManager(m.Manager, m.Namespaces, options))
	})
}

// authorityName is the Secret and the subject of what signs in a namespace.
const authorityName = "internal-authority"

// place is a namespace with a connection to Vault and an issuer in it.
type place struct {
	*testing.T
	namespace string
	vault     *localenv.Vault
	manager   *controllertest.Manager
}

func newPlace(t *testing.T, vault *localenv.Vault, manager *controllertest.Manager) place {
	p := place{T: t, namespace: env.Namespace(t), vault: vault, manager: manager}
	p.connect()
	authority, err := localenv.AuthoritySecret(authorityName)
	if err != nil {
		t.Fatal(err)
	}
	authority.Namespace = p.namespace
	p.create(authority)
	p.issuer("internal")
	return p
}

// issuer makes one that signs with the namespace's authority.
func (p place) issuer(name string) {
	p.create(&cmv1.Issuer{ObjectMeta: p.meta(name), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: authorityName}}}})
}

func (p place) selfSigned() {
	p.create(&cmv1.Issuer{ObjectMeta: p.meta("self-signed"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}}})
}

func (p place) connect() {
	p.create(&corev1.ConfigMap{ObjectMeta: p.meta("vault-ca"), Data: map[string]string{"ca.crt": string(p.vault.CA())}})
	p.create(&v1alpha1.VaultConnection{ObjectMeta: p.meta("vault"), Spec: v1alpha1.VaultConnectionSpec{
		Address: p.vault.Address(),
		CA:      &v1alpha1.CertificateSource{ConfigMapRef: &v1alpha1.KeySelector{Name: "vault-ca", Key: "ca.crt"}},
		Auth:    v1alpha1.VaultAuth{Kubernetes: &v1alpha1.VaultKubernetesAuth{Role: localenv.TenantRole}},
	}})
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

func (p place) get(name string, object client.Object) {
	p.Helper()
	if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, object); err != nil {
		p.Fatal(err)
	}
}

// change reads an object, changes it and writes it back.
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

func (p place) keystore(name string, entries ...v1alpha1.KeystoreEntry) *v1alpha1.Keystore {
	return &v1alpha1.Keystore{ObjectMeta: p.meta(name), Spec: v1alpha1.KeystoreSpec{
		VaultRef: v1alpha1.LocalReference{Name: "vault"}, Entries: entries,
	}}
}

func selfSignedEntry(alias string) v1alpha1.KeystoreEntry {
	return v1alpha1.KeystoreEntry{Alias: alias, Algorithm: v1alpha1.ECDSA, Certificate: &v1alpha1.EntryCertificate{SelfSigned: &v1alpha1.SelfSigned{}}}
}

func issuedEntry(alias string) v1alpha1.KeystoreEntry {
	return v1alpha1.KeystoreEntry{Alias: alias, Algorithm: v1alpha1.ECDSA, Certificate: &v1alpha1.EntryCertificate{
		IssuerRef: &v1alpha1.IssuerReference{Name: "internal"}, DNSNames: []string{"orders.shop.svc", "localhost"},
	}}
}

func trustedEntry(alias, configMap string) v1alpha1.KeystoreEntry {
	return v1alpha1.KeystoreEntry{Alias: alias, Trusted: &v1alpha1.TrustedSource{ConfigMapRef: &v1alpha1.KeySelector{Name: configMap, Key: "ca.crt"}}}
}

// ready waits until a Keystore is Ready for its generation, and returns it.
func (p place) ready(name string) *v1alpha1.Keystore {
	p.Helper()
	return p.until(name, func(cr *v1alpha1.Keystore) error {
		ready := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != cr.Generation {
			return fmt.Errorf("not ready: %v", describe(cr))
		}
		return nil
	})
}

// stalled waits until a Keystore needs a person for this reason, and returns the message.
func (p place) stalled(name, reason string) string {
	p.Helper()
	cr := p.until(name, func(cr *v1alpha1.Keystore) error {
		stalled := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionStalled)
		if stalled == nil || stalled.Reason != reason || stalled.ObservedGeneration != cr.Generation {
			return fmt.Errorf("not stalled with reason %s: %v", reason, describe(cr))
		}
		return nil
	})
	return apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionStalled).Message
}

// waiting waits until a Keystore is not ready for this reason and says so without calling a person.
func (p place) waiting(name, reason string) string {
	p.Helper()
	cr := p.until(name, func(cr *v1alpha1.Keystore) error {
		reconciling := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReconciling)
		if reconciling == nil || reconciling.Reason != reason {
			return fmt.Errorf("not waiting with reason %s: %v", reason, describe(cr))
		}
		return nil
	})
	return apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReconciling).Message
}

func (p place) until(name string, check func(*v1alpha1.Keystore) error) *v1alpha1.Keystore {
	p.Helper()
	var cr v1alpha1.Keystore
	testenv.Eventually(p, soon, func() error {
		if err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, &cr); err != nil {
			return err
		}
		return check(&cr)
	})
	return &cr
}

func describe(cr *v1alpha1.Keystore) string {
	var lines []string
	for _, c := range cr.Status.Conditions {
		lines = append(lines, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(lines, "; ")
}

// gone waits until an object does not exist.
func (p place) gone(name string, object client.Object) {
	p.Helper()
	testenv.Eventually(p, soon, func() error {
		err := env.Admin.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, object)
		if err == nil {
			return fmt.Errorf("%T %s is still there, with finalizers %v", object, name, object.GetFinalizers())
		}
		return client.IgnoreNotFound(err)
	})
}

func (p place) secret(name string) *corev1.Secret {
	p.Helper()
	var secret corev1.Secret
	p.get(name, &secret)
	return &secret
}

// event waits for an event with this reason whose note has all of these words.
func (p place) event(reason string, words ...string) {
	p.Helper()
	testenv.Eventually(p, soon, func() error {
		var events corev1.EventList
		if err := env.Admin.List(p.Context(), &events, client.InNamespace(p.namespace)); err != nil {
			return err
		}
		var notes []string
		for _, event := range events.Items {
			notes = append(notes, event.Reason+": "+event.Message)
			if event.Reason == reason && containsAll(event.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("no event %s with %q among:\n%s", reason, words, strings.Join(notes, "\n"))
	})
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// vaultPaths lists every value of the namespace in Vault, with the number of its newest version.
func (p place) vaultPaths() map[string]int {
	p.Helper()
	found := map[string]int{}
	var walk func(string)
	walk = func(path string) {
		list, err := p.vault.Root().Logical().ListWithContext(p.Context(), localenv.TenantKVMount+"/metadata/"+path)
		if err != nil {
			p.Fatal(err)
		}
		if list == nil {
			return
		}
		for _, key := range list.Data["keys"].([]any) {
			name := path + key.(string)
			if strings.HasSuffix(name, "/") {
				walk(name)
				continue
			}
			metadata, err := p.vault.Root().KVv2(localenv.TenantKVMount).GetMetadata(p.Context(), name)
			if err != nil {
				p.Fatal(err)
			}
			found[strings.TrimPrefix(name, localenv.TenantKVPrefix+"/"+p.namespace+"/")] = metadata.CurrentVersion
		}
	}
	walk(localenv.TenantKVPrefix + "/" + p.namespace + "/")
	return found
}

// keytool lists a store as a JVM sees it.
func (p place) keytool(secret *corev1.Secret) string {
	p.Helper()
	tool, err := exec.LookPath("keytool")
	if err != nil {
		p.Fatal("keytool is not installed: install a JRE, on Debian the package openjdk-17-jre-headless")
	}
	store, password := filepath.Join(p.TempDir(), "keystore.p12"), filepath.Join(p.TempDir(), "password")
	for file, content := range map[string][]byte{store: secret.Data["keystore.p12"], password: secret.Data["password"]} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			p.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, tool, "-J-Duser.language=en", "-list", "-v", "-keystore", store, "-storetype", "PKCS12", "-storepass:file", password).CombinedOutput()
	if err != nil {
		p.Fatalf("keytool: %v\n%s", err, output)
	}
	return string(output)
}

// opens makes sure that a version's password is the one of its store.
func (p place) opens(secretName string) {
	p.Helper()
	secret := p.secret(secretName)
	if _, err := internalkeystore.DecodePKCS12(secret.Data["keystore.p12"], string(secret.Data["password"])); err != nil {
		p.Errorf("Secret %s: its password does not open its store: %v", secretName, err)
	}
}

// renew has cert-manager make a new key and certificate, as it does before the old one ends.
func (p place) renew(secretName string) {
	p.Helper()
	p.delete(p.secret(secretName))
}

func (p place) delete(object client.Object) {
	p.Helper()
	if err := env.Admin.Delete(p.Context(), object, client.GracePeriodSeconds(0)); err != nil {
		p.Fatal(err)
	}
}

// reconcile asks for a pass, and returns when it is over. A pass shows itself by reading the store's password from Vault.
func (p place) reconcile(name, token string) {
	p.Helper()
	path := strings.Join([]string{"GET secret/data/holdfast", p.namespace, "keystore", name, "position/1"}, "/")
	passes := func() int {
		return len(slices.DeleteFunc(p.manager.Vault.Requests(), func(request string) bool { return request != path }))
	}
	before := passes()
	cr := &v1alpha1.Keystore{}
	p.change(name, cr, func() {
		if cr.Annotations == nil {
			cr.Annotations = map[string]string{}
		}
		cr.Annotations[v1alpha1.AnnotationReconcile] = token
	})
	testenv.Eventually(p, soon, func() error {
		if passes() == before {
			return errors.New("no pass began")
		}
		return controllertest.Idle(p, "keystore")
	})
}
