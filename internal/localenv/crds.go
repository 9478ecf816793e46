package localenv

import (
	"context"
	"path/filepath"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// CertManagerCRDs returns the folder with the CustomResourceDefinitions of the cert-manager that this package builds.
func CertManagerCRDs(ctx context.Context) (string, error) {
	module, err := CertManager.module(ctx, "github.com/cert-manager/cert-manager")
	return filepath.Join(module, "deploy", "crds"), err
}

// GatewayCRDs returns the folder with the CustomResourceDefinitions of the Gateway API's standard channel, at the version of Holdfast's go.mod.
func GatewayCRDs(ctx context.Context) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	module, err := moduleSource(ctx, root, "sigs.k8s.io/gateway-api")
	return filepath.Join(module, "config", "crd", "standard"), err
}

// InstallCRDs creates or updates the CustomResourceDefinitions in these files and folders and waits until the API server serves them.
func InstallCRDs(config *rest.Config, paths ...string) error {
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true, MaxTime: startDeadline})
	return err
}
