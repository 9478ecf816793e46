// Package offline resolves and builds a tenant from manifests alone, by the same code as
// the operator, for holdfast render. What only a cluster or a Vault knows becomes a
// placeholder.
package offline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Manifests are decoded objects. It is a client.Reader over them.
type Manifests struct {
	scheme  *runtime.Scheme
	objects []client.Object
}

// Read decodes YAML or JSON documents. Unknown fields of our kinds are errors, as they
// are for kubectl; kinds that the scheme does not know are passed over.
func (m *Manifests) Read(name string, in io.Reader) error {
	decoder := serializer.NewCodecFactory(m.scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(in))
	for number := 1; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: document %d: %w", name, number, err)
		}
		if len(bytes.TrimSpace(stripComments(document))) == 0 {
			continue
		}
		decoded, _, err := decoder.Decode(document, nil, nil)
		if runtime.IsNotRegisteredError(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: document %d: %w", name, number, err)
		}
		object, ok := decoded.(client.Object)
		if !ok {
			continue
		}
		if object.GetNamespace() == "" {
			object.SetNamespace("default")
		}
		m.objects = append(m.objects, object)
	}
}

// NewManifests makes an empty collection of the scheme's kinds.
func NewManifests(scheme *runtime.Scheme) *Manifests { return &Manifests{scheme: scheme} }

// Get finds an object among the manifests.
func (m *Manifests) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	gvk, err := apiutil.GVKForObject(into, m.scheme)
	if err != nil {
		return err
	}
	for _, object := range m.objects {
		found, err := apiutil.GVKForObject(object, m.scheme)
		if err != nil || found != gvk || client.ObjectKeyFromObject(object) != key {
			continue
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return err
		}
		return runtime.DefaultUnstructuredConverter.FromUnstructured(content, into)
	}
	return apierrors.NewNotFound(schema.GroupResource{Group: gvk.Group, Resource: gvk.Kind}, key.Name)
}

// List gives the objects of a list's kind. Of the options only the namespace is known here.
func (m *Manifests) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	gvk, err := apiutil.GVKForObject(into, m.scheme)
	if err != nil {
		return err
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	var asked client.ListOptions
	asked.ApplyOptions(options)
	var items []runtime.Object
	for _, object := range m.objects {
		found, err := apiutil.GVKForObject(object, m.scheme)
		if err == nil && found == gvk && (asked.Namespace == "" || object.GetNamespace() == asked.Namespace) {
			items = append(items, object)
		}
	}
	return apimeta.SetList(into, items)
}

// Objects returns those of one type, in the order of the manifests.
func Objects[T client.Object](m *Manifests) []T {
	var found []T
	for _, object := range m.objects {
		if typed, ok := object.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}
