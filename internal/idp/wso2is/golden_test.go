package wso2is_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

var update = flag.Bool("update", false, "write the golden files under testdata anew")

// cases are the tenants of the golden files.
func cases() map[string]tenant.Spec {
	all := map[string]tenant.Spec{}
	for _, version := range versions {
		name := fmt.Sprintf("%d.%d", version.Major, version.Minor)
		all[name+".minimal"], all[name+".full"] = minimalSpec(version), fullSpec(version)
		baseline, fapi := fullSpec(version), fullSpec(version)
		baseline.Profile, fapi.Profile = control.Baseline, control.FAPI2
		all[name+".baseline"], all[name+".fapi2"] = baseline, fapi
	}
	mysql, mssql := fullSpec(versions[2]), fullSpec(versions[2])
	mysql.Database.Type, mysql.Database.Port = tenant.MySQL, 3306
	mssql.Database.Type, mssql.Database.Port = tenant.MSSQL, 1433
	all["7.3.mysql"], all["7.3.mssql"] = mysql, mssql
	rotated := minimalSpec(versions[2])
	rotated.OldDataKey = true
	all["7.3.old-data-key"] = rotated
	return all
}

func TestGoldenFiles(t *testing.T) {
	for name, want := range cases() {
		t.Run(name, func(t *testing.T) {
			r := render(t, want)
			golden(t, name+".deployment.toml", r.files["deployment.toml"])
			golden(t, name+".log4j2.properties", r.files["log4j2.properties"])
			for _, store := range want.UserStores { // the same for each version and profile
				file := layout.UserStoreFile(store.Name)
				golden(t, file, r.files[file])
			}
			golden(t, name+".statefulset.yaml", document(t, r.workload))
			golden(t, name+".schemajob.yaml", document(t, r.job))
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
