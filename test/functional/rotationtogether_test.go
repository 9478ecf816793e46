package functional

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// five are what rotates together in these tests.
const five = "five tls token-signing federation-signing system endpoint-application"

// Five materials that rotate in one window are one rollout, also when Vault is sealed in the
// middle: what serves goes on serving, no Secret is emptied, the status says until when that is
// called ready, and the rotation goes on when Vault is back.
func TestFiveMaterialsAreOneRollout(t *testing.T) {
	t.Parallel()
	own := ownVault(t)
	ns, err := own.Namespace(t.Context(), "functional-")
	if err != nil {
		t.Fatal(err)
	}
	window := &harness.Window{}
	options := windowed(window)
	options.RingWaits = &identitytenant.RingWaits{}
	operated(t, options, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	first := awaitUpToDate(t, acme).Status.ServingRevision
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool { return seen.Status.ServedCertificate != nil })
	proven := acme.Status.ServedCertificate.Serial
	seen, stop := traffic(t, newRelyingParty(t, acme), time.Hour, time.Hour)
	appeared := watchPods(t, acme)

	window.Close()
	ask(t, acme, v1alpha1.AnnotationRotate, five)
	// In the middle: a first store has its new key, the others come.
	testenv.Eventually(t, waitDeadline, func() error {
		var stores v1alpha1.KeystoreList
		if err := world.Admin.List(t.Context(), &stores, client.InNamespace(ns)); err != nil {
			return err
		}
		if !slices.ContainsFunc(stores.Items, func(s v1alpha1.Keystore) bool { return s.Status.CurrentGeneration > 1 }) {
			return errors.New("no store moved yet")
		}
		return nil
	})
	if err := own.Vault.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "sealed")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionVaultReady, metav1.ConditionFalse, v1alpha1.ReasonVaultSealed)
	})
	if message := messageOf(acme, v1alpha1.ConditionVaultReady); !strings.Contains(message, "called ready until 20") {
		t.Errorf("VaultReady does not say until when the tenant is called ready: %s", message)
	}
	expectFullSecrets(t, ns)
	if failed := len(appeared()); failed > 0 {
		t.Errorf("%d pods were replaced outside of the window", failed)
	}
	if err := own.Vault.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitHeld(t, acme, first)
	testenv.Eventually(t, waitDeadline, func() error {
		for i, name := range []string{"tls", "token-signing", "federation-signing", "endpoint-application", "system"} {
			position, err := own.Vault.Root().KVv2(localenv.TenantKVMount).Get(t.Context(), localenv.TenantKVPrefix+"/"+ns+"/identitytenant/acme/position/1")
			if err != nil {
				return err
			}
			turn := fmt.Sprint(position.Data[name])
			if !strings.Contains(turn, `"current":2,"request":"five"`) || (i == 4) != strings.Contains(turn, `"previous":1`) {
				return fmt.Errorf("%s stands at %s", name, turn)
			}
		}
		return nil
	})
	window.Open()
	request(t, acme, "the-window-opens")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Rotate == "five"
	})
	awaitUpToDate(t, acme)
	expectRevisions(t, acme, 2)
	births, replicas := len(appeared()), len(podsOf(t, acme))
	if births != replicas {
		t.Errorf("%d pods were made for %d, want one rollout", births, replicas)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		proof := seen.Status.ServedCertificate
		return proof != nil && int(proof.Pods) == replicas && proof.Serial == fmt.Sprintf("%x", served(t, seen).SerialNumber)
	})
	if certificate, old := acme.Status.ServedCertificate.Serial, proven; certificate == old {
		t.Errorf("the serial %s that every pod serves is what it was", old)
	}
	stop()
	if len(seen.failures) > 0 {
		t.Errorf("clients failed: %v", slices.Compact(seen.failures))
	}
	t.Logf("five materials in one rollout of %d pods, with Vault sealed in the middle; tokens were used %d times, %d failures", births, seen.used, len(seen.failures))
}

func expectFullSecrets(t *testing.T, ns string) {
	t.Helper()
	var secrets corev1.SecretList
	if err := world.Admin.List(t.Context(), &secrets, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if len(value) == 0 {
				t.Errorf("Secret %s has an empty %s", secret.Name, key)
			}
		}
	}
}

// A cluster that lost everything but its manifests comes back from Vault: the same keys, the same
// data key, and what was signed before still verifies.
func TestEverythingComesBackFromVault(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	options := harness.OperatorOptions{}
	options.RingWaits = &identitytenant.RingWaits{}
	running := operate(t, options, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	awaitUpToDate(t, acme)
	ask(t, acme, v1alpha1.AnnotationRotate, "before token-signing system")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Rotate == "before"
	})
	awaitUpToDate(t, acme)
	token, err := newRelyingParty(t, acme).token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	for _, role := range []string{"token-signing", "federation-signing", "internal"} {
		for name, content := range storeOf(t, acme, role).Data {
			keys[role+"/"+name] = content
		}
	}
	dataKey := generationOf(t, acme, "data-key", 1)["key"]
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	wipeNamespace(t, ns)

	operated(t, options, ns)
	again := harness.NewTenant(ns, "acme")
	again.Annotations = map[string]string{v1alpha1.AnnotationRotate: "before token-signing system"} // as in git
	acme = ready(t, again)
	awaitUpToDate(t, acme)
	for name, content := range keys {
		role, file, _ := strings.Cut(name, "/")
		if now := storeOf(t, acme, role).Data[file]; string(now) != string(content) {
			t.Errorf("%s of %s is not what it was", file, role)
		}
	}
	if ring := acme.Status.TokenSigning; ring == nil || ring.Current != 2 || ring.Previous != 1 {
		t.Errorf("the ring stands at %+v, want where it stood", ring)
	}
	if now := generationOf(t, acme, "data-key", 1)["key"]; now != dataKey {
		t.Error("the data key is another one")
	}
	awaitPosition(t, acme, "system", `{"current":2,"request":"before"`)
	published, err := newRelyingParty(t, acme).keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(token, published); err != nil {
		t.Errorf("a token of before does not verify: %v", err)
	}
	t.Logf("%d keys and certificates of 3 stores came back as they were", len(keys))
}

// wipeNamespace removes all of ours from a namespace, with nobody there to clean up behind it.
func wipeNamespace(t *testing.T, ns string) {
	t.Helper()
	for _, list := range []client.ObjectList{&v1alpha1.IdentityTenantList{}, &v1alpha1.KeystoreList{}} {
		if err := world.Admin.List(t.Context(), list, client.InNamespace(ns)); err != nil {
			t.Fatal(err)
		}
		var objects []client.Object
		switch found := list.(type) {
		case *v1alpha1.IdentityTenantList:
			for i := range found.Items {
				objects = append(objects, &found.Items[i])
			}
		case *v1alpha1.KeystoreList:
			for i := range found.Items {
				objects = append(objects, &found.Items[i])
			}
		}
		for _, object := range objects {
			bare := object.DeepCopyObject().(client.Object)
			bare.SetFinalizers(nil)
			if err := world.Admin.Patch(t.Context(), bare, client.MergeFrom(object)); err != nil {
				t.Fatal(err)
			}
			if err := world.Admin.Delete(t.Context(), bare); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
		}
	}
	testenv.Eventually(t, waitDeadline, func() error {
		var secrets corev1.SecretList
		if err := world.Admin.List(t.Context(), &secrets, client.InNamespace(ns), client.HasLabels{"iam.holdfast.dev/versioned"}); err != nil {
			return err
		}
		if len(secrets.Items) > 0 {
			return fmt.Errorf("%d Secrets are left", len(secrets.Items))
		}
		var pods corev1.PodList
		if err := world.Admin.List(t.Context(), &pods, client.InNamespace(ns)); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}
