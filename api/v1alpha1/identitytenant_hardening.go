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
}

// HardeningProfile is how strictly a server is hardened.
type HardeningProfile string

// The hardening profiles, from the weakest.
const (
	ProfileBaseline HardeningProfile = "Baseline"
	ProfileStrict   HardeningProfile = "Strict"
	ProfileFAPI2    HardeningProfile = "FAPI2"
)
