package localenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EnableKV mounts a KV version 2 secrets engine.
func (v *Vault) EnableKV(ctx context.Context, mount string) error {
	return v.client.Sys().MountWithContext(ctx, mount, &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}})
}

// WritePolicy writes an ACL policy in HCL under this name.
func (v *Vault) WritePolicy(ctx context.Context, name, rules string) error {
	return v.client.Sys().PutPolicyWithContext(ctx, name, rules)
}

// KubernetesReviewer is how Vault asks an API server about the tokens that log in.
type KubernetesReviewer struct {
	Host  string // address of the API server
	CA    []byte // PEM certificate of its authority
	Token string // of an account that may create TokenReviews
}

// EnableKubernetesAuth mounts the Kubernetes auth method at auth/<mount>.
func (v *Vault) EnableKubernetesAuth(ctx context.Context, mount string, reviewer KubernetesReviewer) error {
	if err := v.registerPlugin(ctx); err != nil {
		return err
	}
	if err := v.client.Sys().EnableAuthWithOptionsWithContext(ctx, mount, &api.EnableAuthOptions{Type: "kubernetes"}); err != nil {
		return fmt.Errorf("enable the kubernetes auth method: %w", err)
	}
	_, err := v.client.Logical().WriteWithContext(ctx, "auth/"+mount+"/config", map[string]any{
		"kubernetes_host":    reviewer.Host,
		"kubernetes_ca_cert": string(reviewer.CA),
		"token_reviewer_jwt": reviewer.Token,
	})
	return err
}

func (v *Vault) registerPlugin(ctx context.Context) error {
	path, err := VaultKubernetesAuth.Path()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	return v.client.Sys().RegisterPluginWithContext(ctx, &api.RegisterPluginInput{
		Name: "kubernetes", Type: api.PluginTypeCredential, Command: string(VaultKubernetesAuth), SHA256: hex.EncodeToString(sum[:]),
	})
}

// KubernetesRole binds ServiceAccounts to Vault policies.
type KubernetesRole struct {
	ServiceAccounts []string      // names; "*" for any
	Namespaces      []string      // names; "*" for any
	Audience        string        // that the ServiceAccount's token must carry; any when empty
	Policies        []string      // that the Vault token gets
	TTL             time.Duration // of the Vault token; Vault's default when 0
}

// WriteKubernetesRole writes a role of the Kubernetes auth method at auth/<mount>.
func (v *Vault) WriteKubernetesRole(ctx context.Context, mount, name string, role KubernetesRole) error {
	data := map[string]any{
		"bound_service_account_names":      role.ServiceAccounts,
		"bound_service_account_namespaces": role.Namespaces,
		"token_policies":                   role.Policies,
		"token_ttl":                        int(role.TTL.Seconds()),
	}
	if role.Audience != "" {
		data["audience"] = role.Audience
	}
	_, err := v.client.Logical().WriteWithContext(ctx, "auth/"+mount+"/role/"+name, data)
	return err
}

// VaultReviewer makes a ServiceAccount kube-system/vault-token-reviewer, which may review tokens and nothing else, and returns its access for Vault.
func (c *ControlPlane) VaultReviewer(ctx context.Context) (KubernetesReviewer, error) {
	const namespace, name = metav1.NamespaceSystem, "vault-token-reviewer"
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	client := c.Client()
	if _, err := client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return KubernetesReviewer{}, err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return KubernetesReviewer{}, err
	}
	token, err := c.ServiceAccountToken(ctx, namespace, name, validity)
	return KubernetesReviewer{Host: c.Host(), CA: c.CA(), Token: token}, err
}
