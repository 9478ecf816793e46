package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// A server may have thousands of realms, and a status has to stay small.
const (
	// undeclaredListed is how many realms are listed that nobody declares.
	undeclaredListed = 20
	// differencesListed is how many settings of one of them are.
	differencesListed = 5
	// valueListed is how many characters of a value are.
	valueListed = 64
)

// realms tells the declared ones, and some of the others. What nobody could look at stays as it
// was told.
func realms(out *v1alpha1.IdentityTenantStatus, report pipeline.Report) {
	before := out.Realms
	out.Realms = nil
	for _, realm := range report.Want.Realms {
		out.Realms = append(out.Realms, v1alpha1.RealmStatus{Name: realm.Name, Declared: true,
			Outcome: declaredOutcome(before, realm.Name, report), NotEnforceable: report.Seen.NotEnforceable[realm.Name]})
	}
	switch undeclared := report.Seen.Undeclared; {
	case report.Want.Undeclared.Mode == tenant.UndeclaredIgnore:
		out.UndeclaredRealms = nil
	case undeclared != nil:
		out.UndeclaredRealms = undeclaredRealms(out, undeclared.Realms)
	default:
		for _, realm := range before {
			if !realm.Declared && !told(out.Realms, realm.Name) {
				out.Realms = append(out.Realms, realm)
			}
		}
	}
	slices.SortFunc(out.Realms, func(a, b v1alpha1.RealmStatus) int { return strings.Compare(a.Name, b.Name) })
}

// declaredOutcome is Held once all were read back. Which of them are not, SettingsApplied says.
func declaredOutcome(before []v1alpha1.RealmStatus, name string, report pipeline.Report) v1alpha1.RealmOutcome {
	if report.Seen.RealmsHeld {
		return v1alpha1.RealmHeld
	}
	step, ran := report.Outcome(v1alpha1.ConditionSettingsApplied)
	if ran && step.Blocked == "" && !report.Want.Suspended {
		return ""
	}
	at := slices.IndexFunc(before, func(realm v1alpha1.RealmStatus) bool { return realm.Name == name && realm.Declared })
	if at < 0 {
		return ""
	}
	return before[at].Outcome
}

// undeclaredRealms lists those first that do not hold what is wanted, and counts all.
func undeclaredRealms(out *v1alpha1.IdentityTenantStatus, found []tenant.UndeclaredRealm) *v1alpha1.UndeclaredRealmsStatus {
	count := &v1alpha1.UndeclaredRealmsStatus{Found: int32(len(found))}
	most := len(out.Realms) + undeclaredListed
	ordered := slices.SortedStableFunc(slices.Values(found), func(a, b tenant.UndeclaredRealm) int { return cmp.Compare(urgency(a), urgency(b)) })
	for _, realm := range ordered {
		switch realm.Outcome {
		case tenant.RealmHeld:
			count.Held++
		case "":
			count.Pending++
		}
		name := idp.Bounded(realm.Name)
		if len(out.Realms) == most || told(out.Realms, name) { // two long names may be the same when they are cut
			count.Unlisted++
			continue
		}
		out.Realms = append(out.Realms, v1alpha1.RealmStatus{Name: name, Outcome: v1alpha1.RealmOutcome(realm.Outcome),
			Message: idp.Bounded(realm.Message), Differences: differences(realm.Differences)})
	}
	return count
}

func urgency(realm tenant.UndeclaredRealm) int {
	return slices.Index([]tenant.RealmOutcome{tenant.RealmRefused, tenant.RealmUnread, tenant.RealmDiffers, tenant.RealmHeld, ""}, realm.Outcome)
}

func told(realms []v1alpha1.RealmStatus, name string) bool {
	return slices.ContainsFunc(realms, func(realm v1alpha1.RealmStatus) bool { return realm.Name == name })
}

func differences(diff tenant.Diff) []string {
	return idp.Some(diff, differencesListed, func(change tenant.Change) string {
		return fmt.Sprintf("%s is %q, wanted is %q", change.Setting, short(change.From), short(change.To))
	})
}

func short(value string) string {
	if runes := []rune(idp.Bounded(value)); len(runes) > valueListed {
		return string(runes[:valueListed]) + "…"
	}
	return idp.Bounded(value)
}

// differing says beside what is as declared how many realms differ in which nothing is written.
func (c *Conditions) differing(undeclared *tenant.UndeclaredFact) {
	condition := c.Get(v1alpha1.ConditionSettingsApplied)
	if undeclared == nil || condition == nil || condition.Status != metav1.ConditionTrue {
		return
	}
	number := 0
	for _, realm := range undeclared.Realms {
		if realm.Outcome != tenant.RealmHeld && realm.Outcome != "" {
			number++
		}
	}
	if number > 0 {
		c.True(v1alpha1.ConditionSettingsApplied, condition.Reason, fmt.Sprintf("As declared. Of %d realms that nobody declares %d do not hold the default: see status.realms", len(undeclared.Realms), number))
	}
}
