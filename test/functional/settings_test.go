package functional

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// Properties of the product, as a person at its console would set them.
const (
	attemptsProperty   = "account.lock.handler.On.Failure.Max.Attempts"
	undeclaredProperty = "Recovery.ReCaptcha.Password.Enable"
)

// partners is a server tenant beside the root realm.
const partners = "partners.example"

// Runtime settings of each realm follow their policy without a rollout, what was changed by
// hand is put back and told, what nobody declared stays, and a deleted policy goes on holding.
func TestRuntimeSettingsAreKept(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{Options: operator.Options{Resync: 2 * time.Second}}, ns)
	policy := &v1alpha1.PasswordPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "staff"}, Spec: v1alpha1.PasswordPolicySpec{
		Length: &v1alpha1.PasswordLength{Min: new(int32(14))}, Lockout: &v1alpha1.Lockout{Attempts: new(int32(4))}}}
	if err := world.Admin.Create(t.Context(), policy.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	acme := harness.NewTenant(ns, "acme")
	staff := &v1alpha1.LocalReference{Name: "staff"}
	acme.Spec.Realms = []v1alpha1.Realm{{Name: "root", PasswordPolicyRef: staff}, {Name: partners, PasswordPolicyRef: staff}}
	live := serverOf(acme)
	if err := errors.Join(os.MkdirAll(world.Player.Folder, 0o700), standin.FileState(live.file).AddServerTenant(partners)); err != nil {
		t.Fatal(err)
	}
	ready(t, acme)
	live.expect(t, attemptsProperty, "4")
	live.expectIn(t, partners, attemptsProperty, "4") // the server lets the super tenant's account in
	live.expect(t, "LengthValidator.min.length", "14")

	live.byHand(t, undeclaredProperty, "true")
	live.byHand(t, attemptsProperty, "10")
	live.expect(t, attemptsProperty, "4") // with nothing but the resync
	note := awaitEvents(t, ns, "IdentityTenant", v1alpha1.EventSettingRestored, 1)[0]
	for _, told := range []string{"root", "lockout.attempts", `"10"`, `"4"`} {
		if !strings.Contains(note, told) {
			t.Errorf("the event does not name %s: %s", told, note)
		}
	}
	live.expect(t, undeclaredProperty, "true")

	revision, pods := awaitUpToDate(t, acme).Status.ServingRevision, podsOf(t, acme)
	policy.Spec.Lockout.Attempts, policy.Spec.Length.Min, policy.Spec.History = new(int32(3)), new(int32(16)), new(int32(9))
	edit(t, policy.DeepCopy(), func(stored *v1alpha1.PasswordPolicy) { stored.Spec = policy.Spec })
	live.expect(t, attemptsProperty, "3")
	live.expect(t, "LengthValidator.min.length", "16")
	live.expect(t, "passwordHistory.count", "9")
	request(t, acme, "after-the-policy")
	if awaitUpToDate(t, acme); acme.Status.ServingRevision != revision || acme.Status.DesiredRevision != revision || !maps.Equal(pods, podsOf(t, acme)) {
		t.Errorf("a policy rolled the pods: revision %s, then %s", revision, acme.Status.ServingRevision)
	}

	if err := world.Admin.Delete(t.Context(), policy.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonReferenceMissing) &&
			declares(seen, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonReferenceMissing) &&
			declares(seen, v1alpha1.ConditionSettingsApplied, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	live.byHand(t, attemptsProperty, "8")
	live.expect(t, attemptsProperty, "3")
	if err := world.Admin.Create(t.Context(), policy.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	awaitUpToDate(t, acme)
	// Only what a person changed is told as restored, not what the policy changed.
	if notes := awaitEvents(t, ns, "IdentityTenant", v1alpha1.EventSettingRestored, 2); len(notes) != 2 {
		t.Errorf("%d settings were told as put back, 2 were changed by hand: %v", len(notes), notes)
	}
	t.Logf("2 settings changed by hand were put back and told, 1 undeclared one stayed, 3 declared changes reached the server with revision %s as it was", revision)
}

// runningServer is what the stand-ins of a tenant share: their database.
type runningServer struct{ file string }

func serverOf(acme *v1alpha1.IdentityTenant) runningServer {
	return runningServer{filepath.Join(world.Player.Folder, acme.Namespace+"-"+acme.Name+".json")}
}

func (s runningServer) byHand(t *testing.T, property, value string) {
	t.Helper()
	if err := standin.FileState(s.file).SetProperty("root", property, value); err != nil {
		t.Fatal(err)
	}
}

// expect waits until the root realm holds a property, or a rule as "Validator.property".
func (s runningServer) expect(t *testing.T, name, want string) {
	t.Helper()
	s.expectIn(t, "carbon.super", name, want)
}

func (s runningServer) expectIn(t *testing.T, domain, name, want string) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		content, err := os.ReadFile(s.file)
		if err != nil {
			return err
		}
		var database struct {
			Realms map[string]struct{ Properties, Rules map[string]string }
		}
		if err := json.Unmarshal(content, &database); err != nil {
			return err
		}
		realm := database.Realms[domain]
		got, ok := realm.Properties[name]
		if !ok {
			got = realm.Rules[name]
		}
		if got != want {
			return fmt.Errorf("%s holds %s = %q, want %q", domain, name, got, want)
		}
		return nil
	})
}

// awaitEvents waits until a reason was told at least so often of a kind in a namespace,
// and gives the notes, repetitions counted.
func awaitEvents(t *testing.T, ns, kind, reason string, least int) []string {
	t.Helper()
	var notes []string
	testenv.Eventually(t, waitDeadline, func() error {
		notes = eventNotes(t, ns, kind, reason)
		if len(notes) < least {
			return fmt.Errorf("%d events %s of a %s, want %d", len(notes), reason, kind, least)
		}
		return nil
	})
	return notes
}

func eventNotes(t *testing.T, ns, kind, reason string) (notes []string) {
	t.Helper()
	var events eventsv1.EventList
	if err := world.Admin.List(t.Context(), &events, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		if event.Regarding.Kind == kind && event.Reason == reason {
			notes = append(notes, event.Note)
		}
	}
	slices.Sort(notes)
	return notes
}
