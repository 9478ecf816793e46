package vaultconnection

import (
	"context"
	"fmt"
	"strings"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// ServiceAccount is whose token signs in at Vault: the namespace's own, so that Vault's role for it is the border.
const ServiceAccount = "holdfast-vault"

// tokenLifetime of a token for one login, in seconds. The API server gives none that is shorter.
const tokenLifetime = 600

// Namespaces gives a client for a namespace that admits the operator, else a Waiting fault, NamespaceNotAdmitted.
type Namespaces interface {
	Admit(ctx context.Context, namespace string) (client.Client, error)
}

// Connector turns VaultConnections into signed-in clients, which all who name one share.
type Connector struct {
	// Pool keeps the logins.
	Pool *vault.Pool
	// Connections reads VaultConnections, from the manager's cache.
	Connections client.Reader
	Namespaces  Namespaces

	mu   sync.Mutex
	last map[types.NamespacedName]Login
}

// Login is a connection that was signed in.
type Login struct {
	KV vault.KV
	// Place is the engine and the prefix for all that we write.
	Place v1alpha1.VaultKV
}

// KV gives the signed-in engine of a VaultConnection of the namespace, and where in it our values lie.
//
// Faults: Waiting NotFound when the VaultConnection or what it refers to is missing, NamespaceNotAdmitted, and those of
// vault.Pool.Client.
func (c *Connector) KV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error) {
	var cr v1alpha1.VaultConnection
	if err := c.Connections.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &cr); err != nil {
		if apierrors.IsNotFound(err) {
			err = fault.Waiting(v1alpha1.ReasonNotFound, "VaultConnection %s/%s does not exist; create it, or correct spec.vaultRef", namespace, name)
		}
		return nil, v1alpha1.VaultKV{}, err
	}
	login, err := c.Login(ctx, &cr)
	return login.KV, login.Place, err
}

// Login signs in with a VaultConnection, or uses the login that there is.
func (c *Connector) Login(ctx context.Context, cr *v1alpha1.VaultConnection) (Login, error) {
	local, err := c.Namespaces.Admit(ctx, cr.Namespace)
	if err != nil {
		return Login{}, err
	}
	connection, err := resolve(ctx, local, cr)
	if err != nil {
		return Login{}, err
	}
	if err := c.checkAccount(ctx, local, cr); err != nil {
		return Login{}, err
	}
	signedIn, err := c.Pool.Client(ctx, connection, tokenSource(local, cr))
	if err != nil {
		return Login{}, err
	}
	login := Login{KV: signedIn, Place: v1alpha1.VaultKV{Mount: connection.KVMount, Prefix: connection.KVPrefix}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[types.NamespacedName]Login{}
	}
	c.last[client.ObjectKeyFromObject(cr)] = login
	return login, nil
}

// checkAccount looks, before the first login, for the service account that it needs. The pool remembers a failed login for a
// while; what is missing on our own side heals as soon as it is there.
func (c *Connector) checkAccount(ctx context.Context, local client.Client, cr *v1alpha1.VaultConnection) error {
	c.mu.Lock()
	_, before := c.last[client.ObjectKeyFromObject(cr)]
	c.mu.Unlock()
	if before || cr.Spec.Auth.Kubernetes == nil {
		return nil
	}
	account := &metav1.PartialObjectMetadata{}
	account.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	err := local.Get(ctx, client.ObjectKey{Namespace: cr.Namespace, Name: ServiceAccount}, account)
	if apierrors.IsNotFound(err) {
		return accountMissing(cr.Namespace)
	}
	return err
}

func accountMissing(namespace string) error {
	return fault.Waiting(v1alpha1.ReasonNotFound, "ServiceAccount %s/%s does not exist; create it: its token signs in at Vault", namespace, ServiceAccount)
}

// LastKV is KV for cleaning up: when the VaultConnection can no longer be used, because it or the namespace's RoleBinding is
// deleted too, the login that is still in memory does. It returns KV's fault when there is none.
func (c *Connector) LastKV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error) {
	kv, place, err := c.KV(ctx, namespace, name)
	if err == nil || !gone(err) {
		return kv, place, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if login, ok := c.last[types.NamespacedName{Namespace: namespace, Name: name}]; ok {
		return login.KV, login.Place, nil
	}
	return nil, v1alpha1.VaultKV{}, err
}

// gone: it is the Kubernetes side of the connection that is missing, not Vault.
func gone(err error) bool {
	reason := fault.Of(err, "").Reason
	return reason == v1alpha1.ReasonNotFound || reason == v1alpha1.ReasonNamespaceNotAdmitted || apierrors.IsForbidden(err)
}

// Forget drops the login of a VaultConnection that nobody needs any more.
func (c *Connector) Forget(key types.NamespacedName) {
	c.Pool.Forget(key.String())
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, key)
}

// tokenSource makes a token for each login: of the namespace's own service account, for Vault's audience only, for ten minutes.
func tokenSource(local client.Client, cr *v1alpha1.VaultConnection) vault.TokenSource {
	auth := cr.Spec.Auth.Kubernetes
	if auth == nil {
		return nil
	}
	namespace, audience := cr.Namespace, withDefault(auth.Audience, "vault")
	return func(ctx context.Context) (string, error) {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ServiceAccount}}
		seconds := int64(tokenLifetime)
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			Audiences: []string{audience}, ExpirationSeconds: &seconds,
		}}
		err := local.SubResource("token").Create(ctx, account, request)
		switch {
		case apierrors.IsNotFound(err):
			return "", accountMissing(namespace)
		case err != nil:
			return "", fmt.Errorf("request a token: %w", err)
		}
		return request.Status.Token, nil
	}
}

// resolve makes a plain value of a VaultConnection and what it refers to.
func resolve(ctx context.Context, local client.Reader, cr *v1alpha1.VaultConnection) (vault.Connection, error) {
	spec := cr.Spec
	connection := vault.Connection{
		Name:      client.ObjectKeyFromObject(cr).String(),
		Address:   strings.TrimSuffix(spec.Address, "/"),
		Namespace: spec.Namespace,
		KVMount:   withDefault(spec.KV.Mount, "secret"),
		KVPrefix:  withDefault(spec.KV.Prefix, "holdfast"),
	}
	var err error
	if spec.CA != nil {
		if connection.CA, err = readCA(ctx, local, cr.Namespace, spec.CA); err != nil {
			return connection, err
		}
	}
	switch auth := spec.Auth; {
	case auth.Kubernetes != nil:
		connection.Auth.Kubernetes = &vault.KubernetesAuth{
			Mount: withDefault(auth.Kubernetes.Mount, "kubernetes"), Role: auth.Kubernetes.Role,
			Audience: withDefault(auth.Kubernetes.Audience, "vault"), ServiceAccount: ServiceAccount,
		}
	case auth.AppRole != nil:
		secretID, err := readSecretKey(ctx, local, cr.Namespace, "spec.auth.appRole.secretIDRef", auth.AppRole.SecretIDRef)
		if err != nil {
			return connection, err
		}
		connection.Auth.AppRole = &vault.AppRoleAuth{
			Mount: withDefault(auth.AppRole.Mount, "approle"), RoleID: auth.AppRole.RoleID, SecretID: vault.Secret(strings.TrimSpace(secretID)),
		}
	case auth.Token != nil:
		token, err := readSecretKey(ctx, local, cr.Namespace, "spec.auth.token.secretRef", auth.Token.SecretRef)
		if err != nil {
			return connection, err
		}
		connection.Auth.Token = &vault.TokenAuth{Token: vault.Secret(strings.TrimSpace(token))}
	}
	return connection, nil
}

func readCA(ctx context.Context, local client.Reader, namespace string, source *v1alpha1.CertificateSource) (string, error) {
	if source.SecretRef != nil {
		return readSecretKey(ctx, local, namespace, "spec.ca.secretRef", *source.SecretRef)
	}
	ref := source.ConfigMapRef
	var found corev1.ConfigMap
	if err := local.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, &found); err != nil {
		return "", missing(err, "spec.ca.configMapRef", "ConfigMap", namespace, ref.Name)
	}
	value, ok := found.Data[ref.Key]
	if !ok {
		return "", missingKey("spec.ca.configMapRef", "ConfigMap", namespace, *ref)
	}
	return value, nil
}

func readSecretKey(ctx context.Context, local client.Reader, namespace, field string, ref v1alpha1.KeySelector) (string, error) {
	var found corev1.Secret
	if err := local.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, &found); err != nil {
		return "", missing(err, field, "Secret", namespace, ref.Name)
	}
	value, ok := found.Data[ref.Key]
	if !ok {
		return "", missingKey(field, "Secret", namespace, ref)
	}
	return string(value), nil
}

func missing(err error, field, kind, namespace, name string) error {
	if apierrors.IsNotFound(err) {
		return fault.Waiting(v1alpha1.ReasonNotFound, "%s: %s %s/%s does not exist; create it", field, kind, namespace, name)
	}
	return fmt.Errorf("%s: read %s %s/%s: %w", field, kind, namespace, name, err)
}

func missingKey(field, kind, namespace string, ref v1alpha1.KeySelector) error {
	return fault.Waiting(v1alpha1.ReasonNotFound, "%s: %s %s/%s has no key %s; add it, or correct the key", field, kind, namespace, ref.Name, ref.Key)
}

// withDefault repeats a default of the schema, for objects that were stored before the schema had it.
func withDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
