// Package api asks a real API server what it makes of our kinds: which wishes it takes, which it refuses, and in which words.
package api

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// admin has every right: what is tested here is the schema, not RBAC.
var (
	admin   client.Client
	plane   *rest.Config
	control *localenv.ControlPlane
)

// admissionDeadline bounds the time until the API server acts by a policy, or by a role, that was just made.
const admissionDeadline = 30 * time.Second

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(env *testenv.Environment) {
		utilruntime.Must(apiextensionsv1.AddToScheme(env.Scheme))
		admin, plane, control = env.Admin, env.Plane.Config(), env.Plane
	})
}

// object merges a change, in YAML, into the smallest manifest of its kind (RFC 7396: null removes, lists are replaced).
func object(t *testing.T, kind, change string) *unstructured.Unstructured {
	t.Helper()
	base, err := os.ReadFile(filepath.Join("testdata", kind+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := yaml.YAMLToJSON(base)
	if err != nil {
		t.Fatal(err)
	}
	if change != "" {
		patch, err := yaml.YAMLToJSON([]byte(change))
		if err != nil {
			t.Fatalf("the change is no YAML: %v", err)
		}
		if merged, err = jsonpatch.MergePatch(merged, patch); err != nil {
			t.Fatal(err)
		}
	}
	made := &unstructured.Unstructured{}
	if err := made.UnmarshalJSON(merged); err != nil {
		t.Fatal(err)
	}
	return made
}

// create asks the API server to take an object as kubectl does, with strict field validation, without keeping it.
func create(t *testing.T, made *unstructured.Unstructured) error {
	t.Helper()
	return admin.Create(t.Context(), made, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
}
