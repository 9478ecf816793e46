package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Keystores are the keys of the server, each in a store of its own
// (ISO/IEC 27002 8.24; WSO2 "production security guidelines").
type Keystores struct {
	// tls is the server certificate's key.
	// +optional
	TLS *TLSKey `json:"tls,omitempty"`
	// tokenSigning signs tokens. Default RSA 3072.
	// +optional
	TokenSigning *TokenSigningKey `json:"tokenSigning,omitempty"`
	// federationSigning signs SAML messages, from WSO2 7.2 on, where it is apart from
	// tokenSigning. Partners pin it. Default RSA 3072.
	// +optional
	FederationSigning *SigningKey `json:"federationSigning,omitempty"`
	// internal opens configuration secrets and the stores of server tenants. Default RSA 3072.
	// +optional
	Internal *SigningKey `json:"internal,omitempty"`
	// trust is what the server trusts beyond its own certificates.
	// +optional
	Trust *Trust `json:"trust,omitempty"`
}

// TLSKey is a key with a certificate of issuerRef.
// +kubebuilder:validation:XValidation:rule="!has(self.algorithm) || self.algorithm != 'ECDSA' || !has(self.size) || self.size in [256, 384]",message="an ECDSA key has size 256 or 384"
// +kubebuilder:validation:XValidation:rule="!has(self.algorithm) || self.algorithm != 'RSA' || !has(self.size) || self.size in [3072, 4096]",message="an RSA key has size 3072 or 4096"
// +kubebuilder:validation:XValidation:rule="has(self.algorithm) || !has(self.size) || self.size in [256, 384]",message="the default algorithm is ECDSA: write size 256 or 384, or algorithm RSA"
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || (duration(self.duration) >= duration('24h') && duration(self.duration) <= duration('9528h'))",message="duration must lie between 24h and 9528h (397 days)"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || duration(self.renewBefore) < duration(has(self.duration) ? self.duration : '2160h')",message="renewBefore must be shorter than duration (default 2160h)"
// +kubebuilder:validation:XValidation:rule="has(self.renewBefore) || !has(self.duration) || duration(self.duration) > duration('720h')",message="write renewBefore too: its default of 720h is not shorter than this duration"
// +kubebuilder:validation:XValidation:rule="!has(self.existingKeystoreRef) || !has(self.algorithm) && !has(self.size) && !has(self.duration) && !has(self.renewBefore)",message="existingKeystoreRef takes the key as it is: write algorithm, size, duration and renewBefore in that Keystore"
type TLSKey struct {
	// existingKeystoreRef names a Keystore that somebody else made, instead of one that the
	// tenant makes: PKCS12 with modern encryption, with one key pair of the alias tls, whose
	// certificate is for hostname, the admin hostname and the server's names in the cluster.
	// A new version of it is a rollout; the tenant never rotates it.
	// +optional
	ExistingKeystoreRef *LocalReference `json:"existingKeystoreRef,omitempty"`
	// algorithm: ECDSA (default) or RSA.
	// +optional
	Algorithm KeyAlgorithm `json:"algorithm,omitempty"`
	// size in bits. Default 256 (ECDSA) or 3072 (RSA).
	// +optional
	Size int32 `json:"size,omitempty"`
	// duration of a certificate. Default 2160h (90 days).
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
	// renewBefore its end. Default 720h (30 days).
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"`
}

// KeyAlgorithm of a key pair.
// +kubebuilder:validation:Enum=RSA;ECDSA
type KeyAlgorithm string

// The key algorithms.
const (
	RSA   KeyAlgorithm = "RSA"
	ECDSA KeyAlgorithm = "ECDSA"
)

// SigningKey is an RSA key whose certificate we sign ourselves. WSO2 signs with RSA
// (PS256) by default, which FAPI allows.
// +kubebuilder:validation:XValidation:rule="!has(self.existingKeystoreRef) || !has(self.size)",message="existingKeystoreRef takes the key as it is: write size in that Keystore"
type SigningKey struct {
	// existingKeystoreRef names a Keystore that somebody else made, instead of one that the
	// tenant makes: PKCS12 with modern encryption, with an RSA key pair of the alias
	// federation-signing or internal. A new version of it is a rollout; the tenant never
	// rotates it.
	// +optional
	ExistingKeystoreRef *LocalReference `json:"existingKeystoreRef,omitempty"`
	// size in bits: 3072 (default) or 4096.
	// +kubebuilder:validation:Enum=3072;4096
	// +optional
	Size int32 `json:"size,omitempty"`
}

// TokenSigningKey is a SigningKey that may rotate by a schedule: clients read the keys that
// verify from the server (RFC 7517), so that nobody has to be told of a new one.
type TokenSigningKey struct {
	// size in bits: 3072 (default) or 4096.
	// +kubebuilder:validation:Enum=3072;4096
	// +optional
	Size int32 `json:"size,omitempty"`
	// rotationRef names the RotationSchedule by which the key rotates. Its runs have to come
	// further apart than tokens live plus the longest time without an open window. Default: it
	// rotates only when the annotation iam.holdfast.dev/rotate asks for it.
	// +optional
	RotationRef *LocalReference `json:"rotationRef,omitempty"`
	// publishAhead is for how long the next key is published before it signs, 1m to 720h: longer
	// than any client keeps the published keys. Default 1h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('720h')",message="publishAhead must lie between 1m and 720h"
	// +optional
	PublishAhead *metav1.Duration `json:"publishAhead,omitempty"`
}

// Trust is a list of CA certificates.
type Trust struct {
	// certificates to trust.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Certificates []CertificateSource `json:"certificates,omitempty"`
}
