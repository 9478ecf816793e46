package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// What a VaultConnection says when it leaves mounts, prefix and audience to their defaults, and the role that it names here.
const (
	kvMount   = "secret"
	kvPrefix  = "holdfast"
	authMount = "kubernetes"
	audience  = "vault"
	role      = "holdfast"
)

// configureVault lets the ServiceAccount holdfast-vault of any namespace sign in, and write only below that namespace's own path.
func (e *environment) configureVault(ctx context.Context) error {
	reviewer, err := e.plane.VaultReviewer(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(e.vault.EnableKV(ctx, kvMount), e.vault.EnableKubernetesAuth(ctx, authMount, reviewer)); err != nil {
		return err
	}
	methods, err := e.vault.Root().Sys().ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	rules, namespace := "", fmt.Sprintf("{{identity.entity.aliases.%s.metadata.service_account_namespace}}", methods[authMount+"/"].Accessor)
	for path, capabilities := range map[string]string{
		"data":     `"create", "read", "update"`,
		"metadata": `"create", "read", "update", "list", "delete"`,
	} {
		rules += fmt.Sprintf("path %q { capabilities = [%s] }\n", fmt.Sprintf("%s/%s/%s/%s/*", kvMount, path, kvPrefix, namespace), capabilities)
	}
	return errors.Join(
		e.vault.WritePolicy(ctx, role, rules),
		e.vault.WriteKubernetesRole(ctx, authMount, role, localenv.KubernetesRole{
			ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{"*"}, Audience: audience, Policies: []string{role}, TTL: time.Hour,
		}))
}

// writeAccess writes what a person or a script needs to use the environment.
func (e *environment) writeAccess(ctx context.Context) error {
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
