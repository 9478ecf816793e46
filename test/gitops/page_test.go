package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestThePageNamesWhatExists reads every example of docs/gitops.md: each is an object, and each path in it is a folder that can be
// applied.
func TestThePageNamesWhatExists(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "gitops.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for i, block := range strings.Split(string(content), "```") {
		body, found := strings.CutPrefix(block, "yaml\n")
		if i%2 == 0 || !found {
			continue
		}
		for _, document := range strings.Split(body, "---\n") {
			var object struct {
				APIVersion, Kind string
				Metadata         struct{ Name, Namespace string }
				Spec             struct {
					Path   string
					Source struct{ Path string }
				}
			}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil || object.APIVersion == "" || object.Metadata.Name == "" {
				t.Errorf("%v: %s", err, document)
			}
			kinds[object.Kind]++
			if path := object.Spec.Path + object.Spec.Source.Path; path != "" {
				if info, err := os.Stat(filepath.Join("..", "..", path)); err != nil || !info.IsDir() {
					t.Errorf("%s %s names %s: %v", object.Kind, object.Metadata.Name, path, err)
				}
			}
		}
	}
	for _, kind := range []string{"Kustomization", "Application", "AppProject"} {
		if kinds[kind] == 0 {
			t.Errorf("no example of kind %s: %v", kind, kinds)
		}
	}
}
