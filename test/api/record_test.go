package api

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

const (
	// password and dataKey have the form of those that are generated.
	password = "kT4vJ0q2ZrW8nB6mXcY1sD5fG7hL9pQ3aEuRtIoO"
	dataKey  = "3f786850e387550fdab836ed7e6dc881de23001b0f2e4d6c8a9b7c5d3e1f0a2b"
)

var refusedRecords = []refusal{
	{"subject of another kind", `spec: {subject: {kind: Secret}}`, "spec.subject.kind", `supported values: "IdentityTenant", "Keystore"`},
	{"subject of another namespace", `spec: {subject: {name: other/acme}}`, "spec.subject.name", "should match '^[a-z0-9]"},
	{"subject without an identity", `spec: {subject: {uid: null}}`, "spec.subject.uid", "Required value"},
	{"material that climbs", `spec: {material: ../system}`, "spec.material", "should match '^[a-z0-9]"},
	{"material that is the data key", `spec: {material: ` + dataKey + `}`, "spec.material", "may not be more than 63"},
	{"unknown cause", `spec: {cause: Whim}`, "spec.cause", `supported values: "Schedule", "Request", "Expiry", "Leak"`},
	{"token with a line break", `spec: {request: "a\nb"}`, "spec.request", "should match '^[A-Za-z0-9]"},
	{"token that is a template", `spec: {request: "${jndi:ldap://x.example/a}"}`, "spec.request", "should match '^[A-Za-z0-9]"},
	{"generation nought", `spec: {to: {generation: 0}}`, "spec.to.generation", "greater than or equal to 1"},
	{"nothing that comes", `spec: {to: null}`, "spec.to", "Required value"},
	{"password as a key id", `spec: {to: {keyIDs: [` + password + `]}}`, "spec.to.keyIDs[0]", "should match"},
	{"data key as a key id", `spec: {to: {keyIDs: [` + dataKey + `]}}`, "spec.to.keyIDs", "40 letters and digits in a row may be a secret"},
	{"token of Vault as a key id", `spec: {to: {keyIDs: [hvs.CAESIJ0u3Yk7vQ2l]}}`, "spec.to.keyIDs[0]", "should match"},
	{"nine key ids", `spec: {to: {keyIDs: [a, b, c, d, e, f, g, h, i]}}`, "spec.to.keyIDs", "must have at most 8 items"},
	{"data key as a serial", `spec: {to: {serials: [` + dataKey + `]}}`, "spec.to.serials[0]", "may not be more than 40"},
	{"password as a serial", `spec: {to: {serials: [` + password + `]}}`, "spec.to.serials[0]", "should match '^[0-9a-fA-F]+$'"},
	{"data key as a fingerprint", `spec: {to: {fingerprints: [` + dataKey + `]}}`, "spec.to.fingerprints[0]", "should match '^([0-9A-F]{2}:){31}"},
	{"password as the name of a Secret", `spec: {to: {secretName: ` + password + `}}`, "spec.to.secretName", "should match '^[a-z0-9]"},
	{"data key as the name of a Secret", `spec: {to: {secretName: ` + dataKey + `}}`, "spec.to.secretName", "may be a secret itself"},
	{"private key as the name of a Secret", `spec: {to: {secretName: "-----BEGIN PRIVATE KEY-----"}}`, "spec.to.secretName", "should match '^[a-z0-9]"},
}

func TestRefusedRotationRecords(t *testing.T) { refuseAll(t, "RotationRecord", refusedRecords) }

// history is a kept record whose status is changed as the operator changes it: by patch.
type history struct {
	*testing.T
	record *v1alpha1.RotationRecord
}

func newHistory(t *testing.T) history {
	made := object(t, "RotationRecord.full", "")
	record := &v1alpha1.RotationRecord{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(made.Object, record); err != nil {
		t.Fatal(err)
	}
	record.Name, record.GenerateName = "", "acme-"
	if err := admin.Create(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(t.Context()), record) })
	return history{t, record}
}

// step was done at a full second, which is what the API keeps.
func step(name v1alpha1.RotationStepName, message string) v1alpha1.RotationStep {
	return v1alpha1.RotationStep{Name: name, Time: metav1.NewTime(time.Date(2027, 1, 1, 3, 0, len(name), 0, time.UTC)), Message: message}
}

func (h history) set(status v1alpha1.RotationRecordStatus) error {
	changed := h.record.DeepCopy()
	changed.Status = status
	return admin.Status().Update(h.Context(), changed)
}

func (h history) accept(status v1alpha1.RotationRecordStatus) {
	h.Helper()
	h.record.Status = status
	if err := admin.Status().Update(h.Context(), h.record); err != nil {
		h.Fatal(err)
	}
}

func (h history) refuse(says string, status v1alpha1.RotationRecordStatus) {
	h.Helper()
	if err := h.set(status); err == nil || !strings.Contains(err.Error(), says) {
		h.Errorf("want a refusal that says %q, got %v", says, err)
	}
}

// What a record says stays, whoever writes: the test has every right.
func TestARecordOnlyGrows(t *testing.T) {
	h := newHistory(t)
	started, made, applied := step(v1alpha1.StepStarted, "Due since 2027-01-01"), step(v1alpha1.StepKeyMade, "Position 7 names generation 3"), step(v1alpha1.StepApplied, "")
	h.accept(v1alpha1.RotationRecordStatus{Steps: []v1alpha1.RotationStep{started}})
	h.accept(v1alpha1.RotationRecordStatus{Steps: []v1alpha1.RotationStep{started, made}})

	const appended = "steps are only appended"
	otherWords, otherTime := made, made
	otherWords.Message = "Position 8 names generation 3"
	otherTime.Time = metav1.NewTime(made.Time.Add(time.Hour))
	for _, steps := range [][]v1alpha1.RotationStep{
		{started}, {made}, {made, started}, {started, applied}, {applied, started, made}, {started, applied, made}, {started, otherWords}, {started, otherTime},
	} {
		h.refuse(appended, v1alpha1.RotationRecordStatus{Steps: steps})
	}
	h.refuse("Duplicate value", v1alpha1.RotationRecordStatus{Steps: []v1alpha1.RotationStep{started, made, started}})

	over := metav1.NewTime(time.Date(2027, 1, 1, 4, 0, 0, 0, time.UTC))
	both := []v1alpha1.RotationStep{started, made}
	h.refuse("outcome and completedAt go together", v1alpha1.RotationRecordStatus{Steps: both, Outcome: v1alpha1.RotationSucceeded})
	h.refuse("outcome and completedAt go together", v1alpha1.RotationRecordStatus{Steps: both, CompletedAt: &over})
	h.refuse("supported values", v1alpha1.RotationRecordStatus{Steps: both, Outcome: "Perhaps", CompletedAt: &over})
	h.refuse("its status cannot be taken away", v1alpha1.RotationRecordStatus{})

	h.accept(v1alpha1.RotationRecordStatus{Steps: both, Outcome: v1alpha1.RotationFailed, CompletedAt: &over})
	const frozen = "the rotation is over"
	later := metav1.NewTime(over.Add(time.Hour))
	h.refuse(frozen, v1alpha1.RotationRecordStatus{Steps: append(both, applied), Outcome: v1alpha1.RotationFailed, CompletedAt: &over})
	h.refuse(frozen, v1alpha1.RotationRecordStatus{Steps: both, Outcome: v1alpha1.RotationSucceeded, CompletedAt: &over})
	h.refuse(frozen, v1alpha1.RotationRecordStatus{Steps: both, Outcome: v1alpha1.RotationFailed, CompletedAt: &later})
	h.refuse(frozen, v1alpha1.RotationRecordStatus{Steps: both})
	h.accept(h.record.Status)
}

func TestARecordTellsWhatWasDecided(t *testing.T) {
	h := newHistory(t)
	for name, change := range map[string]func(*v1alpha1.RotationRecordSpec){
		"cause":   func(s *v1alpha1.RotationRecordSpec) { s.Cause = v1alpha1.CauseSchedule },
		"request": func(s *v1alpha1.RotationRecordSpec) { s.Request = "" },
		"key":     func(s *v1alpha1.RotationRecordSpec) { s.To.KeyIDs[0] = "signing-4" },
		"subject": func(s *v1alpha1.RotationRecordSpec) { s.Subject.Name = "other" },
	} {
		changed := h.record.DeepCopy()
		change(&changed.Spec)
		if err := admin.Update(t.Context(), changed); err == nil || !strings.Contains(err.Error(), "its spec cannot change") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStepHasNoRoomForASecret(t *testing.T) {
	h := newHistory(t)
	for says, refused := range map[string]v1alpha1.RotationStep{
		"should match '^[A-Z][A-Za-z]*$'":    step("key made", ""),
		"may not be more than 32":            step(v1alpha1.RotationStepName(strings.Repeat("A", 33)), ""),
		"may not be more than 256":           step("A", strings.Repeat("ab ", 86)),
		"should match '^[^\\x00-\\x1f\\x7f]": step("A", "one\nFORGED two"),
	} {
		h.refuse(says, v1alpha1.RotationRecordStatus{Steps: []v1alpha1.RotationStep{refused}})
	}
	for _, secret := range []string{password, dataKey, "key=" + strings.Repeat("QUJD", 12) + "=="} {
		h.refuse("may be a secret", v1alpha1.RotationRecordStatus{Steps: []v1alpha1.RotationStep{step("A", "made "+secret+".")}})
	}
	many := make([]v1alpha1.RotationStep, 17)
	for i := range many {
		many[i] = step(v1alpha1.RotationStepName("A"+strings.Repeat("b", i)), "")
	}
	h.refuse("must have at most 16 items", v1alpha1.RotationRecordStatus{Steps: many})
	h.accept(v1alpha1.RotationRecordStatus{Steps: many[:16]})
	h.refuse("steps are only appended", v1alpha1.RotationRecordStatus{Steps: append(many[:15:15], step("Z", ""))})
}
