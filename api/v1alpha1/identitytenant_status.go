package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IdentityTenantStatus is what was seen in the last pass.
type IdentityTenantStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the tenant.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// desiredRevision names all that pods read, as wished.
	// +optional
	DesiredRevision string `json:"desiredRevision,omitempty"`
	// servingRevision names all that pods read, as served by every pod.
	// +optional
	ServingRevision string `json:"servingRevision,omitempty"`
	// servingVersion is the product version that serves; it guards downgrades.
	// +optional
	ServingVersion string `json:"servingVersion,omitempty"`
	// endpoints under which the server can be reached.
	// +optional
	Endpoints *Endpoints `json:"endpoints,omitempty"`
	// keystores in use.
	// +listType=map
	// +listMapKey=name
	// +optional
	Keystores []KeystoreInUse `json:"keystores,omitempty"`
	// dataKey is the key that encrypts what the server stores.
	// +optional
	DataKey *DataKeyInUse `json:"dataKey,omitempty"`
	// servedCertificate is what was read over TLS from every pod when the last rollout was over.
	// +optional
	ServedCertificate *ServedCertificate `json:"servedCertificate,omitempty"`
	// tokenSigning is the ring of the keys that sign tokens.
	// +optional
	TokenSigning *TokenSigningStatus `json:"tokenSigning,omitempty"`
	// rotations are the materials that rotate by a schedule or before their certificate ends.
	// +listType=map
	// +listMapKey=material
	// +optional
	Rotations []RotationStatus `json:"rotations,omitempty"`
	// installed are choices that the server made at its first start and keeps. A profile that
	// wants others is told by Stalled, NeedsMigration; all else of it is rolled out.
	// +listType=map
	// +listMapKey=key
	// +optional
	Installed []InstalledChoice `json:"installed,omitempty"`
	// hardening counts the controls that apply, and names those that are not met by themselves.
	// +optional
	Hardening *HardeningStatus `json:"hardening,omitempty"`
	// realms and what of their policy the product cannot enforce.
	// +listType=map
	// +listMapKey=name
	// +optional
	Realms []RealmStatus `json:"realms,omitempty"`
	// defaults are the values of fields that the spec leaves out.
	// +listType=map
	// +listMapKey=field
	// +optional
	Defaults []EffectiveDefault `json:"defaults,omitempty"`
	// requests echoes the annotations that were acted on.
	// +optional
	Requests *ObservedRequests `json:"requests,omitempty"`
}

// Endpoints under which a server can be reached.
type Endpoints struct {
	// internal is the URL inside the cluster.
	// +optional
	Internal string `json:"internal,omitempty"`
	// public is the URL outside, when the tenant is exposed.
	// +optional
	Public string `json:"public,omitempty"`
	// admin is the URL of the admin side, when it is exposed.
	// +optional
	Admin string `json:"admin,omitempty"`
}

// DataKeyInUse tells which generations of the data key the desired revision holds. All of
// them stay in Vault.
type DataKeyInUse struct {
	// generation that new data is encrypted with, from 1.
	Generation int64 `json:"generation"`
	// predecessor is the generation before it, which pods hold to read older data; absent
	// when they hold none. It goes when the annotation iam.holdfast.dev/reencrypted names
	// the present generation.
	// +optional
	Predecessor int64 `json:"predecessor,omitempty"`
	// drill is the last restore drill: of a generation that was seen for the first time, or
	// one that was asked for.
	// +optional
	Drill *RestoreDrill `json:"drill,omitempty"`
}

// RestoreDrill proved that the data key in Vault is the one that it was when it was first
// seen: it opened a value that was sealed with it then. A drill that fails is SecretsReady
// with the reason DataKeyDamaged.
type RestoreDrill struct {
	// generation of the key that was proven.
	Generation int64 `json:"generation"`
	// request is the token of iam.holdfast.dev/restore-drill that asked for it, if any did.
	// +optional
	Request string `json:"request,omitempty"`
	// time of the proof that was asked for. What nobody asked for is proven whenever the key
	// changes or the operator starts.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// KeystoreInUse is a keystore version that the desired revision names.
type KeystoreInUse struct {
	// name of the Keystore.
	Name string `json:"name"`
	// generation of its version.
	Generation int64 `json:"generation"`
	// secretName of the version.
	SecretName string `json:"secretName"`
	// notAfter is the earliest expiry among its own certificates.
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}

// ServedCertificate is the certificate that every pod serves.
type ServedCertificate struct {
	// serial number, hexadecimal.
	Serial string `json:"serial"`
	// notAfter is its end.
	NotAfter metav1.Time `json:"notAfter"`
	// pods that served it.
	Pods int32 `json:"pods"`
	// since is when it was read.
	Since metav1.Time `json:"since"`
}

// TokenSigningStatus is a ring of keys, by generation.
type TokenSigningStatus struct {
	// previous signed before and still verifies. Absent: none.
	// +optional
	Previous int64 `json:"previous,omitempty"`
	// current signs.
	Current int64 `json:"current"`
	// next is published and signs after the next rotation.
	Next int64 `json:"next"`
	// currentSince is since when every pod, or every realm of a Keycloak, signs with current; absent
	// while they do not.
	// +optional
	CurrentSince *metav1.Time `json:"currentSince,omitempty"`
	// nextPublishedSince is since when every pod, or every realm, publishes next; absent while they
	// do not.
	// +optional
	NextPublishedSince *metav1.Time `json:"nextPublishedSince,omitempty"`
}

// RotationStatus tells when a material rotates, and what it waits for.
type RotationStatus struct {
	// material as the annotation iam.holdfast.dev/rotate names it.
	Material string `json:"material"`
	// nextDue is when it was due, or will be next; absent while its schedule is suspended.
	// +optional
	NextDue *metav1.Time `json:"nextDue,omitempty"`
	// lastRotation is when its present generation came into use; absent when it is the first.
	// +optional
	LastRotation *metav1.Time `json:"lastRotation,omitempty"`
	// overdueSince is since when it should have happened; absent while it is on time.
	// +optional
	OverdueSince *metav1.Time `json:"overdueSince,omitempty"`
	// reason in one word: NotDue, Due, or what it waits for: Suspended, RolloutInFlight,
	// NextNotPublished, PreviousNeeded, WindowClosed. Expiring: it does not wait for a window.
	Reason string `json:"reason"`
	// message says so in full.
	// +optional
	Message string `json:"message,omitempty"`
}

// InstalledChoice is a choice of the first start.
type InstalledChoice struct {
	// key of deployment.toml that holds it.
	Key string `json:"key"`
	// value; absent: the key was not written, and the product's own default holds.
	// +optional
	Value string `json:"value,omitempty"`
}

// RealmStatus is what was seen of a realm.
type RealmStatus struct {
	// name of the realm.
	Name string `json:"name"`
	// notEnforceable lists settings of the policy that the product cannot enforce, with the reason.
	// +listType=set
	// +optional
	NotEnforceable []string `json:"notEnforceable,omitempty"`
}

// EffectiveDefault is a default that resolve filled in.
type EffectiveDefault struct {
	// field that was left out, such as spec.replicas.
	Field string `json:"field"`
	// value in force.
	Value string `json:"value"`
}
