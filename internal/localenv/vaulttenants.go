package localenv

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// What a tenant says whose database account Vault makes: the mount of the engine, and what stands before the namespace in the name of the token
// role that each account's token is made by.
const (
	TenantDatabaseMount = "database"
	TenantTokenRole     = "holdfast-"
)

// AdmitTenants sets Vault up as its administrator would for Holdfast: a KV engine, and a role with which the ServiceAccount holdfast-vault
// of any namespace of c signs in. One templated policy lets each write below the path of its own namespace and nowhere else, and, of a
// database engine that may be mounted, use what is named after its namespace: the roles NAMESPACE-*, and the token role holdfast-NAMESPACE.
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
	namespace := "{{identity.entity.aliases." + methods[TenantAuthMount+"/"].Accessor + ".metadata.service_account_namespace}}"
	rules := allow(TenantKVMount+"/data/"+TenantKVPrefix+"/"+namespace+"/*", "create", "read", "update") +
		allow(TenantKVMount+"/metadata/"+TenantKVPrefix+"/"+namespace+"/*", "create", "read", "update", "list", "delete") +
		allow(TenantDatabaseMount+"/static-creds/"+namespace+"-*", "read") +
		allow(TenantDatabaseMount+"/roles/"+namespace+"-*", "read") +
		allow("auth/token/roles/"+TenantTokenRole+namespace, "read") +
		allow("auth/token/create/"+TenantTokenRole+namespace, "update")
	return errors.Join(
		v.WritePolicy(ctx, TenantRole, rules),
		v.WriteKubernetesRole(ctx, TenantAuthMount, TenantRole, KubernetesRole{
			ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{"*"}, Audience: TenantAudience, Policies: []string{TenantRole}, TTL: time.Hour,
		}))
}

func allow(path string, capabilities ...string) string {
	return fmt.Sprintf("path %q { capabilities = [\"%s\"] }\n", path, strings.Join(capabilities, `", "`))
}
