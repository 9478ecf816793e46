package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// StalenessBudget is how long a Vault that is away leaves a tenant Ready: what serves
// does not need it, but nothing can be rotated or repaired meanwhile.
const StalenessBudget = time.Hour

// counted are the conditions that make Ready, beside a finished rollout and Vault's budget.
var counted = []string{
	v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionKeystoresReady, v1alpha1.ConditionDatabaseReady,
	v1alpha1.ConditionSecretsReady, v1alpha1.ConditionWorkloadAvailable, v1alpha1.ConditionSettingsApplied,
}

// Tenant computes the status of a pass. It takes the previous one for what the pass
// could not see, and changes nothing else.
func Tenant(cr *v1alpha1.IdentityTenant, report pipeline.Report, now time.Time) v1alpha1.IdentityTenantStatus {
	out := *cr.Status.DeepCopy()
	out.ObservedGeneration = cr.Generation
	conditions := From(cr.Status.Conditions, cr.Generation, now)
	hardened(conditions, &out, report.Seen.Hardening)
	if report.Outcomes == nil {
		rejected(conditions, report.Rejected)
		out.Conditions = conditions.List()
		return out
	}
	for _, outcome := range report.Outcomes {
		conditions.outcome(cr, report, outcome)
	}
	conditions.differing(report.Seen.Undeclared)
	conditions.untilStale(cr, now)
	onTime(conditions, report)
	upToDate(conditions, report.Want, report.Seen)
	available(conditions, report.Seen)
	conditions.conclude(report, now)
	facts(&out, cr, report)
	out.Conditions = conditions.List()
	return out
}

// rejected is a tenant that nobody could look at: every condition but the sum is Unknown.
func rejected(conditions *Conditions, err error) {
	for _, conditionType := range append(slices.Clone(counted), v1alpha1.ConditionVaultReady, v1alpha1.ConditionUpToDate, v1alpha1.ConditionRotationOnTime, v1alpha1.ConditionAvailable) {
		conditions.Unknown(conditionType, v1alpha1.ReasonNotObserved, "nobody could look: see Ready")
	}
	conditions.Conclude(err, "")
}

func (c *Conditions) outcome(cr *v1alpha1.IdentityTenant, report pipeline.Report, outcome pipeline.Outcome) {
	switch {
	case outcome.Met():
		c.True(outcome.Condition, v1alpha1.ReasonSucceeded, "As declared")
	case outcome.Blocked != "" && !heldByVault(report, outcome):
		c.False(outcome.Condition, v1alpha1.ReasonDependencyNotReady, "Waits for "+outcome.Blocked)
	case outcome.Err != nil:
		f := fault.Of(outcome.Err, v1alpha1.ReasonError)
		c.False(outcome.Condition, f.Reason, f.Message)
	case heldByVault(report, outcome) && c.heldBefore(outcome.Condition, cr.Generation):
		c.True(outcome.Condition, v1alpha1.ReasonSucceeded, "As declared when Vault was last there")
	default:
		c.False(outcome.Condition, v1alpha1.ReasonDependencyNotReady, "Waits for "+outcome.Blocked)
	}
}

// heldByVault tells whether a step only waits because Vault is away.
func heldByVault(report pipeline.Report, outcome pipeline.Outcome) bool {
	for outcome.Blocked != "" {
		if outcome.Blocked == v1alpha1.ConditionVaultReady {
			return true
		}
		next, ok := report.Outcome(outcome.Blocked)
		if !ok || next.Blocked == "" && next.Err != nil {
			return false
		}
		outcome = next
	}
	return false
}

// heldBefore tells whether a condition was True for this very generation: then the last
// good values hold, and nothing newer was asked for.
func (c *Conditions) heldBefore(conditionType string, generation int64) bool {
	previous := c.Get(conditionType)
	return previous != nil && previous.Status == metav1.ConditionTrue && previous.ObservedGeneration == generation
}

func upToDate(c *Conditions, want tenant.Spec, seen tenant.Facts) {
	switch {
	case seen.DesiredRevision == "":
		c.Unknown(v1alpha1.ConditionUpToDate, v1alpha1.ReasonProgressing, "The desired revision is not complete yet")
	case seen.ServingRevision == seen.DesiredRevision:
		c.True(v1alpha1.ConditionUpToDate, v1alpha1.ReasonSucceeded, "Every pod runs revision "+seen.DesiredRevision)
	case seen.Pods.Held:
		c.False(v1alpha1.ConditionUpToDate, v1alpha1.ReasonRolloutScheduled, held(want, seen))
	default:
		message := fmt.Sprintf("Rolling to revision %s: %d of %d pods run it", seen.DesiredRevision, seen.Pods.Updated, seen.Pods.Wanted)
		if seen.Pods.Expiring != "" {
			message += "; " + seen.Pods.Expiring
		}
		c.False(v1alpha1.ConditionUpToDate, v1alpha1.ReasonProgressing, message)
	}
}

// held says until when a revision waits, and what it changes.
func held(want tenant.Spec, seen tenant.Facts) string {
	message := "Revision " + seen.DesiredRevision + " waits for the next window"
	switch {
	case !seen.Pods.Opens.IsZero():
		message = fmt.Sprintf("Revision %s waits for the window that opens at %s", seen.DesiredRevision, seen.Pods.Opens.In(want.Maintenance.Zone()).Format(time.RFC3339))
	case want.Maintenance.Suspended():
		message = fmt.Sprintf("Revision %s waits until RotationSchedule %s is not suspended any more", seen.DesiredRevision, want.MaintenanceName)
	}
	if len(seen.Pods.Changes) > 0 {
		message += "; it changes " + strings.Join(seen.Pods.Changes, ", ")
	}
	return message
}

func available(c *Conditions, seen tenant.Facts) {
	if seen.Pods.Ready > 0 {
		c.True(v1alpha1.ConditionAvailable, v1alpha1.ReasonSucceeded, fmt.Sprintf("%d of %d pods are ready", seen.Pods.Ready, seen.Pods.Wanted))
		return
	}
	c.False(v1alpha1.ConditionAvailable, v1alpha1.ReasonPodsNotReady, "No pod is ready")
}

// conclude sums up. A fault that needs a person goes before one that heals, and the
// first in the order of the steps before later ones, which mostly follow from it.
func (c *Conditions) conclude(report pipeline.Report, now time.Time) {
	decisive := report.Rejected
	for _, outcome := range report.Outcomes {
		if outcome.Condition == v1alpha1.ConditionVaultReady && !c.budgetSpent(now) && c.allCounted() {
			continue
		}
		decisive = fault.Worse(decisive, outcome.Err)
	}
	switch upToDate := c.Get(v1alpha1.ConditionUpToDate); {
	case decisive != nil:
	case !c.allCounted():
		decisive = fault.Waiting(v1alpha1.ReasonProgressing, "%s", c.firstUnmet())
	case upToDate.Status != metav1.ConditionTrue && upToDate.Reason != v1alpha1.ReasonRolloutScheduled:
		decisive = fault.Waiting(v1alpha1.ReasonProgressing, "%s", upToDate.Message)
	}
	c.Conclude(decisive, "The server is as declared")
	if upToDate := c.Get(v1alpha1.ConditionUpToDate); decisive == nil && upToDate.Status != metav1.ConditionTrue {
		c.True(v1alpha1.ConditionReady, v1alpha1.ReasonRolloutScheduled, "What serves is right. "+upToDate.Message)
	}
	if report.Want.Suspended && decisive == nil {
		c.True(v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, "Suspended: nothing is changed, everything is still observed")
	}
}

func (c *Conditions) allCounted() bool { return c.firstUnmet() == "" }

func (c *Conditions) firstUnmet() string {
	for _, conditionType := range counted {
		if condition := c.Get(conditionType); condition == nil || condition.Status != metav1.ConditionTrue {
			message := "nobody could look"
			if condition != nil {
				message = condition.Message
			}
			return conditionType + ": " + message
		}
	}
	return ""
}

// untilStale says until when a Vault that is away takes nothing away. It is a time and no
// countdown, so that the status is not written anew with each pass.
func (c *Conditions) untilStale(cr *v1alpha1.IdentityTenant, now time.Time) {
	condition := c.Get(v1alpha1.ConditionVaultReady)
	if condition == nil || condition.Status != metav1.ConditionFalse || cr.Status.ServingRevision == "" {
		return
	}
	since := now
	if !condition.LastTransitionTime.IsZero() {
		since = condition.LastTransitionTime.Time
	}
	until := since.Add(StalenessBudget).UTC().Format(time.RFC3339)
	c.False(v1alpha1.ConditionVaultReady, condition.Reason, strings.TrimSuffix(condition.Message, ".")+". What serves needs no Vault: it is called ready until "+until)
}

// budgetSpent tells whether Vault has been away for longer than the budget.
func (c *Conditions) budgetSpent(now time.Time) bool {
	condition := c.Get(v1alpha1.ConditionVaultReady)
	return condition != nil && condition.Status == metav1.ConditionFalse && now.Sub(condition.LastTransitionTime.Time) > StalenessBudget
}

// facts copies what was seen; what could not be seen stays as it was.
func facts(out *v1alpha1.IdentityTenantStatus, cr *v1alpha1.IdentityTenant, report pipeline.Report) {
	want, seen := report.Want, report.Seen
	if seen.DesiredRevision != "" {
		out.DesiredRevision = seen.DesiredRevision
	}
	if seen.ServingRevision != "" {
		out.ServingRevision, out.ServingVersion = seen.ServingRevision, seen.ServingVersion
	}
	out.Endpoints = endpoints(want)
	out.Keystores = nil
	for _, store := range want.Keystores {
		fact, ok := seen.Keystores[store.Role]
		if !ok {
			name := want.KeystoreName(store.Role)
			if i := slices.IndexFunc(cr.Status.Keystores, func(k v1alpha1.KeystoreInUse) bool { return k.Name == name }); i >= 0 {
				out.Keystores = append(out.Keystores, cr.Status.Keystores[i])
			}
			continue
		}
		inUse := v1alpha1.KeystoreInUse{Name: fact.Name, Generation: fact.Generation, SecretName: fact.SecretName}
		if !fact.NotAfter.IsZero() {
			inUse.NotAfter = &metav1.Time{Time: fact.NotAfter}
		}
		out.Keystores = append(out.Keystores, inUse)
	}
	slices.SortFunc(out.Keystores, func(a, b v1alpha1.KeystoreInUse) int { return strings.Compare(a.Name, b.Name) })
	dataKey(out, seen.DataKey)
	installed(out, seen.Installed)
	if ring := seen.Signing; ring != nil {
		out.TokenSigning = &v1alpha1.TokenSigningStatus{
			Previous: int64(ring.Ring.Previous), Current: int64(ring.Ring.Current), Next: int64(ring.Ring.Next),
			CurrentSince: moment(ring.CurrentSince), NextPublishedSince: moment(ring.NextSince),
		}
	}
	if served := seen.Served; served != nil {
		out.ServedCertificate = &v1alpha1.ServedCertificate{Serial: served.Serial, NotAfter: metav1.NewTime(served.NotAfter), Pods: int32(served.Pods), Since: metav1.NewTime(served.Since.Truncate(time.Second))}
	}
	out.Rotations = rotations(cr.Status.Rotations, report)
	realms(out, report)
	out.Defaults = nil
	for _, value := range want.Defaults {
		out.Defaults = append(out.Defaults, v1alpha1.EffectiveDefault{Field: value.Field, Value: value.Value})
	}
	if report.Rejected == nil {
		requests(out, cr, report)
	}
}

// dataKey keeps the last drill that was told, since most passes make none.
func dataKey(out *v1alpha1.IdentityTenantStatus, seen *tenant.DataKeyFact) {
	if seen == nil {
		return
	}
	told := v1alpha1.DataKeyInUse{Generation: int64(seen.Generation), Predecessor: int64(seen.Predecessor)}
	switch {
	case seen.Drill != nil:
		told.Drill = &v1alpha1.RestoreDrill{Generation: int64(seen.Drill.Generation), Request: seen.Drill.Request}
		if seen.Drill.Request != "" {
			told.Drill.Time = &metav1.Time{Time: seen.Drill.At.Truncate(time.Second)}
		}
	case out.DataKey != nil:
		told.Drill = out.DataKey.Drill
	}
	out.DataKey = &told
}

func endpoints(want tenant.Spec) *v1alpha1.Endpoints {
	found := &v1alpha1.Endpoints{Internal: fmt.Sprintf("https://%s:9443", want.ServiceHost())}
	if want.Exposure.Public != nil {
		found.Public = "https://" + want.Exposure.Public.Hostname
	}
	if want.Exposure.Admin != nil {
		found.Admin = "https://" + want.Exposure.Admin.Hostname
	}
	return found
}

// requests echoes what was asked for by annotation. Consent to adopt is used up only when
// every value was taken over: until then the steps before it may still need it.
func requests(out *v1alpha1.IdentityTenantStatus, cr *v1alpha1.IdentityTenant, report pipeline.Report) {
	reconcile, adopt := cr.Annotations[v1alpha1.AnnotationReconcile], cr.Annotations[v1alpha1.AnnotationAdopt]
	if secrets, ok := report.Outcome(v1alpha1.ConditionSecretsReady); ok && !secrets.Met() {
		adopt = ""
		if before := cr.Status.Requests; before != nil {
			adopt = before.Adopt
		}
	}
	rotated := report.Seen.Rotated
	if before := cr.Status.Requests; rotated == "" && before != nil {
		rotated = before.Rotate
	}
	if reconcile == "" && adopt == "" && rotated == "" {
		return
	}
	out.Requests = &v1alpha1.ObservedRequests{Reconcile: reconcile, Adopt: adopt, Rotate: rotated}
}

// installed tells the choices of the first start, and goes on telling them while nobody could look.
func installed(out *v1alpha1.IdentityTenantStatus, seen map[string]string) {
	if seen == nil {
		return
	}
	out.Installed = nil
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		out.Installed = append(out.Installed, v1alpha1.InstalledChoice{Key: key, Value: seen[key]})
	}
}
