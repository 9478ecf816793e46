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
	// sessions: how long people stay signed in.
	// +optional
	Sessions *Sessions `json:"sessions,omitempty"`
	// registration of new accounts.
	// +optional
	Registration *Registration `json:"registration,omitempty"`
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

// Sessions of people who signed in. Longer ones than spec.hardening.profile allows are weak
// (OWASP ASVS 5.0.0 7.3, NIST SP 800-63B 4.2.3).
// +kubebuilder:validation:XValidation:rule="!has(self.idle) || (duration(self.idle) >= duration('1m') && duration(self.idle) <= duration('24h'))",message="idle must lie between 1m and 24h"
// +kubebuilder:validation:XValidation:rule="!has(self.maximum) || (duration(self.maximum) >= duration('1m') && duration(self.maximum) <= duration('720h'))",message="maximum must lie between 1m and 720h"
// +kubebuilder:validation:XValidation:rule="!has(self.rememberMe) || self.rememberMe == 'Disabled' || (duration(self.rememberMe) >= duration('1m') && duration(self.rememberMe) <= duration('8760h'))",message="write rememberMe as Disabled, or as a time between 1m and 8760h"
// +kubebuilder:validation:XValidation:rule="!has(self.idle) || !has(self.maximum) || duration(self.idle) <= duration(self.maximum)",message="idle is longer than maximum: a session cannot rest for longer than it lives"
// +kubebuilder:validation:XValidation:rule="(!has(self.idle) || duration(self.idle).getSeconds() % 60 == 0) && (!has(self.maximum) || duration(self.maximum).getSeconds() % 60 == 0) && (!has(self.rememberMe) || self.rememberMe == 'Disabled' || duration(self.rememberMe).getSeconds() % 60 == 0)",message="write whole minutes, such as 15m or 8h"
type Sessions struct {
	// idle is how long a session that nobody uses lives, in whole minutes: 1m to 24h. Default 15m,
	// 30m with the profile Baseline; maximum where that is shorter.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Idle *metav1.Duration `json:"idle,omitempty"`
	// maximum is how long a session lives although it is used, in whole minutes: 1m to 720h.
	// Default 8h; 24h with the profile Baseline.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Maximum *metav1.Duration `json:"maximum,omitempty"`
	// rememberMe is how long the session lives of whoever asks to be remembered, counted from the
	// sign-in and used or not, in whole minutes: 1m to 8760h. Disabled: no longer than idle, since
	// the product's page asks in any case. Default: as maximum; 168h with the profile Baseline.
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^(Disabled|([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?)$`
	// +optional
	RememberMe string `json:"rememberMe,omitempty"`
}

// RememberMeDisabled is the value of Sessions.RememberMe that is no time.
const RememberMeDisabled = "Disabled"

// Registration of new accounts (OWASP ASVS 5.0.0 6.3.8).
type Registration struct {
	// selfService lets people make accounts for themselves: Enabled or Disabled (default). It
	// needs spec.mail unless confirmEmail is None.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +optional
	SelfService Switch `json:"selfService,omitempty"`
	// invitation lets an administrator make an account that opens with a link in an e-mail, so
	// that its password is never known to two: Enabled or Disabled. It needs spec.mail. Default:
	// Enabled where spec.mail is declared.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +optional
	Invitation Switch `json:"invitation,omitempty"`
	// confirmEmail keeps an account that somebody made for himself shut until its address is
	// confirmed: Required (default), or None.
	// +kubebuilder:validation:Enum=Required;None
	// +optional
	ConfirmEmail Confirmation `json:"confirmEmail,omitempty"`
}

// UndeclaredRealms says what becomes of realms that nobody declares.
type UndeclaredRealms string

// The ways with realms that nobody declares.
const (
	UndeclaredEnforce UndeclaredRealms = "Enforce"
	UndeclaredReport  UndeclaredRealms = "Report"
	UndeclaredIgnore  UndeclaredRealms = "Ignore"
)

// Switch is on or off.
type Switch string

// The positions of a Switch.
const (
	SwitchEnabled  Switch = "Enabled"
	SwitchDisabled Switch = "Disabled"
)

// Confirmation says whether something has to be confirmed.
type Confirmation string

// The confirmations.
const (
	ConfirmationRequired Confirmation = "Required"
	ConfirmationNone     Confirmation = "None"
)
