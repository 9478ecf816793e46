package v1alpha1

// Hardening says how strictly a server is hardened.
type Hardening struct {
	// profile sets the default of every field that weighs on security, and how weak a
	// declared value may be. Baseline: what no server should be without. Strict (default):
	// what the hardening guidelines ask for. FAPI2: Strict, and what the FAPI 2.0 security
	// profile asks of an authorization server (https://openid.net/specs/fapi-security-profile-2_0-final.html).
	// +kubebuilder:validation:Enum=Baseline;Strict;FAPI2
	// +optional
	Profile HardeningProfile `json:"profile,omitempty"`
	// attestations are for the controls that no machine can enforce or see: which document
	// proves one, who answers for it, and until when.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=control
	// +optional
	Attestations []Attestation `json:"attestations,omitempty"`
}

// Attestation says that a control is met by other means than a setting of the server.
type Attestation struct {
	// control is the id of the control, such as OPS-07. `holdfast controls` lists those that
	// take an attestation.
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=6
	// +kubebuilder:validation:Pattern=`^[A-Z]{3}-[0-9]{2}$`
	// +required
	Control string `json:"control"`
	// reference is the document, such as "ISMS-114 rev 3".
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
	// +required
	Reference string `json:"reference"`
	// owner answers for it: a mail address or the name of a role.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f]+$`
	// +required
	Owner string `json:"owner"`
	// expires is the last day on which it holds, in UTC, such as "2027-03-31".
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	// +required
	Expires string `json:"expires"`
}

// HardeningStatus counts the controls of the catalogue that apply to a tenant.
type HardeningStatus struct {
	// profile that they were judged by.
	Profile HardeningProfile `json:"profile"`
	// met by what is rendered for the server.
	Met int32 `json:"met"`
	// waived ones are weaker than the profile, as HardeningWaivers allow.
	// +listType=set
	// +optional
	Waived []string `json:"waived,omitempty"`
	// waivers that are needed, by name.
	// +listType=set
	// +optional
	Waivers []string `json:"waivers,omitempty"`
	// weak ones are weaker than the profile without a waiver that holds.
	// +listType=set
	// +optional
	Weak []string `json:"weak,omitempty"`
	// attested ones are met by spec.hardening.attestations.
	// +listType=set
	// +optional
	Attested []string `json:"attested,omitempty"`
	// unattested ones can only be met by an attestation, and have none that holds.
	// +listType=set
	// +optional
	Unattested []string `json:"unattested,omitempty"`
	// gaps are what the product cannot do.
	// +listType=set
	// +optional
	Gaps []string `json:"gaps,omitempty"`
}

// HardeningProfile is how strictly a server is hardened.
type HardeningProfile string

// The hardening profiles, from the weakest.
const (
	ProfileBaseline HardeningProfile = "Baseline"
	ProfileStrict   HardeningProfile = "Strict"
	ProfileFAPI2    HardeningProfile = "FAPI2"
)
