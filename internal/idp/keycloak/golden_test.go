package keycloak_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

var update = flag.Bool("update", false, "write the golden files under testdata anew")

// cases are the tenants of the golden files.
func cases() map[string]tenant.Spec {
	return map[string]tenant.Spec{"26.7.minimal": minimalSpec(), "26.7.full": fullSpec()}
}

func TestGoldenFiles(t *testing.T) {
	for name, want := range cases() {
		t.Run(name, func(t *testing.T) {
			r := render(t, want)
			golden(t, name+".keycloak.conf", r.files["keycloak.conf"])
			golden(t, name+".statefulset.yaml", document(t, r.workload))
			golden(t, name+".schemajob.yaml", document(t, r.job))
			golden(t, name+".schema.conf", []byte(r.jobFile.Data["keycloak.conf"]))
		})
	}
}

// TestEqualInputEqualBytes renders twice: a byte that differs would roll every pod.
func TestEqualInputEqualBytes(t *testing.T) {
	for name, want := range cases() {
		first, second := render(t, want), render(t, want)
		if diff := cmp.Diff(first.files, second.files); diff != "" {
			t.Errorf("%s: files differ:\n%s", name, diff)
		}
		if !bytes.Equal(document(t, first.workload), document(t, second.workload)) || !bytes.Equal(document(t, first.job), document(t, second.job)) {
			t.Errorf("%s: objects differ", name)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run this test with -update and read what it wrote", err)
	}
	if diff := cmp.Diff(string(expected), string(got)); diff != "" {
		t.Errorf("%s differs (-golden +built); if it is meant, run with -update:\n%s", path, diff)
	}
}

func document(t *testing.T, object any) []byte {
	t.Helper()
	encoded, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
