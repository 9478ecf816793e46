package v1alpha1

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LocalReference names an object of a known kind in the same namespace.
type LocalReference struct {
	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
}

// IssuerReference names a cert-manager issuer.
type IssuerReference struct {
	// name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// kind of the issuer: Issuer (same namespace) or ClusterIssuer. Default Issuer.
	// +kubebuilder:validation:Enum=Issuer;ClusterIssuer
	// +kubebuilder:default=Issuer
	// +optional
	Kind string `json:"kind,omitempty"`
	// group of the issuer. Default cert-manager.io.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:default="cert-manager.io"
	// +optional
	Group string `json:"group,omitempty"`
}

// KeySelector names one key of a ConfigMap or Secret in the same namespace.
type KeySelector struct {
	// name of the ConfigMap or Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// key inside it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('..')",message="write a plain key such as ca.crt: a key must not begin with two dots"
	// +required
	Key string `json:"key"`
}

// CertificateSource is where PEM certificates (never private keys) are read from.
// Exactly one member.
// +kubebuilder:validation:ExactlyOneOf=configMapRef;secretRef
type CertificateSource struct {
	// configMapRef reads PEM certificates from a ConfigMap.
	// +optional
	ConfigMapRef *KeySelector `json:"configMapRef,omitempty"`
	// secretRef reads PEM certificates from a Secret.
	// +optional
	SecretRef *KeySelector `json:"secretRef,omitempty"`
}

// CredentialsSource is where a user name and a password are read from. Exactly
// one member.
// +kubebuilder:validation:ExactlyOneOf=vaultKV;secretRef
type CredentialsSource struct {
	// vaultKV reads both from one value of a Vault KV v2 engine, with the
	// namespace's own Vault role.
	// +optional
	VaultKV *VaultKVCredentials `json:"vaultKV,omitempty"`
	// secretRef reads both from a Secret.
	// +optional
	SecretRef *SecretCredentials `json:"secretRef,omitempty"`
}

// DatabaseCredentialsSource is where the account of a database is read from, or who makes it.
// Exactly one member.
// +kubebuilder:validation:ExactlyOneOf=vaultKV;secretRef;vaultStaticRole;vaultDatabase
type DatabaseCredentialsSource struct {
	// vaultKV reads both from one value of a Vault KV v2 engine, with the
	// namespace's own Vault role.
	// +optional
	VaultKV *VaultKVCredentials `json:"vaultKV,omitempty"`
	// secretRef reads both from a Secret.
	// +optional
	SecretRef *SecretCredentials `json:"secretRef,omitempty"`
	// vaultStaticRole reads both from a static role of Vault's database engine, which
	// changes the account's password from time to time. A changed password is a rollout;
	// connections that pods hold survive the change, new ones fail until then.
	// +optional
	VaultStaticRole *VaultStaticRoleCredentials `json:"vaultStaticRole,omitempty"`
	// vaultDatabase has Vault's database engine make an account, and another one before
	// that ends. Pods go from one to the other in a rollout, while both are good.
	// +optional
	VaultDatabase *VaultDatabaseCredentials `json:"vaultDatabase,omitempty"`
}

// VaultDatabaseCredentials names a role of Vault's database engine that makes accounts.
type VaultDatabaseCredentials struct {
	// mount of the database engine. Default database.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +kubebuilder:default=database
	// +optional
	Mount string `json:"mount,omitempty"`
	// role that makes accounts. Its max_ttl has to exceed the longest time without an open
	// window of spec.maintenance by two hours; its default_ttl is how long an account goes
	// on while the operator is away.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_]([-._a-zA-Z0-9]*[a-zA-Z0-9_])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="write the role's name, without '..'"
	// +required
	Role string `json:"role"`
	// tokenRole is the token role (auth/token/roles/TOKENROLE) that makes a token for each
	// account, so that the account does not end with the operator's login: orphan and
	// periodic, with a policy that reads MOUNT/creds/ROLE and nothing else. Default:
	// holdfast-NAMESPACE.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_]([-._a-zA-Z0-9]*[a-zA-Z0-9_])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="write the token role's name, without '..'"
	// +optional
	TokenRole string `json:"tokenRole,omitempty"`
	// memberOf is the role of the database whose member every account is, for postgresql:
	// the schema Job grants it what the server needs on the tables. Left out, a person
	// grants.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z_][-_.a-zA-Z0-9]*$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z_][-_.a-zA-Z0-9]*$')",message="write a role's name of letters, digits, underscores, hyphens and dots that begins with a letter"
	// +optional
	MemberOf string `json:"memberOf,omitempty"`
}

// VaultStaticRoleCredentials names a static role of Vault's database engine.
type VaultStaticRoleCredentials struct {
	// mount of the database engine. Default database.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +kubebuilder:default=database
	// +optional
	Mount string `json:"mount,omitempty"`
	// role is the static role's name: the policy of the VaultConnection's role has to allow
	// read on MOUNT/static-creds/ROLE.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_]([-._a-zA-Z0-9]*[a-zA-Z0-9_])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="write the role's name, without '..'"
	// +required
	Role string `json:"role"`
}

// VaultKVCredentials names a value of a Vault KV v2 engine.
type VaultKVCredentials struct {
	// mount of the KV v2 engine. Default: the kv.mount of the VaultConnection.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +optional
	Mount string `json:"mount,omitempty"`
	// path below the mount, without the data/ segment of the HTTP API. Example: acme/db.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_]([-_./a-zA-Z0-9]*[a-zA-Z0-9_])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write a plain path such as acme/db, without empty or '..' segments"
	// +required
	Path string `json:"path"`
	// usernameField of the value. Default username.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default=username
	// +optional
	UsernameField string `json:"usernameField,omitempty"`
	// passwordField of the value. Default password.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default=password
	// +optional
	PasswordField string `json:"passwordField,omitempty"`
}

// SecretCredentials names a Secret of the same namespace, by default of type
// kubernetes.io/basic-auth's key names.
type SecretCredentials struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// usernameKey of the Secret. Default username.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default=username
	// +optional
	UsernameKey string `json:"usernameKey,omitempty"`
	// passwordKey of the Secret. Default password.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:default=password
	// +optional
	PasswordKey string `json:"passwordKey,omitempty"`
}

// Peer says where a network peer is, in the words of NetworkPolicy. Exactly one
// of cidrs or the selectors; there is no way to say "anywhere".
// +kubebuilder:validation:XValidation:rule="has(self.cidrs) != (has(self.podSelector) || has(self.namespaceSelector))",message="write either cidrs, or podSelector and/or namespaceSelector"
// +kubebuilder:validation:XValidation:rule="!has(self.namespaceSelector) || (has(self.namespaceSelector.matchLabels) && self.namespaceSelector.matchLabels.size() > 0) || (has(self.namespaceSelector.matchExpressions) && self.namespaceSelector.matchExpressions.size() > 0)",message="an empty namespaceSelector means every namespace: name them, for example by the label kubernetes.io/metadata.name"
// +kubebuilder:validation:XValidation:rule="!has(self.namespaceSelector) || !has(self.namespaceSelector.matchExpressions) || self.namespaceSelector.matchExpressions.all(e, e.operator == 'In')",message="write the operator In in namespaceSelector: every other one selects namespaces that nobody named"
type Peer struct {
	// podSelector selects pods, in the tenant's namespace unless namespaceSelector is set too.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`
	// namespaceSelector selects namespaces.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	// cidrs are address blocks, such as 10.20.0.0/16, not wider than the largest private
	// ones: 8 bits of prefix for IPv4, 7 for IPv6.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c))",message="write each block as an address and a prefix length, such as 10.20.0.0/16"
	// +kubebuilder:validation:XValidation:rule="self.all(c, !isCIDR(c) || cidr(c).prefixLength() >= (cidr(c).ip().family() == 4 ? 8 : 7))",message="a block this wide means anywhere: name the blocks that are needed, at most a /8 of IPv4 or a /7 of IPv6"
	// +listType=set
	// +optional
	CIDRs []string `json:"cidrs,omitempty"`
}

// EgressRule is one destination that the server may reach beyond its declared
// dependencies.
type EgressRule struct {
	// to is where the destination is.
	// +required
	To Peer `json:"to"`
	// ports of the destination.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +required
	Ports []EgressPort `json:"ports"`
}

// EgressPort is one port and its protocol.
type EgressPort struct {
	// port number, 1 to 65535.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +required
	Port int32 `json:"port"`
	// protocol: TCP (default) or UDP.
	// +kubebuilder:validation:Enum=TCP;UDP
	// +kubebuilder:default=TCP
	// +optional
	Protocol string `json:"protocol,omitempty"`
}

// NetworkPolicyPeer gives p in the words of networking.k8s.io, one peer for the
// selectors or one for each block.
func (p Peer) NetworkPolicyPeers() []networkingv1.NetworkPolicyPeer {
	if len(p.CIDRs) == 0 {
		return []networkingv1.NetworkPolicyPeer{{PodSelector: p.PodSelector, NamespaceSelector: p.NamespaceSelector}}
	}
	peers := make([]networkingv1.NetworkPolicyPeer, 0, len(p.CIDRs))
	for _, block := range p.CIDRs {
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: block}})
	}
	return peers
}

// ObservedRequests echoes the tokens of request annotations that were seen.
type ObservedRequests struct {
	// reconcile is the last token of iam.holdfast.dev/reconcile that was acted on.
	// +optional
	Reconcile string `json:"reconcile,omitempty"`
	// adopt is the last token of iam.holdfast.dev/adopt that was acted on.
	// +optional
	Adopt string `json:"adopt,omitempty"`
	// rotate is the token of the last iam.holdfast.dev/rotate that is complete: all that it asks
	// for rotated, every pod holds it, and accounts that were in use before are closed.
	// +optional
	Rotate string `json:"rotate,omitempty"`
}
