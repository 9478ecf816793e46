package functional

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// What is weaker than the profile is refused before anything is made, a waiver lets it through
// until its last day, and after that the server goes on serving and says what it is not.
func TestWhatIsWeakNeedsAWaiver(t *testing.T) {
	t.Parallel()
	ns, clock := namespace(t), &shifted{}
	options := harness.OperatorOptions{}
	options.Clock = clock
	operated(t, options, ns)
	policy := &v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "soft"}, Spec: v1alpha1.PasswordPolicySpec{Length: &v1alpha1.PasswordLength{Min: new(int32(8))}}}
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: &v1alpha1.LocalReference{Name: policy.Name}}}
	for _, object := range []client.Object{policy, acme} {
		if err := world.Admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	stalled := func(control, says string) {
		t.Helper()
		await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
			return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHardeningWeak) &&
				declares(seen, v1alpha1.ConditionHardened, metav1.ConditionFalse, v1alpha1.ReasonHardeningWeak) &&
				strings.HasPrefix(messageOf(seen, v1alpha1.ConditionStalled), control+" ") && strings.Contains(messageOf(seen, v1alpha1.ConditionStalled), says)
		})
	}
	stalled("PWD-01", "password.length.min of realm root is 8, and the profile Strict wants at least 12")
	for _, list := range []client.ObjectList{&appsv1.StatefulSetList{}, &v1alpha1.KeystoreList{}} {
		if err := world.Admin.List(t.Context(), list, client.InNamespace(ns)); err != nil || apimeta.LenList(list) > 0 {
			t.Errorf("something was made of it: %T has %d, %v", list, apimeta.LenList(list), err)
		}
	}

	waive := func(name, control, kind, subject string, until time.Time) *v1alpha1.HardeningWaiver {
		waiver := &v1alpha1.HardeningWaiver{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: v1alpha1.HardeningWaiverSpec{
			Control: control, Subject: v1alpha1.WaiverSubject{Kind: kind, Name: subject}, Reason: "the old terminals type no more", Expires: until.UTC().Format(time.DateOnly)}}
		if err := world.Admin.Create(t.Context(), waiver); err != nil {
			t.Fatal(err)
		}
		return waiver
	}
	says := func(waiver *v1alpha1.HardeningWaiver, status metav1.ConditionStatus, reason, usedBy string) {
		t.Helper()
		testenv.Eventually(t, waitDeadline, func() error {
			if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(waiver), waiver); err != nil {
				return err
			}
			return expectReady(waiver, waiver.Status, status, reason, usedBy)
		})
	}
	spare := waive("spare", "PWD-06", "IdentityTenant", "acme", clock.Now().AddDate(0, 1, 0))
	stalled("PWD-01", "") // another control's waiver changes nothing
	last := waive("terminals", "PWD-01", "PasswordPolicy", "soft", clock.Now().AddDate(0, 0, 10))
	revision := awaitUpToDate(t, acme).Status.ServingRevision
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionHardened, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
			strings.Contains(messageOf(seen, v1alpha1.ConditionHardened), "PWD-01 is waived by terminals until ")
	})
	says(last, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "acme")
	says(spare, metav1.ConditionTrue, v1alpha1.ReasonUnused, "")
	live := serverOf(acme)
	live.expect(t, "LengthValidator.min.length", "8")

	clock.set(clock.Now().AddDate(0, 0, 12))
	request(t, acme, "the-day-after")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionHardened, metav1.ConditionFalse, v1alpha1.ReasonWaiverExpired) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	expectEvent(t, acme, v1alpha1.ReasonWaiverExpired, "PWD-01 by HardeningWaiver terminals")

	edit(t, policy, func(policy *v1alpha1.PasswordPolicy) {
		policy.Spec.Lockout = &v1alpha1.Lockout{Attempts: new(int32(10))}
	})
	stalled("PWD-07", "lockout.attempts of realm root is 10")
	live.expect(t, attemptsProperty, "5")
	if acme.Status.ServingRevision != revision {
		t.Errorf("revision %s serves, was %s", acme.Status.ServingRevision, revision)
	}
	edit(t, policy, func(policy *v1alpha1.PasswordPolicy) { policy.Spec.Lockout, policy.Spec.Length = nil, nil })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionHardened, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) && seen.Status.Hardening.Waivers == nil
	})
	live.expect(t, "LengthValidator.min.length", "12")
}

func expectReady(object client.Object, seen v1alpha1.PolicyStatus, status metav1.ConditionStatus, reason, usedBy string) error {
	ready := apimeta.FindStatusCondition(seen.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != status || ready.Reason != reason || seen.UsedBy != usedBy {
		return fmt.Errorf("%T %s: %+v, used by %q; want %s %s, used by %q", object, object.GetName(), ready, seen.UsedBy, status, reason, usedBy)
	}
	return nil
}

// A live tenant that is to be stricter: all that can change does, in one rollout; what acts from
// the first start on is kept and named; nothing is lost, not even with the status.
func TestAStricterProfileOfALiveTenant(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Hardening = &v1alpha1.Hardening{Profile: v1alpha1.ProfileBaseline}
	ready(t, acme)
	first := awaitUpToDate(t, acme).Status.DeepCopy()
	const key = "oauth.token_storage_method"
	choice := func() string {
		at := slices.IndexFunc(acme.Status.Installed, func(c v1alpha1.InstalledChoice) bool { return c.Key == key })
		if at < 0 {
			return "unknown"
		}
		return acme.Status.Installed[at].Value
	}
	if got := choice(); got != "" {
		t.Errorf("a tenant of the profile Baseline has %s = %q", key, got)
	}
	position, err := generation(t.Context(), acme, "data-key", 1)
	if err != nil {
		t.Fatal(err)
	}

	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Hardening.Profile = v1alpha1.ProfileStrict })
	needed := func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNeedsMigration) &&
			declares(seen, v1alpha1.ConditionHardened, metav1.ConditionFalse, v1alpha1.ReasonNeedsMigration) &&
			strings.Contains(messageOf(seen, v1alpha1.ConditionHardened), key+" is the product's default since the first start") &&
			seen.Status.ServingRevision == seen.Status.DesiredRevision && seen.Status.ServingRevision != first.ServingRevision
	}
	await(t, acme, needed)
	expectRevisions(t, acme, 2)
	configured := configurationOf(t, acme)
	if !strings.Contains(configured, "user_access_token_validity = '15m'") || strings.Contains(configured, "token_storage_method") {
		t.Errorf("what pods read is not Strict but for what was installed:\n%s", configured)
	}
	if now, err := generation(t.Context(), acme, "data-key", 1); err != nil || !maps.Equal(now, position) {
		t.Errorf("the data key is another one: %v", err)
	}

	acme.Status = v1alpha1.IdentityTenantStatus{}
	if err := world.Admin.Status().Update(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool { return needed(seen) && choice() == "" })
	expectRevisions(t, acme, 2)

	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Hardening.Profile = v1alpha1.ProfileBaseline })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionHardened, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) && seen.Status.ServingRevision == first.ServingRevision
	})
}

// configurationOf is the deployment.toml of the newest template.
func configurationOf(t *testing.T, acme *v1alpha1.IdentityTenant) string {
	t.Helper()
	set := &appsv1.StatefulSet{}
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), set); err != nil {
		t.Fatal(err)
	}
	for _, name := range named(set.Spec.Template.Spec) {
		if !strings.HasPrefix(name, acme.Name+"-config-") {
			continue
		}
		secret := &corev1.Secret{}
		if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: name}, secret); err != nil {
			t.Fatal(err)
		}
		return string(secret.Data["deployment.toml"])
	}
	t.Fatal("the template names no configuration")
	return ""
}
