package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// admitTenants lets tenants of any namespace into Vault, each to its own path.
func (e *environment) admitTenants(ctx context.Context) error {
	return e.vault.AdmitTenants(ctx, e.plane)
}

// writeAccess writes what a person or a script needs to use the environment.
func (e *environment) writeAccess(context.Context) error {
	variables := fmt.Sprintf("export VAULT_ADDR=%s\nexport VAULT_CACERT=%s\nexport VAULT_TOKEN=%s\nexport VAULT_UNSEAL_KEY=%s\n",
		e.vault.Address(), filepath.Join(e.vault.Dir, "ca.crt"), e.vault.RootToken(), e.vault.UnsealKey())
	bin := filepath.Join(e.dir, "bin")
	if err := errors.Join(
		e.plane.WriteKubeconfig(filepath.Join(e.dir, "kubeconfig"), e.plane.Config()),
		os.WriteFile(filepath.Join(e.dir, "vault.env"), []byte(variables), 0o600),
		os.MkdirAll(bin, 0o700),
	); err != nil {
		return err
	}
	for _, program := range []localenv.Program{localenv.Kubectl, localenv.VaultServer} {
		path, err := program.Path()
		if err == nil {
			err = os.Symlink(path, filepath.Join(bin, string(program)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
