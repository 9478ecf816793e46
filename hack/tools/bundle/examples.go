package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

// shownSamples are those files of config/samples whose objects a console offers to begin with.
var shownSamples = []string{"minimal/40-tenant.yaml", "keycloak/40-tenant.yaml", "keystore/30-keystore.yaml", "full/30-policies.yaml",
	"full/35-schedules.yaml", "full/38-waiver.yaml", "minimal/10-vault.yaml"}

// examples are the objects of Holdfast's kinds in these, without a namespace: a console puts in that of the person.
func examples(root string) (string, error) {
	var objects []any
	for _, name := range shownSamples {
		content, err := os.ReadFile(filepath.Join(root, "config", "samples", name))
		if err != nil {
			return "", err
		}
		for _, document := range strings.Split(string(content), "\n---\n") {
			object := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
				return "", fmt.Errorf("config/samples/%s: %w", name, err)
			}
			if strings.HasPrefix(fmt.Sprint(object["apiVersion"]), "iam.holdfast.dev/") {
				delete(config.Metadata(object), "namespace")
				objects = append(objects, object)
			}
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(objects)
	return strings.TrimSpace(out.String()), err
}
