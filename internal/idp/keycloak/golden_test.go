package keycloak_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// cases are the tenants of the golden files.
func cases() map[string]tenant.Spec {
	return map[string]tenant.Spec{"26.7.minimal": minimalSpec(), "26.7.full": fullSpec()}
}

func TestGoldenFiles(t *testing.T) {
	for name, want := range cases() {
		t.Run(name, func(t *testing.T) {
			r := render(t, want)
			golden.Expect(t, filepath.Join("testdata", name+".keycloak.conf"), r.files["keycloak.conf"])
			golden.Expect(t, filepath.Join("testdata", name+".statefulset.yaml"), golden.YAML(t, r.workload))
			golden.Expect(t, filepath.Join("testdata", name+".schemajob.yaml"), golden.YAML(t, r.job))
			golden.Expect(t, filepath.Join("testdata", name+".schema.conf"), []byte(r.jobFile.Data["keycloak.conf"]))
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
		if !bytes.Equal(golden.YAML(t, first.workload), golden.YAML(t, second.workload)) || !bytes.Equal(golden.YAML(t, first.job), golden.YAML(t, second.job)) {
			t.Errorf("%s: objects differ", name)
		}
	}
}
