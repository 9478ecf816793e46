package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// grantRoles creates the operator's namespace and what config/rbac/kustomization.yaml lists, as an installation does.
func (e *Environment) grantRoles(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: SystemNamespace}}
	if err := e.Admin.Create(ctx, namespace); err != nil {
		return err
	}
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "config", "rbac")
	content, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	if err != nil {
		return err
	}
	var kustomization struct{ Resources []string }
	if err := yaml.Unmarshal(content, &kustomization); err != nil {
		return err
	}
	for _, file := range kustomization.Resources {
		if err := e.createFrom(ctx, filepath.Join(folder, file)); err != nil {
			return fmt.Errorf("%s (make generate writes the Roles): %w", filepath.Join(folder, file), err)
		}
	}
	return nil
}

// createFrom creates the objects of a YAML file.
func (e *Environment) createFrom(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := yamlutil.NewYAMLOrJSONDecoder(file, 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(object.Object) > 0 {
			err = e.Admin.Create(ctx, &object)
		}
		if err != nil {
			return err
		}
	}
}
