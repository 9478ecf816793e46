// Package config gives what the chart and the bundle are made of: the objects that config/ installs, and what catalogues tell of
// Holdfast.
package config

import (
	"encoding/json"
	"fmt"
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
