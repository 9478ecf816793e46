package hardening

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The kinds that a waiver can be for.
const (
	kindTenant         = "IdentityTenant"
	kindPasswordPolicy = "PasswordPolicy"
	kindLogPolicy      = "LogPolicy"
)

// Tenant judges what a tenant would become. Equal tenants have equal verdicts. An error is
// the driver's: what of the tenant cannot be written.
func Tenant(driver idp.Driver, want tenant.Spec) ([]Verdict, error) {
	documents, err := Documents(driver, want, Supposed(want))
	if err != nil {
		return nil, err
	}
	return Judge(control.Load(), Target(want), documents, want.Settings()), nil
}

// Supposed are facts as a cluster would know them, with names in the place of what is still
// to be made: what is judged, or only shown, is not there yet.
func Supposed(want tenant.Spec) tenant.Facts {
	seen := tenant.Facts{Keystores: map[tenant.KeystoreRole]tenant.KeystoreFact{}, Credentials: want.Name + "-credentials-generated"}
	for _, store := range want.Keystores {
		name := want.KeystoreName(store.Role)
		seen.Keystores[store.Role] = tenant.KeystoreFact{Name: name, SecretName: name + "-generated", Alias: store.Alias}
	}
	return seen
}

// Assess holds verdicts against the waivers and attestations of a tenant, in the
// catalogue's order.
func Assess(verdicts []Verdict, want tenant.Spec, now time.Time) tenant.HardeningFact {
	fact := tenant.HardeningFact{Profile: want.Profile}
	for _, verdict := range verdicts {
		switch {
		case verdict.Outcome == control.Weak:
			weigh(&fact, verdict, want, now)
		case verdict.Control.Paper:
			attest(&fact, verdict.Control, want, now)
		case verdict.Outcome == control.Met:
			fact.Met++
		case verdict.Control.Gap != "":
			fact.Gaps = append(fact.Gaps, verdict.Control.ID)
		}
	}
	return fact
}

// weigh finds a waiver for each finding of a control. Each that has none is told; one
// that has only an expired one makes the control lapsed. A vulnerability of the version holds
// nothing up: a live server without it is only to be had by what would be held up.
func weigh(fact *tenant.HardeningFact, verdict Verdict, want tenant.Spec, now time.Time) {
	var needed, lapsed []tenant.Waiver
	wanting := false
	for _, finding := range verdict.Findings {
		waiver, found := WaiverFor(verdict.Control.ID, finding, want)
		began, installed := want.Installed[finding.Key]
		switch {
		case finding.Advisory != "" && (!found || !waiver.Until.After(now)):
			wanting = true
			fact.Exposed = append(fact.Exposed, tenant.Weakness{Control: verdict.Control.ID, Message: exposure(verdict.Control, finding)})
		case !found && installed && finding.Document == control.Deployment:
			wanting = true
			fact.Migrations = append(fact.Migrations, tenant.Weakness{Control: verdict.Control.ID, Message: migration(verdict.Control, finding, began, want)})
		case !found:
			wanting = true
			fact.Weak = append(fact.Weak, tenant.Weakness{Control: verdict.Control.ID, Message: describe(verdict.Control, finding, want)})
		case !waiver.Until.After(now):
			lapsed = append(lapsed, waiver)
		default:
			needed = append(needed, waiver)
			fact.Wake(waiver.Until)
		}
	}
	switch {
	case wanting:
	case len(lapsed) > 0:
		fact.Lapsed = append(fact.Lapsed, tenant.Allowance{Control: verdict.Control.ID, Waiver: lapsed[0].Name, Until: lapsed[0].Until})
	default:
		for _, waiver := range needed {
			fact.Waived = append(fact.Waived, tenant.Allowance{Control: verdict.Control.ID, Waiver: waiver.Name, Until: waiver.Until})
		}
	}
}

// WaiverFor gives the waiver that holds longest of those for what a finding of a control is
// about. It may have expired.
func WaiverFor(id string, finding Finding, want tenant.Spec) (longest tenant.Waiver, found bool) {
	for _, waiver := range want.Waivers {
		if waiver.Control == id && covers(waiver, finding, want) && (!found || waiver.Until.After(longest.Until)) {
			longest, found = waiver, true
		}
	}
	return longest, found
}

// covers tells whether a waiver is for the tenant, or for the policy that a value comes from.
func covers(waiver tenant.Waiver, finding Finding, want tenant.Spec) bool {
	switch waiver.Kind {
	case kindTenant:
		return waiver.Subject == want.Name
	case kindLogPolicy:
		return finding.Document == control.Log && waiver.Subject == want.Logs.Policy
	case kindPasswordPolicy:
		return slices.ContainsFunc(want.Realms, func(realm tenant.Realm) bool { return realm.Name == finding.Realm && realm.Policy == waiver.Subject })
	}
	return false
}

func attest(fact *tenant.HardeningFact, paper control.Control, want tenant.Spec, now time.Time) {
	at := slices.IndexFunc(want.Attestations, func(a tenant.Attestation) bool { return a.Control == paper.ID })
	switch {
	case at < 0:
		fact.Unattested = append(fact.Unattested, paper.ID)
	case !want.Attestations[at].Until.After(now):
		fact.Unattested = append(fact.Unattested, paper.ID)
		fact.LapsedAttestations = append(fact.LapsedAttestations, want.Attestations[at])
	default:
		fact.Attested = append(fact.Attested, paper.ID)
		fact.Wake(want.Attestations[at].Until)
	}
}

// migration says of a choice of the first start what would be needed.
func migration(weak control.Control, finding Finding, began string, want tenant.Spec) string {
	if began == "" {
		began = "the product's default"
	}
	return fmt.Sprintf("%s (%s): %s is %s since the first start, and the profile %s wants %s. What is stored has to be migrated by the vendor's tool, into a new tenant; "+
		"or go back to the former profile, or have somebody create a HardeningWaiver for it", weak.ID, weak.Title, finding.Key, began, want.Profile, finding.Want)
}

// exposure says which vulnerability the version has, and from which on it has it no more.
func exposure(weak control.Control, finding Finding) string {
	return fmt.Sprintf("%s (%s): %s is %s, which is known to be open to %s; it was mended in %s: write that version or a later one, with its image, "+
		"or have somebody create a HardeningWaiver for it", weak.ID, weak.Title, finding.Key, strings.Join(finding.Found, ", "), finding.Advisory, finding.Want.AtLeast)
}

// describe says what is weak, where, what is wanted, and what to do. Rendered files hold
// references in the place of secrets, so that a value may be quoted.
func describe(weak control.Control, finding Finding, want tenant.Spec) string {
	where := fmt.Sprintf("%s in %s", finding.Key, finding.Document)
	if finding.Document == control.Settings {
		where = fmt.Sprintf("%s of realm %s", finding.Key, finding.Realm)
	}
	is := "is missing"
	if finding.Found != nil {
		is = "is " + strings.Join(finding.Found, ", ")
	}
	remedy := ""
	if len(weak.Fields) > 0 {
		remedy = "change " + strings.Join(weak.Fields, " or ") + ", or "
	}
	return fmt.Sprintf("%s (%s): %s %s, and the profile %s wants %s: %shave somebody create a HardeningWaiver for it",
		weak.ID, weak.Title, where, is, want.Profile, finding.Want, remedy)
}
