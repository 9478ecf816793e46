package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// shownSamples are those files of config/samples whose objects catalogues and consoles offer to begin with.
var shownSamples = []string{"minimal/40-tenant.yaml", "keycloak/40-tenant.yaml", "keystore/30-keystore.yaml", "full/30-policies.yaml",
	"full/35-schedules.yaml", "full/38-waiver.yaml", "minimal/10-vault.yaml"}

// Examples are the objects of Holdfast's kinds in these, without a namespace: a console puts in that of the person.
func Examples(root string) (objects []any, err error) {
	for _, name := range shownSamples {
		content, err := os.ReadFile(filepath.Join(root, "config", "samples", name))
		if err != nil {
			return nil, err
		}
		for _, document := range strings.Split(string(content), "\n---\n") {
			object := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
				return nil, fmt.Errorf("config/samples/%s: %w", name, err)
			}
			if strings.HasPrefix(fmt.Sprint(object["apiVersion"]), "iam.holdfast.dev/") {
				delete(Metadata(object), "namespace")
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}
