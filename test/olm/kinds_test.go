package olm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ofDefinitions: each definition is owned and each owned kind is defined, as config/crd has it.
func ofDefinitions(t *testing.T, b *bundle) (found []string) {
	var l list
	owned := map[string]bool{}
	for _, one := range b.version.Spec.CustomResourceDefinitions.Owned {
		owned[one.Name] = true
		definition, ok := b.definitions[one.Name]
		if l.add(!ok, "%s is owned and has no manifest", one.Name); !ok {
			continue
		}
		l.add(definition.Spec.Names.Kind != one.Kind, "%s is of the kind %s, not %s", one.Name, definition.Spec.Names.Kind, one.Kind)
		l.add(schema(definition, one.Version) == nil, "%s has no version %s", one.Name, one.Version)
		l.add(one.DisplayName == "" || one.Description == "", "%s has no display name or no description", one.Name)
	}
	for _, name := range sorted(b.definitions) {
		l.add(!owned[name], "%s has a manifest and is not owned", name)
		plural, group, _ := strings.Cut(name, ".")
		ours := decode(t, root, "config", "crd", "bases", group+"_"+plural+".yaml")[0]
		for _, object := range b.objects {
			if object.GetKind() == "CustomResourceDefinition" && object.GetName() == name {
				l.add(!cmp.Equal(ours.Object, object.Object), "%s is not as in config/crd:\n%s", name, cmp.Diff(ours.Object, object.Object))
			}
		}
	}
	return l
}

func schema(definition *apiextensionsv1.CustomResourceDefinition, version string) *apiextensionsv1.JSONSchemaProps {
	for _, one := range definition.Spec.Versions {
		if one.Name == version && one.Served {
			return one.Schema.OpenAPIV3Schema
		}
	}
	return nil
}

// The widgets of OpenShift's console that we use, and the type of field that each is for; those with a colon behind are followed by
// what they offer.
var (
	specWidgets = map[string]string{"com.tectonic.ui:text": "string", "com.tectonic.ui:number": "integer", "com.tectonic.ui:podCount": "integer",
		"com.tectonic.ui:booleanSwitch": "boolean", "com.tectonic.ui:select:": "string", "io.kubernetes:": "string", "com.tectonic.ui:advanced": ""}
	statusWidgets = map[string]string{"text": "", "io.kubernetes.conditions": "array", "org.w3:link": "string", "io.kubernetes:": "string"}
)

// ofDescriptors: each leads to a field, in words, with a widget for such a field.
func ofDescriptors(_ *testing.T, b *bundle) (found []string) {
	var l list
	for _, one := range b.version.Spec.CustomResourceDefinitions.Owned {
		definition, ok := b.definitions[one.Name]
		if !ok {
			continue
		}
		whole := schema(definition, one.Version)
		l.add(len(one.SpecDescriptors) == 0 || len(one.StatusDescriptors) == 0, "%s has no descriptors", one.Kind)
		for _, d := range one.SpecDescriptors {
			l = append(l, ofDescriptor(whole, one.Kind+" spec."+d.Path, d.DisplayName, d.Description, d.XDescriptors, specWidgets)...)
		}
		for _, d := range one.StatusDescriptors {
			l = append(l, ofDescriptor(whole, one.Kind+" status."+d.Path, d.DisplayName, d.Description, d.XDescriptors, statusWidgets)...)
		}
	}
	return l
}

func ofDescriptor(whole *apiextensionsv1.JSONSchemaProps, where, title, description string, widgets []string, known map[string]string) (found []string) {
	var l list
	_, path, _ := strings.Cut(where, " ")
	at := *whole
	for _, name := range strings.Split(path, ".") {
		next, ok := at.Properties[name]
		if !ok {
			return []string{fmt.Sprintf("%s: there is no such field", where)}
		}
		at = next
	}
	l.add(title == "" || description == "", "%s: no display name or no description", where)
	l.add(len(widgets) == 0, "%s: no widget", where)
	var choices []string
	for _, widget := range widgets {
		name, ok := strings.CutPrefix(widget, "urn:alm:descriptor:")
		choice := ""
		for _, open := range []string{"com.tectonic.ui:select:", "io.kubernetes:"} {
			if rest, is := strings.CutPrefix(name, open); is {
				name, choice = open, rest
			}
		}
		kind, is := known[name]
		l.add(!ok || !is, "%s: %s is no widget that this test knows", where, widget)
		l.add(kind != "" && kind != at.Type, "%s: %s is for a field of type %s, and this is %s", where, widget, kind, at.Type)
		if name == "com.tectonic.ui:select:" {
			choices = append(choices, choice)
		}
	}
	var values []string
	for _, value := range at.Enum {
		values = append(values, strings.Trim(string(value.Raw), `"`))
	}
	l.add(choices != nil && !cmp.Equal(choices, values), "%s: offers %q, and the field takes %q", where, choices, values)
	return l
}

// ofExamples: a real API server takes each as it is in the person's namespace, and each kind that people write has one.
func ofExamples(t *testing.T, b *bundle) (found []string) {
	var l list
	var examples []map[string]any
	if err := json.Unmarshal([]byte(b.version.Annotations["alm-examples"]), &examples); err != nil {
		return []string{"alm-examples: " + err.Error()}
	}
	var hidden []string
	if err := json.Unmarshal([]byte(b.version.Annotations["operators.operatorframework.io/internal-objects"]), &hidden); err != nil {
		return []string{"internal-objects: " + err.Error()}
	}
	shown, names := map[string]bool{}, map[string]bool{}
	strict := client.WithFieldValidation(env.Admin, metav1.FieldValidationStrict)
	for _, example := range examples {
		object := &unstructured.Unstructured{Object: example}
		name := object.GetKind() + " " + object.GetName()
		l.add(names[name], "alm-examples: there are two of %s", name)
		l.add(object.GetNamespace() != "", "alm-examples: %s says a namespace", name)
		shown[object.GetKind()], names[name] = true, true
		object.SetNamespace("default")
		if err := strict.Create(t.Context(), object, client.DryRunAll); err != nil {
			l.add(true, "alm-examples: %s: %v", name, err)
		}
	}
	for _, one := range b.version.Spec.CustomResourceDefinitions.Owned {
		l.add(shown[one.Kind] == slices.Contains(hidden, one.Name), "%s needs one of the two: an example, or to be among the internal objects", one.Kind)
	}
	return l
}
