package functional

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
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
