package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hardened says how the wish was judged. It does not count into Ready: what serves goes on
// serving, and a wish that is too weak is refused before.
func hardened(c *Conditions, out *v1alpha1.IdentityTenantStatus, fact *tenant.HardeningFact) {
	if fact == nil {
		return // what was told before goes on holding
	}
	summary := hardeningStatus(fact)
	out.Hardening = summary
	switch {
	case len(fact.Weak) > 0:
		c.False(v1alpha1.ConditionHardened, v1alpha1.ReasonHardeningWeak, messages(fact.Weak))
	case len(fact.Exposed) > 0:
		c.False(v1alpha1.ConditionHardened, v1alpha1.ReasonKnownVulnerability, messages(fact.Exposed))
	case len(fact.Lapsed) > 0:
		var lapsed []string
		for _, one := range fact.Lapsed {
			lapsed = append(lapsed, fmt.Sprintf("%s by HardeningWaiver %s, which expired at %s", one.Control, one.Waiver, one.Until.UTC().Format(time.RFC3339)))
		}
		c.False(v1alpha1.ConditionHardened, v1alpha1.ReasonWaiverExpired, "Weaker than the profile is "+strings.Join(lapsed, "; ")+
			". The server goes on running: make it stronger, or have the waiver prolonged")
	case len(fact.Migrations) > 0:
		c.False(v1alpha1.ConditionHardened, v1alpha1.ReasonNeedsMigration, messages(fact.Migrations))
	case len(fact.LapsedAttestations) > 0:
		var lapsed []string
		for _, one := range fact.LapsedAttestations {
			lapsed = append(lapsed, fmt.Sprintf("%s, at %s", one.Control, one.Until.UTC().Format(time.RFC3339)))
		}
		c.False(v1alpha1.ConditionHardened, v1alpha1.ReasonAttestationExpired, "Attestations expired: "+strings.Join(lapsed, "; ")+
			". Name the document that holds now in spec.hardening.attestations")
	default:
		c.True(v1alpha1.ConditionHardened, v1alpha1.ReasonSucceeded, sum(summary, fact))
	}
}

func messages(weak []tenant.Weakness) string {
	var all []string
	for _, one := range weak {
		all = append(all, one.Message)
	}
	return strings.Join(all, ". ")
}

// sum tells in a line what is met, and what is not met by itself.
func sum(summary *v1alpha1.HardeningStatus, fact *tenant.HardeningFact) string {
	text := fmt.Sprintf("Profile %s: %d controls are met", summary.Profile, summary.Met)
	for _, one := range fact.Waived {
		text += fmt.Sprintf(", %s is waived by %s until %s", one.Control, one.Waiver, one.Until.UTC().Format(time.RFC3339))
	}
	if len(summary.Attested) > 0 {
		text += fmt.Sprintf(", %d attested", len(summary.Attested))
	}
	if len(summary.Unattested) > 0 {
		text += fmt.Sprintf("; %d that only a document proves are not attested", len(summary.Unattested))
	}
	if len(summary.Gaps) > 0 {
		text += fmt.Sprintf("; %d are beyond the product", len(summary.Gaps))
	}
	return text
}

func hardeningStatus(fact *tenant.HardeningFact) *v1alpha1.HardeningStatus {
	summary := &v1alpha1.HardeningStatus{
		Profile: v1alpha1.HardeningProfile(fact.Profile), Met: int32(min(fact.Met, 1<<16)),
		Attested: fact.Attested, Unattested: fact.Unattested, Gaps: fact.Gaps,
	}
	for _, one := range fact.Weak {
		summary.Weak = append(summary.Weak, one.Control)
	}
	for _, one := range slices.Concat(fact.Migrations, fact.Exposed) {
		summary.Weak = append(summary.Weak, one.Control)
	}
	for _, one := range fact.Lapsed {
		summary.Weak = append(summary.Weak, one.Control)
		summary.Waivers = append(summary.Waivers, one.Waiver)
	}
	for _, one := range fact.Waived {
		summary.Waived = append(summary.Waived, one.Control)
		summary.Waivers = append(summary.Waivers, one.Waiver)
	}
	for _, set := range []*[]string{&summary.Weak, &summary.Waived, &summary.Waivers} {
		slices.Sort(*set)
		*set = slices.Compact(*set)
	}
	return summary
}
