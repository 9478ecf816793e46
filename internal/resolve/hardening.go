package resolve

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hardening resolves the profile, the waivers of the namespace and the attestations.
func hardening(want *tenant.Spec, cr *v1alpha1.IdentityTenant, refs References) error {
	declared := v1alpha1.Hardening{}
	if cr.Spec.Hardening != nil {
		declared = *cr.Spec.Hardening
	}
	want.Profile = control.Profile(declared.Profile)
	if want.Profile == "" {
		want.Profile = control.Strict
		note(&want.Defaults, "spec.hardening.profile", string(control.Strict))
	}
	for i := range refs.Waivers {
		// One whose date is none holds for nothing; its own status says so.
		if until, err := LastDay(refs.Waivers[i].Spec.Expires); err == nil {
			spec := refs.Waivers[i].Spec
			want.Waivers = append(want.Waivers, tenant.Waiver{Name: refs.Waivers[i].Name, Control: spec.Control, Kind: spec.Subject.Kind, Subject: spec.Subject.Name, Until: until})
		}
	}
	slices.SortFunc(want.Waivers, func(a, b tenant.Waiver) int { return strings.Compare(a.Name, b.Name) })
	for _, attestation := range declared.Attestations {
		known, ok := control.Load().Find(attestation.Control)
		if !ok || !known.Paper {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.hardening.attestations[%s]: no control of this id takes an attestation: see holdfast controls", attestation.Control)
		}
		until, err := LastDay(attestation.Expires)
		if err != nil {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.hardening.attestations[%s].expires: write a day such as 2027-03-31", attestation.Control)
		}
		want.Attestations = append(want.Attestations, tenant.Attestation{Control: attestation.Control, Until: until})
	}
	return nil
}

// LastDay gives the end of a day in UTC.
func LastDay(day string) (time.Time, error) {
	start, err := time.Parse(time.DateOnly, day)
	return start.AddDate(0, 0, 1), err
}
