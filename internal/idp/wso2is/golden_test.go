package wso2is_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

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
			golden.Expect(t, filepath.Join("testdata", name+".deployment.toml"), r.files["deployment.toml"])
			golden.Expect(t, filepath.Join("testdata", name+".log4j2.properties"), r.files["log4j2.properties"])
			for _, store := range want.UserStores { // the same for each version and profile
				file := layout.UserStoreFile(store.Name)
				golden.Expect(t, filepath.Join("testdata", file), r.files[file])
			}
			golden.Expect(t, filepath.Join("testdata", name+".statefulset.yaml"), golden.YAML(t, r.workload))
			golden.Expect(t, filepath.Join("testdata", name+".schemajob.yaml"), golden.YAML(t, r.job))
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
