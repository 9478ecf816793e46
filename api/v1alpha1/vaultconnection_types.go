package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VaultConnection says where Vault is and how this namespace signs in. The Vault role
// of the namespace is the border: whatever it may read, the namespace's tenants may.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ivc,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.spec.address`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type VaultConnection struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish.
	// +required
	Spec VaultConnectionSpec `json:"spec"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status VaultConnectionStatus `json:"status,omitempty"`
}

// VaultConnectionList is a list of VaultConnections.
// +kubebuilder:object:root=true
type VaultConnectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VaultConnection `json:"items"`
}

// VaultConnectionSpec is where Vault is and how to sign in.
// +kubebuilder:validation:XValidation:rule="self.address.startsWith('https://') || self.address.matches('^http://(localhost|127[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}|[[]::1[]])(:[0-9]{1,5})?/?$')",message="write an https:// address; plain http is only for loopback"
// +kubebuilder:validation:XValidation:rule="!has(self.auth.token) || self.address.startsWith('http://')",message="auth.token is only for a Vault on loopback over http: use kubernetes or appRole"
// +kubebuilder:validation:XValidation:rule="!has(self.ca) || self.address.startsWith('https://')",message="ca belongs to an https:// address"
type VaultConnectionSpec struct {
	// address of Vault, such as https://vault.vault.svc:8200.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/?$`
	// +kubebuilder:validation:XValidation:rule="isURL(self) && (url(self).getPort() == '' || int(url(self).getPort()) <= 65535) && !self.matches('[?#@]|://[^/]*/.')",message="write scheme, host and port only, such as https://vault.vault.svc:8200"
	// +required
	Address string `json:"address"`
	// ca is the certificate authority of Vault's certificate. Default: the operator's system roots.
	// +optional
	CA *CertificateSource `json:"ca,omitempty"`
	// namespace of Vault (Enterprise).
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_]([-_./a-zA-Z0-9]*[a-zA-Z0-9_])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write a plain path without empty or '..' segments"
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// kv is the KV v2 engine for everything that the operator generates.
	// +optional
	KV VaultKV `json:"kv,omitempty"`
	// auth is how to sign in.
	// +required
	Auth VaultAuth `json:"auth"`
}

// VaultKV is a KV v2 engine and a prefix inside it.
type VaultKV struct {
	// mount of the KV v2 engine. Default secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +kubebuilder:default=secret
	// +optional
	Mount string `json:"mount,omitempty"`
	// prefix of every path, one or more names with a slash between them. Default holdfast.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?(/[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?)*$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write a plain path without empty or '..' segments"
	// +kubebuilder:default=holdfast
	// +optional
	Prefix string `json:"prefix,omitempty"`
}

// VaultAuth is how to sign in, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=kubernetes;appRole;token
type VaultAuth struct {
	// kubernetes signs in with a short-lived token of this namespace's service account holdfast-vault.
	// +optional
	Kubernetes *VaultKubernetesAuth `json:"kubernetes,omitempty"`
	// appRole signs in with a role id and a secret id.
	// +optional
	AppRole *VaultAppRoleAuth `json:"appRole,omitempty"`
	// token is for a development Vault on loopback over http only.
	// +optional
	Token *VaultTokenAuth `json:"token,omitempty"`
}

// VaultKubernetesAuth is Vault's Kubernetes auth method.
type VaultKubernetesAuth struct {
	// mount of the method. Default kubernetes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +kubebuilder:default=kubernetes
	// +optional
	Mount string `json:"mount,omitempty"`
	// role of the method, bound to the service account holdfast-vault of this namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +required
	Role string `json:"role"`
	// audience of the token that is presented. The role should demand the same. Default vault.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[-._:/a-zA-Z0-9]+$`
	// +kubebuilder:default=vault
	// +optional
	Audience string `json:"audience,omitempty"`
}

// VaultAppRoleAuth is Vault's AppRole auth method.
type VaultAppRoleAuth struct {
	// mount of the method. Default approle.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-_./a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.contains('/./')",message="write the mount as Vault lists it, without empty or '..' segments"
	// +kubebuilder:default=approle
	// +optional
	Mount string `json:"mount,omitempty"`
	// roleID of the role.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +required
	RoleID string `json:"roleID"`
	// secretIDRef is the key of a Secret that holds the secret id.
	// +required
	SecretIDRef KeySelector `json:"secretIDRef"`
}

// VaultTokenAuth is a fixed token.
type VaultTokenAuth struct {
	// secretRef is the key of a Secret that holds the token.
	// +required
	SecretRef KeySelector `json:"secretRef"`
}

// VaultConnectionStatus is what was seen in the last pass.
type VaultConnectionStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the connection.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
