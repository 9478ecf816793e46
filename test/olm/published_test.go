package olm

import (
	"strings"
	"testing"

	"github.com/operator-framework/api/crds"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// A real API server with the published definition takes the version, with no field too many, and refuses a broken one: the test
// itself works.
func TestThePublishedSchemaTakesTheVersion(t *testing.T) {
	if err := env.Admin.Create(t.Context(), crds.ClusterServiceVersion()); err != nil {
		t.Fatal(err)
	}
	namespace := env.ForeignNamespace(t)
	strict := client.WithFieldValidation(env.Admin, metav1.FieldValidationStrict)
	try := func(change func(map[string]any)) error {
		version := decode(t, folder, "manifests", "holdfast.clusterserviceversion.yaml")[0]
		version.SetNamespace(namespace)
		change(version.Object)
		return strict.Create(t.Context(), version, client.DryRunAll)
	}
	testenv.Eventually(t, deadline, func() error { return try(func(map[string]any) {}) })
	for want, path := range map[string][]string{
		`unknown field "spec.icons"`:     {"spec", "icons"},
		`spec.displayName`:               {"spec", "displayName"},
		`spec.install.spec.deployments`:  {"spec", "install", "spec", "deployments"},
		`spec.installModes`:              {"spec", "installModes"},
		`spec.customresourcedefinitions`: {"spec", "customresourcedefinitions"},
	} {
		err := try(func(version map[string]any) {
			if err := unstructured.SetNestedField(version, int64(7), path...); err != nil {
				t.Fatal(err)
			}
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with a 7 as %v: got %v, want %s", path, err, want)
		}
	}
}
