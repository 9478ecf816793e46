package localenv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a VaultConnection says when it leaves mounts, prefix and audience to their defaults, and the role that AdmitTenants makes for it.
const (
	TenantKVMount   = "secret"
	TenantKVPrefix  = "holdfast"
	TenantAuthMount = "kubernetes"
	TenantAudience  = "vault"
	TenantRole      = "holdfast"
)

// AdmitTenants sets Vault up as its administrator would for Holdfast: a KV engine, and a role with which the ServiceAccount holdfast-vault
// of any namespace of c signs in. One templated policy lets each write below the path of its own namespace and nowhere else.
func (v *Vault) AdmitTenants(ctx context.Context, c *ControlPlane) error {
	reviewer, err := c.VaultReviewer(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(v.EnableKV(ctx, TenantKVMount), v.EnableKubernetesAuth(ctx, TenantAuthMount, reviewer)); err != nil {
		return err
	}
	methods, err := v.client.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	rules := tenantPolicy("data", methods[TenantAuthMount+"/"].Accessor, `"create", "read", "update"`) +
		tenantPolicy("metadata", methods[TenantAuthMount+"/"].Accessor, `"create", "read", "update", "list", "delete"`)
	return errors.Join(
		v.WritePolicy(ctx, TenantRole, rules),
		v.WriteKubernetesRole(ctx, TenantAuthMount, TenantRole, KubernetesRole{
			ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{"*"}, Audience: TenantAudience, Policies: []string{TenantRole}, TTL: time.Hour,
		}))
}

func tenantPolicy(side, accessor, capabilities string) string {
	namespace := "{{identity.entity.aliases." + accessor + ".metadata.service_account_namespace}}"
	path := TenantKVMount + "/" + side + "/" + TenantKVPrefix + "/" + namespace + "/*"
	return fmt.Sprintf("path %q { capabilities = [%s] }\n", path, capabilities)
}
