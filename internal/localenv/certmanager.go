package localenv

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// CertManagerCRDs returns the folder with the CustomResourceDefinitions of the cert-manager that this package builds.
func CertManagerCRDs(ctx context.Context) (string, error) {
	module, err := CertManager.module(ctx, "github.com/cert-manager/cert-manager")
	return filepath.Join(module, "deploy", "crds"), err
}

// InstallCRDs creates or updates the CustomResourceDefinitions in these files and folders and waits until the API server serves them.
func InstallCRDs(config *rest.Config, paths ...string) error {
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true, MaxTime: startDeadline})
	return err
}

// StartCertManager installs cert-manager's CustomResourceDefinitions and starts its controllers for Certificates and for the issuers
// self-signed, CA and Vault. ACME, the webhook and the CA injector are left out.
func (c *ControlPlane) StartCertManager(ctx context.Context) (*Process, error) {
	if err := Build(ctx, c.options.Log, CertManager); err != nil {
		return nil, err
	}
	definitions, err := CertManagerCRDs(ctx)
	if err != nil {
		return nil, err
	}
	if err := InstallCRDs(c.Config(), definitions); err != nil {
		return nil, err
	}
	started := func(context.Context) error {
		log, err := os.ReadFile(c.file(string(CertManager) + ".log"))
		if err == nil && !bytes.Contains(log, []byte("cert-manager controllers started")) {
			err = errors.New("its controllers have not started")
		}
		return err
	}
	return c.run(ctx, CertManager, started, "--kubeconfig="+c.Kubeconfig())
}
