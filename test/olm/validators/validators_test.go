// Package validators runs the validators of operator-framework/api on bundle/. In a module of its own, because they do not compile
// with the libraries that Holdfast is made of: version 0.9.1 is of 2021, and later ones were not at hand when this was written.
package validators

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
)

// expected is what they warn of and what stays, with the reason.
var expected = map[string]string{
	"Kind=RotationRecord: provided API should have an example annotation": "the operator alone writes it",
	"RBAC includes permission to create/update poddisruptionbudgets":      "each tenant has one; the right is of a namespace that let the operator in",
}

// Those that every index runs, and those for OperatorHub.
func TestTheValidatorsOfOperatorFrameworkFindNothing(t *testing.T) {
	bundle, err := manifests.GetBundleFromDir(filepath.Join("..", "..", "..", "bundle"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	validators := append(slices.Clone(validation.DefaultBundleValidators), validation.OperatorHubValidator, validation.ObjectValidator)
	results := validators.Validate(bundle.ObjectsToValidate()...)
	for _, result := range results {
		for _, found := range append(result.Errors, result.Warnings...) {
			known := false
			for warning := range expected {
				if strings.Contains(found.Error(), warning) {
					known, seen[warning] = true, true
				}
			}
			if !known {
				t.Errorf("%s: %v", result.Name, found)
			}
		}
	}
	for warning := range expected {
		if !seen[warning] {
			t.Errorf("nobody warns of %q any more: take it out of the list", warning)
		}
	}
	t.Logf("%d results about %d objects", len(results), len(bundle.ObjectsToValidate()))
}
