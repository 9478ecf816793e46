package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Keystore is one PKCS#12 file: key pairs and trusted certificates by alias, made
// in Vault or by cert-manager, kept as versioned immutable Secrets. It serves
// the identity server, or any other JVM application by spec.target.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=iks,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Generation",type=integer,JSONPath=`.status.currentGeneration`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.notAfter`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.secretName`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="choose a name of at most 63 characters: it becomes a label value"
// +kubebuilder:validation:XValidation:rule="self.spec.entries.all(e, !has(e.trusted) || !has(e.trusted.keystoreRef) || e.trusted.keystoreRef.name != self.metadata.name)",message="a trusted entry names this Keystore itself: name another one, or remove the entry"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="choose a name of lower-case letters, digits and hyphens: it becomes a label value and part of a path in Vault"
type Keystore struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish.
	// +required
	Spec KeystoreSpec `json:"spec"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status KeystoreStatus `json:"status,omitempty"`
}

// KeystoreList is a list of Keystores.
// +kubebuilder:object:root=true
type KeystoreList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Keystore `json:"items"`
}

// KeystoreSpec declares a store. Its password is generated and kept in Vault.
// +kubebuilder:validation:XValidation:rule="self.entries.filter(e, has(e.certificate) && has(e.certificate.issuerRef)).size() <= 1",message="at most one entry of a store may come from an issuer: each costs a Certificate; make another Keystore"
type KeystoreSpec struct {
	// vaultRef names the VaultConnection that keeps the password and the private keys.
	// +required
	VaultRef LocalReference `json:"vaultRef"`
	// entries by alias.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=alias
	// +required
	Entries []KeystoreEntry `json:"entries"`
	// historyLimit is how many retired versions stay beside the current one, 0 to 10. Default 3.
	// A version that a pod still names stays in any case.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	// +kubebuilder:default=3
	// +optional
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
	// target is a copy of the current version under a stable name, for applications
	// that cannot follow versioned names.
	// +optional
	Target *KeystoreTarget `json:"target,omitempty"`
	// deletionPolicy for the values in Vault: Retain (default) or Delete.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// KeystoreTarget is a Secret with a stable name.
type KeystoreTarget struct {
	// secretName of the copy, with the keys keystore.p12 and password. It must not exist yet.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	SecretName string `json:"secretName"`
}

// KeystoreEntry is a key pair (certificate) or trusted certificates (trusted).
// +kubebuilder:validation:ExactlyOneOf=certificate;trusted
// +kubebuilder:validation:XValidation:rule="has(self.certificate) || (!has(self.algorithm) && !has(self.size))",message="algorithm and size belong to a key pair: remove them from a trusted entry"
// +kubebuilder:validation:XValidation:rule="!has(self.algorithm) || self.algorithm != 'ECDSA' || !has(self.size) || self.size in [256, 384, 521]",message="an ECDSA key has size 256, 384 or 521"
// +kubebuilder:validation:XValidation:rule="(has(self.algorithm) && self.algorithm != 'RSA') || !has(self.size) || self.size in [3072, 4096]",message="an RSA key has size 3072 or 4096"
type KeystoreEntry struct {
	// alias of the entry: lower case, since Java folds the case. wso2carbon, the
	// vendor's default, is refused.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="write an alias of lower-case letters, digits and hyphens: Java folds the case"
	// +kubebuilder:validation:XValidation:rule="self != 'password'",message="password is where the store's own password lies in Vault: choose another alias"
	// +kubebuilder:validation:XValidation:rule="self != 'wso2carbon'",message="wso2carbon is the vendor's publicly known alias: choose another"
	// +required
	Alias string `json:"alias"`
	// algorithm: RSA (default) or ECDSA.
	// +optional
	Algorithm KeyAlgorithm `json:"algorithm,omitempty"`
	// size in bits. Default 3072 (RSA) or 256 (ECDSA).
	// +optional
	Size int32 `json:"size,omitempty"`
	// certificate of the key pair.
	// +optional
	Certificate *EntryCertificate `json:"certificate,omitempty"`
	// trusted certificates; a source with several gives alias-1, alias-2 and so on.
	// +optional
	Trusted *TrustedSource `json:"trusted,omitempty"`
}

// EntryCertificate is how the certificate of a key pair is made.
// +kubebuilder:validation:ExactlyOneOf=issuerRef;selfSigned
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || (duration(self.duration) >= duration('24h') && duration(self.duration) <= duration('87600h'))",message="duration must lie between 24h and 87600h (ten years)"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || has(self.issuerRef)",message="renewBefore belongs to an issuer's certificate: a self-signed key rotates only when asked"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || duration(self.renewBefore) < duration(has(self.duration) ? self.duration : '2160h')",message="renewBefore must be shorter than duration (default 2160h)"
// +kubebuilder:validation:XValidation:rule="has(self.renewBefore) || !has(self.issuerRef) || !has(self.duration) || duration(self.duration) > duration('720h')",message="write renewBefore too: its default of 720h is not shorter than this duration"
// +kubebuilder:validation:XValidation:rule="!has(self.issuerRef) || (has(self.dnsNames) && self.dnsNames.size() > 0)",message="an issuer's certificate needs at least one entry in dnsNames"
type EntryCertificate struct {
	// issuerRef has cert-manager make the key and the certificate; the key is escrowed
	// in Vault once seen.
	// +optional
	IssuerRef *IssuerReference `json:"issuerRef,omitempty"`
	// selfSigned: the key is made in Vault and its certificate signed by itself.
	// +optional
	SelfSigned *SelfSigned `json:"selfSigned,omitempty"`
	// dnsNames of the certificate.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.all(n, n.matches('^([*][.])?[-a-z0-9.]+$'))",message="write DNS names such as id.acme.example or *.acme.example, in lower case"
	// +listType=set
	// +optional
	DNSNames []string `json:"dnsNames,omitempty"`
	// duration of the certificate. Default 2160h from an issuer, 87600h self-signed.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
	// renewBefore its end. Default 720h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"`
}

// SelfSigned is a certificate signed by its own key.
type SelfSigned struct {
	// commonName of subject and issuer. Default: the alias.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9 ._]*[a-zA-Z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-a-zA-Z0-9 ._]+$')",message="write a plain name of letters, digits, spaces, dots, hyphens and underscores"
	// +optional
	CommonName string `json:"commonName,omitempty"`
}

// TrustedSource is where trusted certificates come from, exactly one member.
// +kubebuilder:validation:ExactlyOneOf=configMapRef;secretRef;keystoreRef
type TrustedSource struct {
	// configMapRef reads PEM certificates from a ConfigMap.
	// +optional
	ConfigMapRef *KeySelector `json:"configMapRef,omitempty"`
	// secretRef reads PEM certificates from a Secret.
	// +optional
	SecretRef *KeySelector `json:"secretRef,omitempty"`
	// keystoreRef takes the topmost known certificate of an entry of another Keystore: its
	// CA when an issuer made it, else the self-signed certificate.
	// +optional
	KeystoreRef *KeystoreEntryReference `json:"keystoreRef,omitempty"`
}

// KeystoreEntryReference names an entry of another Keystore of the namespace.
type KeystoreEntryReference struct {
	// name of the Keystore.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// alias of the entry.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Alias string `json:"alias"`
}

// KeystoreStatus is what was seen in the last pass.
type KeystoreStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the store.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// currentGeneration of the store.
	// +optional
	CurrentGeneration int64 `json:"currentGeneration,omitempty"`
	// secretName of the current version, with the keys keystore.p12, password and,
	// for each entry, ALIAS.crt (PEM chain).
	// +optional
	SecretName string `json:"secretName,omitempty"`
	// notAfter is the earliest expiry among the store's own certificates.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
	// versions, newest first.
	// +listType=map
	// +listMapKey=generation
	// +optional
	Versions []KeystoreVersion `json:"versions,omitempty"`
}

// KeystoreVersionState tells whether a version is in use.
// +kubebuilder:validation:Enum=Current;Retired
type KeystoreVersionState string

// The states of a version.
const (
	VersionCurrent KeystoreVersionState = "Current"
	VersionRetired KeystoreVersionState = "Retired"
)

// KeystoreVersion is one immutable Secret.
type KeystoreVersion struct {
	// generation counts versions from 1.
	Generation int64 `json:"generation"`
	// state of the version.
	State KeystoreVersionState `json:"state"`
	// secretName of the version.
	SecretName string `json:"secretName"`
	// entries of the version.
	// +listType=map
	// +listMapKey=alias
	// +optional
	Entries []KeystoreVersionEntry `json:"entries,omitempty"`
}

// KeystoreVersionEntry describes a certificate, never a key.
type KeystoreVersionEntry struct {
	// alias of the entry.
	Alias string `json:"alias"`
	// fingerprintSHA256 of the certificate, as keytool prints it.
	FingerprintSHA256 string `json:"fingerprintSHA256"`
	// serial number, hexadecimal.
	Serial string `json:"serial"`
	// notBefore and notAfter bound the certificate.
	NotBefore metav1.Time `json:"notBefore"`
	// notAfter is its end.
	NotAfter metav1.Time `json:"notAfter"`
	// trusted is true for a certificate without a key.
	// +optional
	Trusted bool `json:"trusted,omitempty"`
}
