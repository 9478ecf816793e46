package functional

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/support"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// TestASupportBundleHoldsNoGeneratedValue looks in the bundle of a tenant that serves for every value of every Secret.
func TestASupportBundleHoldsNoGeneratedValue(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, economical(), ns)
	ready(t, harness.NewTenant(ns, "acme"))
	files, err := support.Collect(t.Context(), world.Admin, ns, testenv.SystemNamespace, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var secrets corev1.SecretList
	if err := world.Admin.List(t.Context(), &secrets, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, secret := range secrets.Items {
		for key, value := range secret.Data {
			if strings.HasSuffix(key, ".crt") || strings.HasSuffix(strings.ToLower(key), "username") || len(value) < 8 {
				continue // certificates are public, and a user name may be a word that is anywhere
			}
			looked++
			encoded := []byte(base64.StdEncoding.EncodeToString(value))
			for _, file := range files {
				if bytes.Contains(file.Content, value) || bytes.Contains(file.Content, encoded) {
					t.Errorf("%s holds %s of Secret %s", file.Name, key, secret.Name)
				}
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d values were looked for", looked)
	}
	t.Logf("looked for %d values in %d files", looked, len(files))
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}
