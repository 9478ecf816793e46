package vaultconnection_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

func TestVaultConnection(t *testing.T) {
	shared, manager := env.Vault(t), startController(t)
	for name, test := range map[string]func(place){
		"a missing CA heals by watch":              missingCA,
		"a wrong CA is told apart, and heals":      wrongCA,
		"a missing service account heals by watch": missingServiceAccount,
		"an unknown role needs a person":           unknownRole,
		"a wrong audience needs a person":          wrongAudience,
		"a policy without rights needs a person":   weakPolicy,
		"a KV engine of version 1 needs a person":  oldEngine,
		"AppRole, with a secret id that changes":   appRole,
		"a namespace that admits nobody waits":     notAdmitted,
		"rechecks of a good connection are silent": silentRechecks,
		"a deleted connection's login is dropped":  deletedConnection,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(place{T: t, namespace: env.Namespace(t), vault: shared, manager: manager})
		})
	}
}

// These break their Vault, so each has its own.
func TestVaultConnectionInTrouble(t *testing.T) {
	manager := startController(t)
	for name, test := range map[string]func(place){
		"a sealed Vault": func(p place) {
			if err := p.vault.Seal(p.Context()); err != nil {
				p.Fatal(err)
			}
			p.look("sealed")
			p.waiting(v1alpha1.ReasonVaultSealed, "unseal it")
			if err := p.vault.Unseal(p.Context()); err != nil {
				p.Fatal(err)
			}
			p.ready() // by itself
		},
		"a stopped Vault": func(p place) {
			p.vault.Stop()
			p.look("stopped")
			p.waiting(v1alpha1.ReasonVaultUnreachable, "cannot connect to "+p.vault.Address())
			if err := p.vault.Restart(p.Context()); err != nil {
				p.Fatal(err)
			}
			p.ready()
		},
		"a Vault that limits requests": func(p place) {
			quota := map[string]any{"rate": 0.001, "interval": "1h", "path": localenv.TenantKVMount}
			if _, err := p.vault.Root().Logical().WriteWithContext(p.Context(), "sys/quotas/rate-limit/test", quota); err != nil {
				p.Fatal(err)
			}
			p.look("first use of the quota")
			p.look("limited")
			p.waiting(v1alpha1.ReasonVaultRateLimited, "rate limit")
			if _, err := p.vault.Root().Logical().DeleteWithContext(p.Context(), "sys/quotas/rate-limit/test"); err != nil {
				p.Fatal(err)
			}
			p.ready()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place{T: t, namespace: env.Namespace(t), vault: env.Vault(t), manager: manager}
			p.create(p.caConfigMap())
			p.create(p.connection())
			p.ready()
			test(p)
		})
	}
}

func missingCA(p place) {
	p.create(p.connection())
	p.waiting(v1alpha1.ReasonNotFound, "spec.ca.configMapRef", "ConfigMap "+p.namespace+"/vault-ca")
	ca := p.caConfigMap()
	ca.Data = map[string]string{"other": "x"}
	p.create(ca)
	p.waiting(v1alpha1.ReasonNotFound, "has no key ca.crt")
	p.change("vault-ca", ca, func() { ca.Data = p.caConfigMap().Data })
	p.ready()
}

func wrongCA(p place) {
	ca := p.caConfigMap()
	ca.Data["ca.crt"] = string(env.Plane.CA())
	p.create(ca)
	p.create(p.connection())
	p.stalled(v1alpha1.ReasonVaultUnreachable, "spec.ca does not contain the authority")
	p.change("vault-ca", ca, func() { ca.Data = p.caConfigMap().Data })
	p.ready()
}

func missingServiceAccount(p place) {
	account := &corev1.ServiceAccount{ObjectMeta: p.meta("holdfast-vault")}
	p.delete(account)
	p.create(p.caConfigMap())
	p.create(p.connection())
	p.waiting(v1alpha1.ReasonNotFound, "ServiceAccount "+p.namespace+"/holdfast-vault")
	p.create(&corev1.ServiceAccount{ObjectMeta: p.meta("holdfast-vault")})
	p.ready()
}

func unknownRole(p place) {
	p.create(p.caConfigMap())
	cr := p.connection()
	cr.Spec.Auth.Kubernetes.Role = "nobody"
	p.create(cr)
	p.stalled(v1alpha1.ReasonVaultLoginFailed, `role "nobody"`)
	p.change("vault", cr, func() { cr.Spec.Auth.Kubernetes.Role = localenv.TenantRole })
	p.ready()
}

func wrongAudience(p place) {
	p.create(p.caConfigMap())
	cr := p.connection()
	cr.Spec.Auth.Kubernetes.Audience = "https://elsewhere.example"
	p.create(cr)
	p.stalled(v1alpha1.ReasonVaultLoginFailed, "https://elsewhere.example")
}

func weakPolicy(p place) {
	p.role("weak-"+p.namespace, `path "secret/data/*" { capabilities = ["read"] }`)
	p.create(p.caConfigMap())
	cr := p.connection()
	cr.Spec.Auth.Kubernetes.Role = "weak-" + p.namespace
	p.create(cr)
	p.stalled(v1alpha1.ReasonVaultForbidden, `"list"`, "secret/metadata/holdfast/"+p.namespace)
}

func oldEngine(p place) {
	mount := "old-" + p.namespace
	if err := p.vault.Root().Sys().MountWithContext(p.Context(), mount, &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}); err != nil {
		p.Fatal(err)
	}
	p.role(mount, fmt.Sprintf(`path "%s/*" { capabilities = ["create", "read", "update", "list", "delete"] }`, mount))
	p.create(p.caConfigMap())
	cr := p.connection()
	cr.Spec.Auth.Kubernetes.Role, cr.Spec.KV.Mount = mount, mount
	p.create(cr)
	p.stalled(v1alpha1.ReasonVaultKVVersion, "enable-versioning")
}

func (p place) role(name, rules string) {
	p.Helper()
	if err := errors.Join(p.vault.WritePolicy(p.Context(), name, rules),
		p.vault.WriteKubernetesRole(p.Context(), localenv.TenantAuthMount, name, localenv.KubernetesRole{
			ServiceAccounts: []string{"holdfast-vault"}, Namespaces: []string{p.namespace}, Audience: localenv.TenantAudience, Policies: []string{name},
		})); err != nil {
		p.Fatal(err)
	}
}

func appRole(p place) {
	ctx, root := p.Context(), p.vault.Root()
	mount := "approle-" + p.namespace
	rules := fmt.Sprintf(`path "secret/metadata/holdfast/%s/*" { capabilities = ["list"] }`, p.namespace)
	if err := errors.Join(p.vault.WritePolicy(ctx, mount, rules),
		root.Sys().EnableAuthWithOptionsWithContext(ctx, mount, &api.EnableAuthOptions{Type: "approle"})); err != nil {
		p.Fatal(err)
	}
	write := func(path string, data map[string]any) *api.Secret {
		answer, err := root.Logical().WriteWithContext(ctx, "auth/"+mount+"/role/iam"+path, data)
		if err != nil {
			p.Fatal(err)
		}
		return answer
	}
	write("", map[string]any{"token_policies": mount})
	role, err := root.Logical().ReadWithContext(ctx, "auth/"+mount+"/role/iam/role-id")
	if err != nil {
		p.Fatal(err)
	}
	p.create(p.caConfigMap())
	cr := p.connection()
	cr.Spec.Auth = v1alpha1.VaultAuth{AppRole: &v1alpha1.VaultAppRoleAuth{
		Mount: mount, RoleID: role.Data["role_id"].(string), SecretIDRef: v1alpha1.KeySelector{Name: "approle", Key: "secret-id"},
	}}
	p.create(cr)
	p.waiting(v1alpha1.ReasonNotFound, "spec.auth.appRole.secretIDRef", "Secret "+p.namespace+"/approle")

	const wrong = "00000000-1111-2222-3333-444444444444"
	secret := &corev1.Secret{ObjectMeta: p.meta("approle"), StringData: map[string]string{"secret-id": wrong}}
	p.create(secret)
	p.stalled(v1alpha1.ReasonVaultLoginFailed, "spec.auth.appRole")
	if cr := p.until("False", v1alpha1.ReasonVaultLoginFailed); strings.Contains(fmt.Sprint(cr.Status), wrong) {
		p.Error("the status quotes the secret id")
	}
	right := write("/secret-id", map[string]any{}).Data["secret_id"].(string)
	p.change("approle", secret, func() { secret.Data["secret-id"] = []byte(right + "\n") })
	p.ready()
}

func notAdmitted(p place) {
	p.namespace = env.ForeignNamespace(p)
	p.create(p.caConfigMap())
	p.create(p.connection())
	p.waiting(v1alpha1.ReasonNamespaceNotAdmitted, "RoleBinding", p.namespace)
}

func silentRechecks(p place) {
	p.create(p.caConfigMap())
	p.create(p.connection())
	p.ready()
	list := "GET secret/metadata/holdfast/" + p.namespace
	looks := func() (n int) {
		for _, request := range p.manager.Vault.Requests() {
			if strings.HasPrefix(request, list) || strings.HasPrefix(request, "LIST"+list[3:]) {
				n++
			}
		}
		return n
	}
	before := len(p.manager.API.Writes(p.namespace))
	for i := range 10 {
		seen := looks()
		p.look(fmt.Sprint("pass-", i))
		testenv.Eventually(p, soon, func() error {
			if looks() == seen {
				return errors.New("no pass looked at Vault")
			}
			return controllertest.Idle(p, "vaultconnection")
		})
	}
	if writes := p.manager.API.Writes(p.namespace); len(writes) > before {
		p.Errorf("rechecks wrote: %v", writes[before:])
	}
}

func deletedConnection(p place) {
	p.create(p.caConfigMap())
	cr := p.connection()
	p.create(cr)
	p.ready()
	if _, _, err := p.manager.Connector.LastKV(p.Context(), p.namespace, "vault"); err != nil {
		p.Fatal(err)
	}
	p.delete(cr)
	testenv.Eventually(p, soon, func() error {
		if _, _, err := p.manager.Connector.LastKV(p.Context(), p.namespace, "vault"); err == nil {
			return errors.New("the login is still in memory though nobody needs it")
		}
		return nil
	})
}
