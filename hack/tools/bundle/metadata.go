package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

// channel is where people subscribe. Until 1.0 the API is v1alpha1, and so is the channel.
const channel = "alpha"

// scorecard tells the Operator SDK which of its tests to run.
//
//go:embed static/scorecard.yaml
var scorecard string

// annotations are what an index and the tools read of a bundle, and labels of its image.
func annotations() map[string]string {
	return map[string]string{
		"operators.operatorframework.io.bundle.mediatype.v1":       "registry+v1",
		"operators.operatorframework.io.bundle.manifests.v1":       "manifests/",
		"operators.operatorframework.io.bundle.metadata.v1":        "metadata/",
		"operators.operatorframework.io.bundle.package.v1":         config.Name,
		"operators.operatorframework.io.bundle.channels.v1":        channel,
		"operators.operatorframework.io.bundle.channel.default.v1": channel,
		"operators.operatorframework.io.test.mediatype.v1":         "scorecard+v1",
		"operators.operatorframework.io.test.config.v1":            "tests/scorecard/",
	}
}

func addMetadata(bundle files) error {
	var labels strings.Builder
	for _, name := range slices.Sorted(keys(annotations())) {
		fmt.Fprintf(&labels, "LABEL %s=%s\n", name, annotations()[name])
	}
	bundle["bundle.Dockerfile"] = generated + "# From this folder: docker build -f bundle.Dockerfile -t registry.example/holdfast-bundle:v" + config.Version + " .\n" +
		"FROM scratch\n\n" + labels.String() + "\nCOPY manifests /manifests/\nCOPY metadata /metadata/\nCOPY tests/scorecard /tests/scorecard/\n"
	bundle["tests/scorecard/config.yaml"] = generated + scorecard
	return bundle.add("metadata/annotations.yaml", map[string]any{"annotations": annotations()})
}
