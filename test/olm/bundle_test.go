// Package olm holds bundle/ to what the Operator Lifecycle Manager (OLM) takes: to the published schema and validators of
// operator-framework/api, to rules of our own that neither has, and to an installation on a real API server by a stand-in of OLM. In a
// module of its own, so that OLM is nothing that Holdfast depends on.
package olm

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var (
	root   = filepath.Join("..", "..")
	folder = filepath.Join(root, "bundle")
	env    *testenv.Environment
)

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) {
		env = e
		utilruntime.Must(apiextensionsv1.AddToScheme(env.Scheme))
	})
}

// bundle is what the folder has.
type bundle struct {
	version     *v1alpha1.ClusterServiceVersion
	objects     []*unstructured.Unstructured // all but the version
	definitions map[string]*apiextensionsv1.CustomResourceDefinition
	annotations map[string]string
	dockerfile  string
}

// load reads the bundle anew, so that a test may break what it got.
func load(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{definitions: map[string]*apiextensionsv1.CustomResourceDefinition{}, dockerfile: text(t, folder, "bundle.Dockerfile")}
	paths, err := filepath.Glob(filepath.Join(folder, "manifests", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests in %s (make generate writes them): %v", folder, err)
	}
	for _, path := range paths {
		object := decode(t, path)[0]
		switch object.GetKind() {
		case "ClusterServiceVersion":
			b.version = &v1alpha1.ClusterServiceVersion{}
			convert(t, object, b.version)
		case "CustomResourceDefinition":
			definition := &apiextensionsv1.CustomResourceDefinition{}
			convert(t, object, definition)
			b.definitions[definition.Name] = definition
			fallthrough
		default:
			b.objects = append(b.objects, object)
		}
	}
	if b.version == nil {
		t.Fatal("the bundle has no ClusterServiceVersion")
	}
	var metadata struct{ Annotations map[string]string }
	if err := yaml.UnmarshalStrict([]byte(text(t, folder, "metadata", "annotations.yaml")), &metadata); err != nil {
		t.Fatal(err)
	}
	b.annotations = metadata.Annotations
	return b
}

// convert refuses fields that the type does not have: what OLM would drop is a mistake.
func convert(t *testing.T, object *unstructured.Unstructured, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
		t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
}

func text(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// decode gives the objects of a file, to keep. Those of the definitions are large: each file is read once.
func decode(t *testing.T, path ...string) (objects []*unstructured.Unstructured) {
	t.Helper()
	file := filepath.Join(path...)
	if _, known := decoded[file]; !known {
		decoded[file] = parse(t, file)
	}
	for _, object := range decoded[file] {
		objects = append(objects, object.DeepCopy())
	}
	return objects
}

var decoded = map[string][]*unstructured.Unstructured{}

func parse(t *testing.T, path string) (objects []*unstructured.Unstructured) {
	t.Helper()
	for decoder := yamlutil.NewYAMLOrJSONDecoder(strings.NewReader(text(t, path)), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(path, err)
		}
		if object.Object != nil {
			objects = append(objects, object)
		}
	}
}

func sorted[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
