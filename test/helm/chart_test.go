// Package helm tests charts/holdfast with Helm's own code: what it renders, what it refuses, and how it installs, upgrades and
// goes on a real API server. In a module of its own, so that Helm is nothing that Holdfast depends on.
package helm

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var folder = filepath.Join("..", "..", "charts", "holdfast")

func load(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// given are values, as a file of values says them.
func given(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// render gives the objects that a release would have.
func render(t *testing.T, values map[string]any) ([]*unstructured.Unstructured, error) {
	t.Helper()
	install := action.NewInstall(&action.Configuration{Capabilities: chartutil.DefaultCapabilities, Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.ReleaseName, install.Namespace = true, true, "holdfast", "identity"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	release, err := install.RunWithContext(t.Context(), load(t), values)
	if err != nil {
		return nil, err
	}
	return decode(t, release.Manifest), nil
}

// rendered leaves out the definitions, which are most of what there is to read.
func rendered(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	values := given(t, text)
	values["crds"] = map[string]any{"enabled": false}
	objects, err := render(t, values)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return objects
}

func decode(t *testing.T, manifest string) (objects []*unstructured.Unstructured) {
	t.Helper()
	for decoder := yamlutil.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		if object.Object != nil {
			objects = append(objects, object)
		}
	}
}

// names lists what there is, as Kind/name or, within a namespace, Kind/namespace/name.
func names(objects []*unstructured.Unstructured) (all []string) {
	for _, o := range objects {
		all = append(all, strings.ReplaceAll(o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName(), "//", "/"))
	}
	slices.Sort(all)
	return all
}

func find(t *testing.T, objects []*unstructured.Unstructured, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range objects {
		if slices.Contains(names([]*unstructured.Unstructured{o}), name) {
			return o
		}
	}
	t.Fatalf("there is no %s in %q", name, names(objects))
	return nil
}

func TestHelmFindsNothingToComplainOf(t *testing.T) {
	for _, message := range lint.All(folder, nil, "identity", true).Messages {
		if message.Severity > support.InfoSev {
			t.Error(message)
		}
	}
}
