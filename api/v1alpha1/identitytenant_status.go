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
	// realms that are declared, and of the others 20: those first that do not hold what is wanted.
	// +listType=map
	// +listMapKey=name
	// +optional
	Realms []RealmStatus `json:"realms,omitempty"`
	// undeclaredRealms counts the realms of the server that nobody declares; absent while nobody
	// looks, as with Ignore.
	// +optional
	UndeclaredRealms *UndeclaredRealmsStatus `json:"undeclaredRealms,omitempty"`
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
	// name of the realm. One that the server itself calls root, and that is not its root realm, is
	// realm:root.
	Name string `json:"name"`
	// declared is false of a realm that the server has and spec.realms does not name.
	// +optional
	Declared bool `json:"declared"`
	// outcome of the last look: Held, Differs, Refused or Unread. Absent: nobody looked yet.
	// +optional
	Outcome RealmOutcome `json:"outcome,omitempty"`
	// message says why it is not Held.
	// +optional
	Message string `json:"message,omitempty"`
	// differences from what is wanted, where undeclaredRealms is Report: five at most, then how
	// many more.
	// +listType=atomic
	// +optional
	Differences []string `json:"differences,omitempty"`
	// notEnforceable lists settings of a declared realm's policy that the product cannot enforce,
	// with the reason.
	// +listType=set
	// +optional
	NotEnforceable []string `json:"notEnforceable,omitempty"`
}

// RealmOutcome is how a realm was found, and left.
type RealmOutcome string

// The outcomes.
const (
	// RealmHeld: it holds what is wanted, as read back.
	RealmHeld RealmOutcome = "Held"
	// RealmDiffers: it does not, and nothing is written there.
	RealmDiffers RealmOutcome = "Differs"
	// RealmRefused: the server did not keep a setting.
	RealmRefused RealmOutcome = "Refused"
	// RealmUnread: it could not be read or written.
	RealmUnread RealmOutcome = "Unread"
)

// UndeclaredRealmsStatus counts realms that nobody declares.
type UndeclaredRealmsStatus struct {
	// found on the server.
	Found int32 `json:"found"`
	// held are those that hold what is wanted.
	Held int32 `json:"held"`
	// pending are those that nobody looked at yet: each pass looks at 50.
	// +optional
	Pending int32 `json:"pending,omitempty"`
	// unlisted are those that status.realms leaves out.
	// +optional
	Unlisted int32 `json:"unlisted,omitempty"`
}

// EffectiveDefault is a default that resolve filled in.
type EffectiveDefault struct {
	// field that was left out, such as spec.replicas.
	Field string `json:"field"`
	// value in force.
	Value string `json:"value"`
}
