package api

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kubernetesTypes are fields whose type is Kubernetes' own: its bounds are the API server's when the value is used.
var kubernetesTypes = []string{"podSelector", "namespaceSelector", "tolerations"}

// Whatever a user can write has an end and a form, so that no value can be larger or stranger than what was thought of.
func TestEveryFieldOfASpecIsBounded(t *testing.T) {
	fields := 0
	for _, crd := range ourDefinitions(t) {
		spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		walk(crd.Spec.Names.Kind+".spec", spec, func(path string, s apiextensionsv1.JSONSchemaProps) {
			fields++
			if missing := unbounded(s); len(missing) > 0 {
				t.Errorf("%s has no %s", path, strings.Join(missing, ", no "))
			}
			if s.Description == "" && !strings.HasSuffix(path, "[]") {
				t.Errorf("%s has no description", path)
			}
		})
	}
	t.Logf("%d fields looked at", fields)
	if fields < 100 {
		t.Errorf("only %d fields were found: the walk is broken", fields)
	}
}

func unbounded(s apiextensionsv1.JSONSchemaProps) (missing []string) {
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			return nil
		}
		if s.MaxLength == nil {
			missing = append(missing, "maxLength")
		}
		if s.Pattern == "" && len(s.XValidations) == 0 && s.MaxLength != nil && *s.MaxLength > 43 {
			missing = append(missing, "pattern")
		}
	case "array":
		if s.MaxItems == nil {
			missing = append(missing, "maxItems")
		}
		if s.XListType == nil {
			missing = append(missing, "listType")
		}
	case "integer":
		if len(s.Enum) == 0 && (s.Minimum == nil || s.Maximum == nil) && len(s.XValidations) == 0 {
			missing = append(missing, "minimum and maximum")
		}
	}
	return missing
}

// walk visits every schema below s. A number that a rule of the object around it bounds counts as bounded by that rule.
func walk(path string, s apiextensionsv1.JSONSchemaProps, visit func(string, apiextensionsv1.JSONSchemaProps)) {
	visit(path, s)
	for name, property := range s.Properties {
		if slices.Contains(kubernetesTypes, name) {
			continue
		}
		if property.Type == "integer" && mentions(s.XValidations, "self."+name) {
			property.XValidations = s.XValidations
		}
		walk(path+"."+name, property, visit)
	}
	if s.Items != nil && s.Items.Schema != nil {
		walk(path+"[]", *s.Items.Schema, visit)
	}
}

func mentions(rules apiextensionsv1.ValidationRules, field string) bool {
	return slices.ContainsFunc(rules, func(r apiextensionsv1.ValidationRule) bool { return strings.Contains(r.Rule, field) })
}

func TestEveryRuleSaysWhatToWrite(t *testing.T) {
	for _, crd := range ourDefinitions(t) {
		walk(crd.Spec.Names.Kind, *crd.Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, s apiextensionsv1.JSONSchemaProps) {
			for _, rule := range s.XValidations {
				if len(rule.Message) < 10 {
					t.Errorf("%s: the rule %s has the message %q", path, rule.Rule, rule.Message)
				}
			}
		})
	}
}

func TestKindsReadWellInKubectl(t *testing.T) {
	shortNames := map[string]string{
		"IdentityTenant": "idt", "Keystore": "iks", "PasswordPolicy": "ipp", "LogPolicy": "ilp", "VaultConnection": "ivc",
		"HardeningWaiver":  "ihw",
		"RotationRecord":   "irr",
		"RotationSchedule": "irs",
	}
	for _, crd := range ourDefinitions(t) {
		names, version := crd.Spec.Names, crd.Spec.Versions[0]
		if !slices.Contains(names.ShortNames, shortNames[names.Kind]) || !slices.Contains(names.Categories, "iam") {
			t.Errorf("%s: short names %v and categories %v, want %s and iam", names.Kind, names.ShortNames, names.Categories, shortNames[names.Kind])
		}
		if version.Subresources == nil || version.Subresources.Status == nil {
			t.Errorf("%s has no status subresource", names.Kind)
		}
		first := "Ready"
		if names.Kind == "RotationRecord" { // it tells what was, and is not reconciled
			first = "Kind"
		}
		columns := version.AdditionalPrinterColumns
		if len(columns) < 3 || columns[0].Name != first {
			t.Errorf("%s: columns %v, want %s first", names.Kind, columns, first)
		}
		delete(shortNames, names.Kind)
	}
	if len(shortNames) > 0 {
		t.Errorf("kinds that the API server does not have: %v", shortNames)
	}
}

func ourDefinitions(t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var all apiextensionsv1.CustomResourceDefinitionList
	if err := admin.List(t.Context(), &all, client.InNamespace("")); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all.Items, func(c apiextensionsv1.CustomResourceDefinition) bool {
		return c.Spec.Group != "iam.holdfast.dev"
	})
}
