package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Keystore is one store file: key pairs and trusted certificates by alias, made
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
// +kubebuilder:validation:XValidation:rule="!has(self.encryption) || !has(self.format) || self.format == 'PKCS12'",message="encryption belongs to the format PKCS12: remove it, since JKS has only its own and PEM none"
// +kubebuilder:validation:XValidation:rule="!has(self.format) || self.format != 'PEM' || self.entries.all(e, e.alias != 'ca')",message="in PEM the file ca.crt holds every trusted certificate: choose another alias than ca"
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
	// format of the store: PKCS12 (default), which every JVM since 11.0.12 takes; JKS, Java's own older one, for applications
	// that take no other; PEM, one file for each key and chain, for applications without a JVM. PEM has no password.
	// +kubebuilder:validation:Enum=PKCS12;JKS;PEM
	// +kubebuilder:default=PKCS12
	// +optional
	Format KeystoreFormat `json:"format,omitempty"`
	// encryption of a PKCS12 store: Modern (default; AES-256, SHA-256) or Legacy (3DES, SHA-1) for readers that know no
	// PBES2, such as Java before 8u301. Legacy protects nothing from somebody who has the file and time.
	// +kubebuilder:validation:Enum=Modern;Legacy
	// +optional
	Encryption KeystoreEncryption `json:"encryption,omitempty"`
	// rotationRef names the RotationSchedule by which all that is made here rotates, within its windows: rings, keys that sign
	// their own certificate, and the password, in one version. An issuer renews what it issued by itself. Default: nothing
	// rotates but what the annotation iam.holdfast.dev/rotate asks for, and a self-signed certificate, with a new key, 720h or a
	// third of its duration before its end. The keys of a ring are never replaced for that. Whoever reads the store has to follow.
	// +optional
	RotationRef *LocalReference `json:"rotationRef,omitempty"`
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

// KeystoreFormat is what a store is written as.
type KeystoreFormat string

// The formats of a store.
const (
	FormatPKCS12 KeystoreFormat = "PKCS12"
	FormatJKS    KeystoreFormat = "JKS"
	FormatPEM    KeystoreFormat = "PEM"
)

// KeystoreEncryption says for how old a reader a PKCS12 store is encrypted.
type KeystoreEncryption string

// The encryptions of a PKCS12 store.
const (
	EncryptionModern KeystoreEncryption = "Modern"
	EncryptionLegacy KeystoreEncryption = "Legacy"
)

// KeystoreTarget is a Secret with a stable name.
type KeystoreTarget struct {
	// secretName of the copy, with the same keys as a version has. It must not exist yet.
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
// +kubebuilder:validation:XValidation:rule="!has(self.ring) || !self.ring || (has(self.certificate) && has(self.certificate.selfSigned))",message="ring is for keys that sign their own certificate: use certificate.selfSigned, or remove ring"
// +kubebuilder:validation:XValidation:rule="!has(self.ring) || !self.ring || self.alias.size() <= 53",message="the alias of a ring gets a number behind it: choose one of at most 53 characters"
type KeystoreEntry struct {
	// alias of the entry: lower case, since Java folds the case. wso2carbon, the
	// vendor's default, is refused.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="write an alias of lower-case letters, digits and hyphens: Java folds the case"
	// +kubebuilder:validation:XValidation:rule="self != 'password'",message="password is where the store's own password lies in Vault: choose another alias"
	// +kubebuilder:validation:XValidation:rule="self != 'position'",message="position is where Vault keeps how far rotations have come: choose another alias"
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
	// ring keeps three keys in the store, under the aliases ALIAS-1, ALIAS-2 and so on: the one that signs, the one that will
	// sign next and is published long before, and, after a rotation, the one that signed before, so that what it signed
	// still verifies. For keys that sign tokens. A rotation moves the ring by one.
	// +optional
	Ring bool `json:"ring,omitempty"`
	// trusted certificates; a source with several gives alias-1, alias-2 and so on.
	// +optional
	Trusted *TrustedSource `json:"trusted,omitempty"`
}

// EntryCertificate is how the certificate of a key pair is made.
// +kubebuilder:validation:ExactlyOneOf=issuerRef;selfSigned
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || (duration(self.duration) >= duration('24h') && duration(self.duration) <= duration('87600h'))",message="duration must lie between 24h and 87600h (ten years)"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || has(self.issuerRef)",message="renewBefore belongs to an issuer's certificate: a self-signed one is renewed 720h, or a third of its duration, before its end"
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
	// CA when an issuer made it, else the self-signed certificate; of a ring every one. A certificate
	// that a former version had stays as long as a pod uses that version.
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
	// secretName of the current version, with the keys keystore.p12 or keystore.jks, password and,
	// for each entry, ALIAS.crt (PEM chain). In PEM: ALIAS.key, ALIAS.crt and ca.crt.
	// +optional
	SecretName string `json:"secretName,omitempty"`
	// notAfter is the earliest expiry among the store's own certificates.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
	// rings tells which generation of each ring's keys does what.
	// +listType=map
	// +listMapKey=alias
	// +optional
	Rings []KeystoreRing `json:"rings,omitempty"`
	// nextRotation is when the schedule makes something due; absent without one, and while it is suspended.
	// +optional
	NextRotation *metav1.Time `json:"nextRotation,omitempty"`
	// requests that were seen.
	// +optional
	Requests *KeystoreRequests `json:"requests,omitempty"`
	// versions, newest first.
	// +listType=map
	// +listMapKey=generation
	// +optional
	Versions []KeystoreVersion `json:"versions,omitempty"`
}

// KeystoreRing is a ring of keys. The alias of a generation in the store is ALIAS-GENERATION.
type KeystoreRing struct {
	// alias of the entry.
	Alias string `json:"alias"`
	// previous is the generation that signed before and still verifies. Absent: none.
	// +optional
	Previous int64 `json:"previous,omitempty"`
	// current is the generation that signs.
	Current int64 `json:"current"`
	// next is the generation that signs after the next rotation.
	Next int64 `json:"next"`
	// since is when current began to sign. Absent: with the Keystore.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}

// KeystoreRequests echoes what was asked for by annotation, once it is done.
type KeystoreRequests struct {
	// rotate is the token of the last rotation that is complete.
	// +optional
	Rotate string `json:"rotate,omitempty"`
	// rollback is the generation that is pinned.
	// +optional
	Rollback string `json:"rollback,omitempty"`
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
