package localenv

import (
	"bytes"
	"context"
	"errors"
	"os"
)

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
