package keystore_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// A hundred Keystores that rotate at once share one login at Vault, and each costs what one alone costs.
func TestAHundredKeystoresRotateAtOnce(t *testing.T) {
	const number = 100
	p := newPlace(t, env.Vault(t), nil)
	manager := startControllers(t, controllertest.Options{Namespace: p.namespace}) // others' connections sign in, too
	all := make([]*v1alpha1.Keystore, number)
	for i := range all {
		all[i] = p.keystore(fmt.Sprintf("keys-%03d", i), ringEntry("signing"))
		p.create(all[i])
	}
	each := func(what string, done func(*v1alpha1.Keystore) bool) {
		t.Helper()
		testenv.Eventually(p, 4*soon, func() error {
			var found v1alpha1.KeystoreList
			if err := env.Admin.List(p.Context(), &found, client.InNamespace(p.namespace)); err != nil {
				return err
			}
			left := 0
			for i := range found.Items {
				if !done(&found.Items[i]) {
					left++
				}
			}
			if left > 0 || len(found.Items) != number {
				return fmt.Errorf("%d of %d are not %s", left, number, what)
			}
			return nil
		})
	}
	each("made", func(cr *v1alpha1.Keystore) bool { return cr.Status.CurrentGeneration == 1 })
	manager.API.Reset()
	before := len(manager.Vault.Requests())
	for _, cr := range all {
		changed := cr.DeepCopy()
		changed.Annotations = map[string]string{v1alpha1.AnnotationRotate: "hundred"}
		if err := env.Admin.Patch(p.Context(), changed, client.MergeFrom(cr)); err != nil {
			t.Fatal(err)
		}
	}
	each("rotated", func(cr *v1alpha1.Keystore) bool {
		return cr.Status.CurrentGeneration == 2 && cr.Status.Requests != nil && cr.Status.Requests.Rotate == "hundred"
	})
	logins, vaultWrites, vaultReads := 0, 0, 0
	for i, request := range manager.Vault.Requests() {
		switch {
		case strings.Contains(request, "/login"):
			logins++
		case i < before:
		case strings.HasPrefix(request, "GET"), strings.HasPrefix(request, "LIST"):
			vaultReads++
		default:
			vaultWrites++
		}
	}
	writes := len(manager.API.Writes(p.namespace))
	if logins != 1 {
		t.Errorf("%d logins at Vault from the start on, want 1: the connection is shared", logins)
	}
	// Three values (key, password, position); a Secret and a status, and of each material a record and what it tells.
	if vaultWrites != 3*number || writes > 6*number+number/10 {
		t.Errorf("%d writes to Vault and %d to the API server for %d rotations, want 3 and 6 for each", vaultWrites, writes, number)
	}
	t.Logf("%d rotations at once: %.2f writes to the API server and %.2f to Vault for each, %.2f reads of Vault, %d login from the start on",
		number, float64(writes)/number, float64(vaultWrites)/number, float64(vaultReads)/number, logins)
}
