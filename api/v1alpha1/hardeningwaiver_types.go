package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HardeningWaiver lets one object be weaker than its hardening profile in one control, until a
// day. Who may create one is RBAC's answer: the role holdfast-waiver-granter, and no role that
// may edit tenants. `holdfast controls` lists the controls.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ihw,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Control",type=string,JSONPath=`.spec.control`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.subject.kind`
// +kubebuilder:printcolumn:name="Name",type=string,JSONPath=`.spec.subject.name`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expires`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Used-by",type=string,JSONPath=`.status.usedBy`
type HardeningWaiver struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the decision.
	// +required
	Spec HardeningWaiverSpec `json:"spec"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status PolicyStatus `json:"status,omitempty"`
}

// HardeningWaiverList is a list of HardeningWaivers.
// +kubebuilder:object:root=true
type HardeningWaiverList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HardeningWaiver `json:"items"`
}

// HardeningWaiverSpec says what may be weaker, why, and until when.
// +kubebuilder:validation:XValidation:rule="self.control == oldSelf.control && self.subject == oldSelf.subject",message="control and subject cannot change: whoever decides anew makes another waiver"
type HardeningWaiverSpec struct {
	// control is the id of the control, such as TLS-04.
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=6
	// +kubebuilder:validation:Pattern=`^[A-Z]{3}-[0-9]{2}$`
	// +required
	Control string `json:"control"`
	// subject is the object that may be weaker. A waiver for a policy holds for each tenant that
	// uses it.
	// +required
	Subject WaiverSubject `json:"subject"`
	// reason why, for whoever asks a year later.
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
	// +required
	Reason string `json:"reason"`
	// ticket in which it was decided.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
	// +optional
	Ticket string `json:"ticket,omitempty"`
	// expires is the last day on which it holds, in UTC, such as "2027-03-31". After it the
	// server goes on running, and the tenant says that it is not hardened.
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	// +required
	Expires string `json:"expires"`
}

// WaiverSubject names an object of the waiver's namespace.
type WaiverSubject struct {
	// kind of the object.
	// +kubebuilder:validation:Enum=IdentityTenant;PasswordPolicy;LogPolicy
	// +required
	Kind string `json:"kind"`
	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
}
