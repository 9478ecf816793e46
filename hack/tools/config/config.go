// Package config gives what the chart and the bundle are made of: the objects that config/ installs, and what catalogues tell of
// Holdfast.
package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// SystemNamespace is where config/ installs the operator.
const SystemNamespace = "holdfast-system"

// Build has kustomize make the objects of a folder of config/. root is the folder of the repository.
func Build(root, folder string) ([]map[string]any, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "config", folder))
	if err != nil {
		return nil, fmt.Errorf("config/%s: %w", folder, err)
	}
	var objects []map[string]any
	for _, resource := range made.Resources() {
		content, err := resource.MarshalJSON()
		if err != nil {
			return nil, err
		}
		object := map[string]any{}
		if err := json.Unmarshal(content, &object); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// Metadata of an object.
func Metadata(object map[string]any) map[string]any { return object["metadata"].(map[string]any) }

// KindAndName of an object.
func KindAndName(object map[string]any) (kind, name string) {
	return object["kind"].(string), Metadata(object)["name"].(string)
}

// Replace has a folder hold these files, by their path in it, and nothing else: an object that is gone takes its file with it.
func Replace(folder string, files map[string]string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
