package control

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// property is what this test reads of a schema.
type property struct {
	Properties map[string]property `json:"properties"`
	Items      *property           `json:"items"`
}

// TestFieldsAreThere: the linter sends people to them. A field is one of IdentityTenant,
// or has another kind in front; brackets stand behind a list.
func TestFieldsAreThere(t *testing.T) {
	t.Parallel()
	kinds := schemas(t)
	for _, entry := range Load() {
		for _, field := range entry.Fields {
			kind, path, other := strings.Cut(field, " ")
			if !other {
				kind, path = "IdentityTenant", field
			}
			at, known := kinds[kind]
			if !known {
				t.Errorf("%s: there is no kind %s", entry.ID, kind)
			}
			for name := range strings.SplitSeq(path, ".") {
				name, list := strings.CutSuffix(name, "[]")
				if at, known = at.Properties[name]; !known || list && at.Items == nil {
					t.Errorf("%s: %s has no field %s", entry.ID, kind, path)
					break
				}
				if at.Items != nil {
					at = *at.Items
				}
			}
		}
	}
}

// schemas are those of our kinds, as users apply them.
func schemas(t *testing.T) map[string]property {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no definitions of our kinds: %v", err)
	}
	kinds := map[string]property{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var definition struct {
			Spec struct {
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
				Versions []struct {
					Schema struct {
						Schema property `json:"openAPIV3Schema"`
					} `json:"schema"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(content, &definition); err != nil {
			t.Fatal(err)
		}
		kinds[definition.Spec.Names.Kind] = definition.Spec.Versions[0].Schema.Schema
	}
	return kinds
}
