package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Realm is a server tenant with its own settings.
// +kubebuilder:validation:XValidation:rule="!has(self.administrators) || !has(self.administrators.rotationRef) || self.name == 'root'",message="only the administrator of the realm root has a password that is generated: remove administrators.rotationRef"
type Realm struct {
	// name: root, or the domain of a server tenant.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
	// passwordPolicyRef names a PasswordPolicy. Default: the hardened default policy.
	// +optional
	PasswordPolicyRef *LocalReference `json:"passwordPolicyRef,omitempty"`
	// recovery of forgotten passwords. Default: off.
	// +optional
	Recovery *Recovery `json:"recovery,omitempty"`
	// administrators of the realm.
	// +optional
	Administrators *Administrators `json:"administrators,omitempty"`
}

// Administrators of a realm.
type Administrators struct {
	// rotationRef names the RotationSchedule by which the password of the root realm's
	// administrator rotates; no pod is replaced for it. Default: it rotates only when the
	// annotation iam.holdfast.dev/rotate asks for it.
	// +optional
	RotationRef *LocalReference `json:"rotationRef,omitempty"`
}

// Recovery of forgotten passwords by e-mail link.
// +kubebuilder:validation:XValidation:rule="!has(self.linkLifetime) || (duration(self.linkLifetime) >= duration('1m') && duration(self.linkLifetime) <= duration('24h'))",message="linkLifetime must lie between 1m and 24h"
// +kubebuilder:validation:XValidation:rule="!has(self.linkLifetime) || duration(self.linkLifetime).getSeconds() % 60 == 0",message="write linkLifetime in whole minutes, such as 15m"
type Recovery struct {
	// emailLink turns recovery by a link in an e-mail on.
	// +required
	EmailLink bool `json:"emailLink"`
	// linkLifetime, in whole minutes. Default 15m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	LinkLifetime *metav1.Duration `json:"linkLifetime,omitempty"`
	// callbacks that a recovery may lead to: https URLs, where a final * stands for
	// any rest of the path. Default: the pages on hostname.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^https://([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?(:[0-9]{1,5})?/[-._~/a-zA-Z0-9]*\*?$`
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.matches('^https://[-a-z0-9.:]+/[-._~/a-zA-Z0-9]*[*]?$'))",message="write https URLs such as https://id.acme.example/*, with a * only at the end"
	// +listType=set
	// +optional
	Callbacks []string `json:"callbacks,omitempty"`
}
