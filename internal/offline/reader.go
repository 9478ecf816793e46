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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// List is not needed to resolve a tenant.
func (m *Manifests) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("manifests are not listed")
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
