package helm

import (
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A catalogue shows by annotations of the chart which kinds it brings, and an example of each that people write.
func TestACatalogueShowsTheKindsThatTheChartBrings(t *testing.T) {
	type kind struct{ Kind, Version, Name, DisplayName string }
	annotations := load(t).Metadata.Annotations
	var shown []kind
	var examples []map[string]any
	for name, into := range map[string]any{"artifacthub.io/crds": &shown, "artifacthub.io/crdsExamples": &examples} {
		if err := yaml.UnmarshalStrict([]byte(annotations[name]), into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	objects, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	brought := map[string]kind{}
	for _, object := range objects {
		if object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		name, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(object.Object, "spec", "versions")
		brought[name] = kind{name, versions[0].(map[string]any)["name"].(string), object.GetName(), name}
	}
	for _, one := range shown {
		if brought[one.Kind] != one {
			t.Errorf("shown is %+v, the chart brings %+v", one, brought[one.Kind])
		}
	}
	if len(shown) != len(brought) {
		t.Errorf("%d kinds are shown, %d are brought", len(shown), len(brought))
	}
	delete(brought, "RotationRecord") // the operator alone writes it
	for _, example := range examples {
		delete(brought, example["kind"].(string))
	}
	if len(brought) > 0 {
		t.Errorf("no example of %q", slices.Sorted(maps.Keys(brought)))
	}
}
