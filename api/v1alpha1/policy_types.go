package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PasswordPolicy is a set of password, history, expiry and lockout rules, used by
// realms. Its own controller only validates it; its effect shows on the tenant.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ipp,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.spec.length.min`
// +kubebuilder:printcolumn:name="Used-by",type=string,JSONPath=`.status.usedBy`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PasswordPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish; everything left out has a hardened default.
	// +optional
	Spec PasswordPolicySpec `json:"spec,omitempty"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status PolicyStatus `json:"status,omitempty"`
}

// PasswordPolicyList is a list of PasswordPolicies.
// +kubebuilder:object:root=true
type PasswordPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PasswordPolicy `json:"items"`
}

// PasswordPolicySpec are the rules.
// +kubebuilder:validation:XValidation:rule="!has(self.maxAge) || (duration(self.maxAge) >= duration('24h') && duration(self.maxAge) <= duration('9600h'))",message="maxAge must lie between 24h and 9600h (400 days)"
// +kubebuilder:validation:XValidation:rule="!has(self.maxAge) || duration(self.maxAge).getSeconds() % 86400 == 0",message="write maxAge in whole days, such as 2160h"
// +kubebuilder:validation:XValidation:rule="!has(self.require) || (has(self.require.lower) ? self.require.lower : 1) + (has(self.require.upper) ? self.require.upper : 1) + (has(self.require.digit) ? self.require.digit : 1) + (has(self.require.special) ? self.require.special : 1) <= (has(self.length) && has(self.length.max) ? self.length.max : 64)",message="no password can hold this many characters of each class: lower require, or raise length.max (default 64)"
// +kubebuilder:validation:XValidation:rule="(has(self.minUnique) ? self.minUnique : 6) <= (has(self.length) && has(self.length.max) ? self.length.max : 64)",message="no password can hold this many different characters: lower minUnique, or raise length.max (default 64)"
type PasswordPolicySpec struct {
	// length of a password in characters.
	// +optional
	Length *PasswordLength `json:"length,omitempty"`
	// require is how many characters of each class are needed. Default 1 of each.
	// +optional
	Require *PasswordClasses `json:"require,omitempty"`
	// maxRepeated is how often one character may stand in a row, 1 to 5. Default 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	// +optional
	MaxRepeated *int32 `json:"maxRepeated,omitempty"`
	// minUnique is how many different characters a password needs, 1 to 20. Default 6.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	// +optional
	MinUnique *int32 `json:"minUnique,omitempty"`
	// notUsername refuses a password that equals the user name. Default true. WSO2
	// has no validator for it: it is reported as not enforceable there.
	// +optional
	NotUsername *bool `json:"notUsername,omitempty"`
	// notCommon refuses commonly used passwords (NIST SP 800-63B 5.1.1.2). Default true.
	// WSO2 has no validator for it: it is reported as not enforceable there.
	// +optional
	NotCommon *bool `json:"notCommon,omitempty"`
	// history is how many former passwords are refused, 3 to 24. Default 5.
	// +kubebuilder:validation:Minimum=3
	// +kubebuilder:validation:Maximum=24
	// +optional
	History *int32 `json:"history,omitempty"`
	// maxAge after which a password has to be changed, in whole days. Default 2160h (90 days).
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
	// lockout after failed logins.
	// +optional
	Lockout *Lockout `json:"lockout,omitempty"`
}

// PasswordLength bounds the length.
// +kubebuilder:validation:XValidation:rule="(has(self.min) ? self.min : 12) <= (has(self.max) ? self.max : 64)",message="min must not exceed max (default 64)"
type PasswordLength struct {
	// min number of characters, 8 to 64. Default 12.
	// +kubebuilder:validation:Minimum=8
	// +kubebuilder:validation:Maximum=64
	// +optional
	Min *int32 `json:"min,omitempty"`
	// max number of characters, 16 to 128. Default 64 (NIST SP 800-63B asks for at least 64).
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=128
	// +optional
	Max *int32 `json:"max,omitempty"`
}

// PasswordClasses is how many characters of each class are needed, 0 to 8 each. Default 1 each.
type PasswordClasses struct {
	// lower-case letters.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Lower *int32 `json:"lower,omitempty"`
	// upper-case letters.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Upper *int32 `json:"upper,omitempty"`
	// digits.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Digit *int32 `json:"digit,omitempty"`
	// special characters.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Special *int32 `json:"special,omitempty"`
}

// Lockout after failed logins.
// +kubebuilder:validation:XValidation:rule="!(has(self.duration) && has(self.permanent) && self.permanent)",message="write either duration or permanent: true"
// +kubebuilder:validation:XValidation:rule="!(has(self.backoffFactor) && has(self.permanent) && self.permanent)",message="backoffFactor lengthens a duration: remove it beside permanent: true"
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || duration(self.duration).getSeconds() % 60 == 0",message="write duration in whole minutes, such as 15m"
// +kubebuilder:validation:XValidation:rule="!has(self.duration) || (duration(self.duration) >= duration('15m') && duration(self.duration) <= duration('24h'))",message="duration must lie between 15m and 24h"
type Lockout struct {
	// attempts that fail before the account is locked, 3 to 10. Default 5.
	// +kubebuilder:validation:Minimum=3
	// +kubebuilder:validation:Maximum=10
	// +optional
	Attempts *int32 `json:"attempts,omitempty"`
	// duration of the lock in whole minutes. Default 15m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`
	// permanent locks until an administrator unlocks.
	// +optional
	Permanent bool `json:"permanent,omitempty"`
	// backoffFactor multiplies the duration with each further lock, 1 to 10. Default 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	// +optional
	BackoffFactor *int32 `json:"backoffFactor,omitempty"`
}

// PolicyStatus is what a policy's controller saw.
type PolicyStatus struct {
	// observedGeneration is the metadata.generation that this status answers for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions of the policy.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// usedBy lists the first ten tenants that name the policy, sorted.
	// +optional
	UsedBy string `json:"usedBy,omitempty"`
}

// LogPolicy says how the identity server writes its logs. Its own controller only
// validates it; its effect shows on the tenant.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ilp,categories=iam
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Used-by",type=string,JSONPath=`.status.usedBy`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type LogPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wish; everything left out has a hardened default.
	// +optional
	Spec LogPolicySpec `json:"spec,omitempty"`
	// status is what was seen. An object that nobody looked at yet has observedGeneration -1, so
	// that kstatus does not call it Current.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status PolicyStatus `json:"status,omitempty"`
}

// LogPolicyList is a list of LogPolicies.
// +kubebuilder:object:root=true
type LogPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LogPolicy `json:"items"`
}

// LogPolicySpec are the streams and what is masked in them.
type LogPolicySpec struct {
	// streams of the server.
	// +optional
	Streams *LogStreams `json:"streams,omitempty"`
	// masking replaces each match by asterisks in every stream (ISO/IEC 27002 8.11).
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Masking []MaskingPattern `json:"masking,omitempty"`
}

// LogStreams are the streams of the server.
type LogStreams struct {
	// server is the product's own log. Default level WARN, JSON, on standard output.
	// +optional
	Server *LogStream `json:"server,omitempty"`
	// audit is who did what. Default level INFO, JSON, on standard output.
	// +optional
	Audit *LogStream `json:"audit,omitempty"`
	// access is each HTTP request, without its query string. Default JSON, on standard output.
	// +optional
	Access *AccessLogStream `json:"access,omitempty"`
}

// LogFormat of a stream.
// +kubebuilder:validation:Enum=JSON;Text
type LogFormat string

// The log formats.
const (
	LogJSON LogFormat = "JSON"
	LogText LogFormat = "Text"
)

// LogStream is one stream. Without file it goes to standard output only, where the
// node rotates it.
type LogStream struct {
	// level: ERROR, WARN, INFO or DEBUG.
	// +kubebuilder:validation:Enum=ERROR;WARN;INFO;DEBUG
	// +optional
	Level string `json:"level,omitempty"`
	// format: JSON (default) or Text; in both, line breaks in a message cannot forge a record.
	// +optional
	Format LogFormat `json:"format,omitempty"`
	// file writes the stream to a file inside the pod too, rotated by size and day.
	// +optional
	File *LogFile `json:"file,omitempty"`
}

// AccessLogStream is the stream of HTTP requests.
type AccessLogStream struct {
	// enabled writes it. Default true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// LogFile is a rotated file on the pod's scratch volume.
// +kubebuilder:validation:XValidation:rule="!has(self.maxSize) || (quantity(self.maxSize).compareTo(quantity('1Mi')) >= 0 && quantity(self.maxSize).compareTo(quantity('100Mi')) <= 0)",message="maxSize must lie between 1Mi and 100Mi"
type LogFile struct {
	// maxSize of one file. Default 10Mi.
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:Pattern=`^[0-9]{1,5}(Ki|Mi)$`
	// +optional
	MaxSize string `json:"maxSize,omitempty"`
	// keep is how many files stay, 1 to 100. Default 20.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Keep *int32 `json:"keep,omitempty"`
}

// MaskingPattern is a regular expression whose matches are masked.
type MaskingPattern struct {
	// name of the pattern.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +required
	Name string `json:"name"`
	// pattern in Java's and RE2's common syntax, without line breaks.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[\x20-\x7e]+$`
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ -~]+$')",message="write a pattern on one line, in printable ASCII"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^{}]|[{][0-9]{1,3}(,[0-9]{0,3})?[}])*$') && !self.contains('${')",message="write a brace only in a repetition such as {4} or {2,4}, and a literal one as \\x7b or \\x7d: the layout of the log gives other braces a meaning of its own"
	// +required
	Pattern string `json:"pattern"`
}
