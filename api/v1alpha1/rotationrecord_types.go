package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// RotationRecord tells of one rotation of one material: why, from what to what, each step with
// its time, and how it ended. The operator writes it and never needs it: what is true lies in
// Vault. It has no owner, so it outlives what it tells of; it is removed by age and count.
// What is written stays: the spec cannot change, steps are only appended, and an outcome
// freezes the status. No field has room for a key, a generated password or a token.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=irr,categories=iam
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.subject.kind`
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.spec.subject.name`
// +kubebuilder:printcolumn:name="Material",type=string,JSONPath=`.spec.material`
// +kubebuilder:printcolumn:name="Generation",type=integer,JSONPath=`.spec.to.generation`
// +kubebuilder:printcolumn:name="Cause",type=string,JSONPath=`.spec.cause`
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.outcome`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Completed",type=string,JSONPath=`.status.completedAt`,priority=1
// +kubebuilder:printcolumn:name="Request",type=string,JSONPath=`.spec.request`,priority=1
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || has(self.status)",message="a record tells what happened: its status cannot be taken away"
type RotationRecord struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was decided. It cannot change.
	// +required
	Spec RotationRecordSpec `json:"spec"`
	// status is how far it came.
	// +optional
	Status RotationRecordStatus `json:"status,omitempty,omitzero"`
}

// RotationRecordList is a list of RotationRecords.
// +kubebuilder:object:root=true
type RotationRecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RotationRecord `json:"items"`
}

// RotationRecordSpec is what was decided.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a record tells what was decided: its spec cannot change; the next rotation has a record of its own"
type RotationRecordSpec struct {
	// subject is whose material it is.
	// +required
	Subject RotationSubject `json:"subject"`
	// material that rotates: one of a tenant's, such as token-signing, or an alias of a
	// Keystore, or password for a Keystore's own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Material string `json:"material"`
	// cause: Schedule (it was due), Request (somebody asked), Expiry (a certificate or an
	// account nears its end), Leak (somebody asked, since others may know it) or Change (its
	// object is declared otherwise, such as with another role of the database).
	// +required
	Cause RotationCause `json:"cause"`
	// request is the token of the annotation iam.holdfast.dev/rotate that asked for it. Who set
	// the annotation is in the API server's audit log.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$`
	// +optional
	Request string `json:"request,omitempty"`
	// from is what was in use before. Left out when nothing was.
	// +optional
	From *RotatedMaterial `json:"from,omitempty"`
	// to is what comes into use.
	// +required
	To RotatedMaterial `json:"to"`
}

// RotationSubject is the object whose material rotates, in the record's namespace.
type RotationSubject struct {
	// kind: IdentityTenant or Keystore.
	// +kubebuilder:validation:Enum=IdentityTenant;Keystore
	// +required
	Kind string `json:"kind"`
	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// uid of the object: one of the same name that is made later is another.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:Pattern=`^[-a-z0-9]+$`
	// +required
	UID types.UID `json:"uid"`
}

// RotationCause says why a material rotates.
// +kubebuilder:validation:Enum=Schedule;Request;Expiry;Leak;Change
type RotationCause string

// The causes.
const (
	CauseSchedule RotationCause = "Schedule"
	CauseRequest  RotationCause = "Request"
	CauseExpiry   RotationCause = "Expiry"
	CauseLeak     RotationCause = "Leak"
	CauseChange   RotationCause = "Change"
)

// RotatedMaterial names one generation of a material without telling what it is. Of a ring it
// names the key that signs.
type RotatedMaterial struct {
	// generation of the value in Vault, from 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	// +required
	Generation int64 `json:"generation"`
	// keyIDs are aliases in the store, such as signing-2, and key ids (kid) as the server
	// publishes them.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=96
	// +kubebuilder:validation:items:Pattern=`^([a-z0-9]([-a-z0-9]{0,72}[a-z0-9])?|[-_A-Za-z0-9]{43}|[-_A-Za-z0-9]{86}(_[A-Z]{2}[0-9]{3})?)$`
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() == 43 || k.size() > 74 || !k.matches('[a-z0-9]{40}'))",message="write an alias such as signing-2 or a key id: 40 letters and digits in a row may be a secret"
	// +listType=atomic
	// +optional
	KeyIDs []string `json:"keyIDs,omitempty"`
	// serials of the certificates, hexadecimal, at most 20 bytes (RFC 5280 4.1.2.2).
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	// +kubebuilder:validation:items:Pattern=`^[0-9a-fA-F]+$`
	// +listType=atomic
	// +optional
	Serials []string `json:"serials,omitempty"`
	// fingerprints (SHA-256) of the certificates, as keytool prints them: pairs of
	// hexadecimal digits, colons between.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=95
	// +kubebuilder:validation:items:Pattern=`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`
	// +listType=atomic
	// +optional
	Fingerprints []string `json:"fingerprints,omitempty"`
	// secretName of the Secret that holds it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('[a-z0-9]{64}')",message="write the name of a Secret: 64 letters and digits in a row may be a secret itself"
	// +optional
	SecretName string `json:"secretName,omitempty"`
}

// RotationRecordStatus is how far a rotation came. Steps are only appended, and the outcome is
// the last word.
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.outcome) || self == oldSelf",message="the rotation is over: its record cannot change"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.steps) || (has(self.steps) && self.steps.size() >= oldSelf.steps.size() && [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].all(i, i >= oldSelf.steps.size() || self.steps[i] == oldSelf.steps[i]))",message="steps are only appended: those that are there stay, in their order"
// +kubebuilder:validation:XValidation:rule="has(self.outcome) == has(self.completedAt)",message="outcome and completedAt go together"
type RotationRecordStatus struct {
	// steps in the order in which they were seen to be done. Each name comes once.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Steps []RotationStep `json:"steps,omitempty"`
	// outcome, once it is over: Succeeded, Failed or Superseded (a later rotation of the same
	// material took its place).
	// +optional
	Outcome RotationOutcome `json:"outcome,omitempty"`
	// completedAt is when the outcome was known.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// RotationStepName is a step of a rotation.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z]*$`
type RotationStepName string

// The steps that every rotation has, in this order. A material may have others between.
const (
	// StepStarted: it was decided to rotate.
	StepStarted RotationStepName = "Started"
	// StepKeyMade: the new value is in Vault and the position names it. From here on there is
	// no way back to before.
	StepKeyMade RotationStepName = "KeyMade"
	// StepApplied: what the pods start from holds it.
	StepApplied RotationStepName = "Applied"
	// StepServing: it was read back from the live server.
	StepServing RotationStepName = "Serving"
)

// RotationOutcome is how a rotation ended.
// +kubebuilder:validation:Enum=Succeeded;Failed;Superseded
type RotationOutcome string

// The outcomes.
const (
	RotationSucceeded  RotationOutcome = "Succeeded"
	RotationFailed     RotationOutcome = "Failed"
	RotationSuperseded RotationOutcome = "Superseded"
)

// RotationStep is one step that was done.
type RotationStep struct {
	// name of the step.
	// +required
	Name RotationStepName `json:"name"`
	// time at which it was seen to be done.
	// +required
	Time metav1.Time `json:"time"`
	// message says what was done and how that was checked.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]*$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('[A-Za-z0-9+/=_]{40}')",message="write a sentence: 40 letters and digits in a row may be a secret"
	// +optional
	Message string `json:"message,omitempty"`
}
