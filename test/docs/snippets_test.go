package docs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// elsewhere are the groups of other projects whose kinds the API server here does not know; test/gitops reads those manifests.
var elsewhere = []string{"kustomize.toolkit.fluxcd.io/", "argoproj.io/"}

// What a page shows is what people apply: a real API server takes each manifest, and knows every field of it. A block that is
// marked "yaml part of=KIND at=spec.field" takes the place of that field in the full sample of the kind.
func TestEachManifestApplies(t *testing.T) {
	samples := fullSamples(t)
	blocks, applied, parts, others := 0, 0, 0, 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language() != "yaml" {
				continue
			}
			blocks++
			where := fmt.Sprintf("%s:%d", p.path, b.line)
			objects, part, err := manifests(b, samples)
			if err != nil {
				t.Errorf("%s: %v", where, err)
			}
			for _, object := range objects {
				if foreign(object) {
					others++
					continue
				}
				if err := dryRun(t, object); err != nil {
					t.Errorf("%s: %s %s: %v", where, object.GetKind(), object.GetName(), err)
				}
				if applied++; part {
					parts++
				}
			}
		}
	}
	t.Logf("applied %d objects of %d snippets, %d of them as part of a full sample; %d are of other projects", applied, blocks, parts, others)
}

func foreign(object *unstructured.Unstructured) bool {
	for _, group := range elsewhere {
		if strings.HasPrefix(object.GetAPIVersion(), group) && object.GetName() != "" {
			return true
		}
	}
	return false
}

// dryRun applies as a GitOps tool does and lets the server judge. Only the namespace is made in earnest.
func dryRun(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	if name := object.GetNamespace(); name != "" {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := env.Admin.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	strict := client.WithFieldValidation(env.Admin, metav1.FieldValidationStrict)
	return strict.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.DryRunAll, client.FieldOwner("docs"))
}

// manifests gives the objects of a block, whole.
func manifests(b block, samples map[string]*unstructured.Unstructured) (objects []*unstructured.Unstructured, part bool, err error) {
	words := strings.Fields(b.info)
	if len(words) > 1 {
		object, err := completed(words[1:], b.text, samples)
		return []*unstructured.Unstructured{object}, true, err
	}
	for _, document := range strings.Split(b.text, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			return nil, false, err
		}
		if object.GetAPIVersion() == "" || object.GetKind() == "" {
			return nil, false, fmt.Errorf("no whole object; a part begins with ```yaml part of=KIND at=spec.field")
		}
		objects = append(objects, object)
	}
	return objects, false, nil
}

func completed(words []string, text string, samples map[string]*unstructured.Unstructured) (*unstructured.Unstructured, error) {
	var kind, at string
	if len(words) == 3 && words[0] == "part" {
		kind, at = strings.TrimPrefix(words[1], "of="), strings.TrimPrefix(words[2], "at=")
	}
	sample, known := samples[kind]
	if !known || at == "" {
		return nil, fmt.Errorf("behind ```yaml stands %q, want part of=KIND at=spec.field, with a kind that has a sample", strings.Join(words, " "))
	}
	var value any
	if err := yaml.UnmarshalStrict([]byte(text), &value); err != nil {
		return nil, err
	}
	object := sample.DeepCopy()
	path := strings.Split(at, ".")
	if fields, is := value.(map[string]any); is && at == "spec" {
		before, _, err := unstructured.NestedMap(object.Object, path...)
		maps.Copy(before, fields)
		value = before
		if err != nil {
			return nil, err
		}
	}
	return object, unstructured.SetNestedField(object.Object, value, path...)
}

// fullSamples is the first object of each of our kinds in the samples, the full ones first.
func fullSamples(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*unstructured.Unstructured{}
	for _, folder := range []string{"full", "keystore"} {
		files, err := filepath.Glob(filepath.Join(root, "config", "samples", folder, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			objects, _, err := manifests(block{text: string(content)}, nil)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, object := range objects {
				if _, known := found[object.GetKind()]; !known {
					found[object.GetKind()] = object
				}
			}
		}
	}
	return found
}
