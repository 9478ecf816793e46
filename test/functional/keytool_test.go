package functional

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// listed is what keytool says of one alias.
type listed struct {
	Type        string
	ChainLength int
	// Fingerprint is the leaf's, SHA-256.
	Fingerprint string
}

// expected are the aliases that a tenant's stores have, by role, and how long the chain of each is.
var expected = map[string]map[string]int{
	"tls":                {"tls": 1}, // an authority that signs itself is not sent along
	"token-signing":      {"token-signing-1": 1, "token-signing-2": 1},
	"federation-signing": {"federation-signing": 1},
	"internal":           {"internal": 1},
}

// TestAJVMReadsEveryStore has keytool list each store of a Ready tenant, under the password beside it.
func TestAJVMReadsEveryStore(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	running := operate(t, harness.OperatorOptions{}, ns)
	ready(t, furnish(t, ns))
	var stores v1alpha1.KeystoreList
	if err := world.Admin.List(t.Context(), &stores, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	if len(stores.Items) != len(expected)+1 {
		t.Errorf("%d Keystores; want %d and the truststore", len(stores.Items), len(expected))
	}
	entries := 0
	for _, store := range stores.Items {
		found := keytool(t, store)
		entries += len(found)
		compareWithStatus(t, store, found)
		role := strings.TrimPrefix(store.Name, "acme-")
		if role == "trust" {
			for alias, entry := range found {
				if entry.Type != "trustedCertEntry" {
					t.Errorf("%s: alias %s is a %s", store.Name, alias, entry.Type)
				}
			}
			continue
		}
		chains := map[string]int{}
		for alias, entry := range found {
			if entry.Type == "PrivateKeyEntry" {
				chains[alias] = entry.ChainLength
			}
		}
		if diff := cmp.Diff(expected[role], chains); diff != "" {
			t.Errorf("%s: keys and the lengths of their chains (-want +keytool):\n%s", store.Name, diff)
		}
	}
	t.Logf("keytool read %d stores with %d entries together", len(stores.Items), entries)
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

// keytool lists a Keystore's current version, in English and with the password kept out of the arguments.
func keytool(t *testing.T, store v1alpha1.Keystore) map[string]listed {
	t.Helper()
	tool, err := exec.LookPath("keytool")
	if err != nil {
		t.Fatal("keytool is not in PATH and this test needs a real JVM; on Debian: apt-get install openjdk-17-jre-headless")
	}
	secret := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: store.Namespace, Name: store.Status.SecretName}, secret); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keystore.p12")
	if err := os.WriteFile(file, secret.Data["keystore.p12"], 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(tool, "-J-Duser.language=en", "-J-XX:TieredStopAtLevel=1", "-list", "-v", "-storetype", "PKCS12", "-keystore", file, "-storepass:env", "STORE_PASSWORD")
	command.Env = append(os.Environ(), "STORE_PASSWORD="+string(secret.Data["password"]), "LC_ALL=C")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("keytool does not read the store of Keystore %s: %v\n%s", store.Name, err, output)
	}
	return parse(t, string(output))
}

func parse(t *testing.T, output string) map[string]listed {
	t.Helper()
	entries, alias := map[string]listed{}, ""
	for line := range strings.Lines(output) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		entry := entries[alias]
		switch key {
		case "Alias name":
			alias = strings.TrimSpace(value)
			continue
		case "Entry type":
			entry.Type = value
		case "Certificate chain length":
			length, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			entry.ChainLength = length
		case "SHA256":
			if entry.Fingerprint != "" {
				continue // of the next certificate in the chain
			}
			entry.Fingerprint = strings.TrimSpace(value)
		default:
			continue
		}
		entries[alias] = entry
	}
	return entries
}

// compareWithStatus wants the status to list the very entries, and the certificates beside the store to be those in it.
func compareWithStatus(t *testing.T, store v1alpha1.Keystore, found map[string]listed) {
	t.Helper()
	told := map[string]string{}
	for _, version := range store.Status.Versions {
		if version.SecretName != store.Status.SecretName {
			continue
		}
		for _, entry := range version.Entries {
			told[entry.Alias] = plain(entry.FingerprintSHA256)
		}
	}
	seen := map[string]string{}
	for alias, entry := range found {
		seen[alias] = plain(entry.Fingerprint)
	}
	if diff := cmp.Diff(told, seen); diff != "" || len(seen) == 0 {
		t.Errorf("%s: aliases and fingerprints (-status +keytool):\n%s", store.Name, diff)
	}
	secret := &corev1.Secret{}
	if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: store.Namespace, Name: store.Status.SecretName}, secret); err != nil {
		t.Fatal(err)
	}
	for alias, entry := range found {
		block, _ := pem.Decode(secret.Data[alias+".crt"])
		if block == nil {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Errorf("%s: %s.crt: %v", store.Name, alias, err)
		}
		if entry.Type == "" {
			t.Errorf("%s: alias %s without a type", store.Name, alias)
		}
	}
}

func plain(fingerprint string) string {
	return strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
}
