package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

var (
	//go:embed static/icon.svg
	icon []byte
	//go:embed static/description.md.tmpl
	description string
)

// clusterServiceVersion is what OLM installs and what a console shows of it.
func clusterServiceVersion(root string, known parts, image string) (map[string]any, error) {
	owned, internal, err := ownedKinds(known.definitions)
	if err != nil {
		return nil, err
	}
	objects, err := config.Examples(root)
	if err != nil {
		return nil, err
	}
	examples, err := readable(objects)
	if err != nil {
		return nil, err
	}
	hidden, err := readable(internal)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"apiVersion": "operators.coreos.com/v1alpha1",
		"kind":       "ClusterServiceVersion",
		"metadata": map[string]any{
			"name": config.Name + ".v" + config.Version,
			// OLM puts the namespace of the Subscription in its place.
			"namespace": "placeholder",
			"annotations": map[string]any{
				"alm-examples":   examples,
				"capabilities":   config.Capabilities,
				"categories":     "Security",
				"certified":      "false",
				"containerImage": image,
				"description":    config.Description,
				"repository":     config.Home,
				"support":        "Holdfast maintainers",
				"operators.operatorframework.io/internal-objects": hidden,
			},
		},
		"spec": map[string]any{
			"displayName":    "Holdfast",
			"description":    strings.ReplaceAll(description, "INSTALL", config.Pages+"install.md#with-olm"),
			"version":        config.Version,
			"maturity":       "alpha",
			"minKubeVersion": config.MinKubernetes,
			"provider":       map[string]any{"name": "Holdfast maintainers", "url": config.Home},
			"keywords":       config.Keywords(),
			"links": []any{
				map[string]any{"name": "Sources", "url": config.Home},
				map[string]any{"name": "Install", "url": config.Pages + "install.md"},
				map[string]any{"name": "Fields", "url": config.Pages + "api/v1alpha1.md"},
				map[string]any{"name": "Runbooks", "url": config.Pages + "runbooks/README.md"},
			},
			"icon":                      []any{map[string]any{"base64data": base64.StdEncoding.EncodeToString(icon), "mediatype": "image/svg+xml"}},
			"installModes":              installModes(),
			"customresourcedefinitions": map[string]any{"owned": owned},
			"install":                   map[string]any{"strategy": "deployment", "spec": install(known, image)},
			"relatedImages":             []any{map[string]any{"name": "manager", "image": image}},
		},
	}, nil
}

// readable is JSON for an annotation that people read, too.
func readable(value any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return strings.TrimSpace(out.String()), err
}
