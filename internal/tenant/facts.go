package tenant

import (
	"time"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// Facts is what was seen in a pass. It starts empty and only fills up; each field is
// written by the Observe of one step.
type Facts struct {
	// ClusterID is the UID of the kube-system namespace: the owner mark in Vault.
	ClusterID string
	// VaultReady is true once the connection signed in during this pass.
	VaultReady bool
	// Keystores by role, those with a usable version.
	Keystores map[KeystoreRole]KeystoreFact
	// Schema is the proof that the schema stands, nil until it does.
	Schema *SchemaProof
	// Credentials names the immutable Secret that pods read their secrets from.
	Credentials string
	// DataKey is what was seen of the data key in Vault, nil while nobody could look.
	DataKey *DataKeyFact
	// Rotations of materials that have a schedule or a certificate, sorted by name, as far as
	// somebody could look.
	Rotations []RotationFact
	// Rotated is the token of the rotate request that is complete; empty: none is, or nobody
	// could look.
	Rotated string
	// Signing is the ring of the keys that sign tokens. Nil: nobody could look.
	Signing *SigningFact
	// Served is the certificate that every pod serves, read over TLS. Nil: they do not serve the
	// newest, or nobody could look.
	Served *ServedFact
	// DesiredRevision names all that pods read; empty until it is complete.
	DesiredRevision string
	// ServingRevision is the revision that every ready pod runs; empty when they differ.
	ServingRevision string
	// ServingVersion is the product version of the serving revision.
	ServingVersion string
	Pods           Pods
	// Installed are the choices of the first start, as Vault has them; nil while nobody could look.
	Installed map[string]string
	// NotEnforceable lists, by realm, settings that the product cannot enforce.
	NotEnforceable map[string][]string
	// RealmsHeld is true once every declared realm was read back as wanted during this pass.
	RealmsHeld bool
	// Undeclared are the realms that nobody declares, sorted by name. Nil: nobody could look.
	Undeclared *UndeclaredFact
	// Hardening is how the wish was judged. Nil: nobody could judge it.
	Hardening *HardeningFact
}

// UndeclaredFact is what is known of realms that nobody declares, from this pass and earlier ones.
type UndeclaredFact struct{ Realms []UndeclaredRealm }

// UndeclaredRealm is one of them, as it was when somebody last looked.
type UndeclaredRealm struct {
	Name string
	// Outcome is empty until somebody looks.
	Outcome RealmOutcome
	// Message says why it is not held. Differences are what is told and not put back.
	Message     string
	Differences Diff
}

// RealmOutcome is how a realm was found, and left.
type RealmOutcome string

// The outcomes. They are the same words as the constants of api/v1alpha1.
const (
	RealmHeld    RealmOutcome = "Held"
	RealmDiffers RealmOutcome = "Differs"
	RealmRefused RealmOutcome = "Refused"
	RealmUnread  RealmOutcome = "Unread"
)

// HardeningFact is how a tenant was judged by the catalogue of controls. Controls are named
// by their ids, in order.
type HardeningFact struct {
	Profile control.Profile
	// Met is how many hold by what is rendered.
	Met int
	// Weak ones have no waiver, Lapsed ones an expired one.
	Weak           []Weakness
	Waived, Lapsed []Allowance
	// Migrations are choices of the first start that differ from what is wanted now, in words.
	Migrations []Weakness
	// Exposed are vulnerabilities that the version is known to have, in words.
	Exposed []Weakness
	// Attested and Unattested can be proven by a document only.
	Attested, Unattested []string
	LapsedAttestations   []Attestation
	// Gaps are what the product cannot do.
	Gaps []string
	// Next is when the first waiver or attestation that holds expires. Zero: none does.
	Next time.Time
}

// Weakness is a control that is not met, in words.
type Weakness struct{ Control, Message string }

// Allowance is a control and the waiver that it needs.
type Allowance struct {
	Control, Waiver string
	Until           time.Time
}

// Wake notes that something changes at a time.
func (f *HardeningFact) Wake(at time.Time) {
	if f.Next.IsZero() || at.Before(f.Next) {
		f.Next = at
	}
}

// KeystoreFact is a usable version of a store.
type KeystoreFact struct {
	// Name of the Keystore.
	Name string
	// Trusted are the certificates that the trust store has to hold for it, by fingerprint; of the
	// trust store itself those that it holds.
	Trusted []string
	// Ring has the aliases of the keys of a ring. Nil: it has one key.
	Ring *RingFact
	// SecretName of the version, with the keys keystore.p12 and password.
	SecretName string
	Generation int64
	Alias      string
	// CertificatePEM is the chain of its key pair, public.
	CertificatePEM []byte
	// NotAfter is when the first of its certificates ends, KeyEnds when that of its alias does.
	NotAfter, KeyEnds time.Time
}

// RingFact are generations of a ring's keys; a Previous of zero: there is none.
type RingFact struct{ Previous, Current, Next int }

// ServedFact is a certificate that was read over TLS.
type ServedFact struct {
	// Serial is hexadecimal.
	Serial   string
	NotAfter time.Time
	// Pods is how many served it, Since when that was read.
	Pods  int
	Since time.Time
}

// SigningFact is a ring and since when it is what the live server has. Zero times: it is not, or
// nobody could look.
type SigningFact struct {
	Ring RingFact
	// CurrentSince is since when every pod signs with the current key, NextSince since when they
	// publish the next one.
	CurrentSince, NextSince time.Time
}

// SchemaProof says which image's scripts were found or made in the database.
type SchemaProof struct {
	Image string
	// HadData is true when the schema held users before we first saw it.
	HadData bool
}

// Pods of the workload.
type Pods struct {
	Wanted, Ready, Updated int32
	// Held is true while the newest template waits for its window.
	Held bool
	// Opens is when that window opens, zero when nobody knows.
	Opens time.Time
	// Changes are what the template changes of what serves, while it is held.
	Changes []string
	// Expiring says why a rollout does not wait for its window. Empty: it does.
	Expiring string
}

// RotationFact is what was decided about a material.
type RotationFact struct {
	Material string
	// NextDue is when it was due or will be, Last when it rotated, Overdue since when it is
	// late; each zero when there is no such time.
	NextDue, Last, Overdue time.Time
	Reason, Message        string
}

// DataKeyFact is the key that encrypts what the server stores, as Vault holds it.
type DataKeyFact struct {
	Generation int
	// Predecessor is the generation that pods hold beside it, 0 when they hold none.
	Predecessor int
	// Drill is the last restore drill of this pass, nil when there was none.
	Drill *RestoreDrill
}

// RestoreDrill is a proof that the key in Vault is the one that it was: it opened the
// value that was sealed with it when it was first seen.
type RestoreDrill struct {
	Generation int
	// Request is the token of who asked for it, empty when nobody did.
	Request string
	At      time.Time
}
