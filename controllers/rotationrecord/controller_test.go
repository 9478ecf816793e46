package rotationrecord_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/controllers/rotationrecord"
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

const soon = 30 * time.Second

// pruned runs the controller in a namespace, with a clock that the test sets.
func pruned(t *testing.T, namespace string, keep rotationrecord.Keep) (*clocktesting.FakePassiveClock, *controllertest.Manager) {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(time.Now())
	return clock, controllertest.Start(t, env, controllertest.Options{Namespace: namespace}, func(m *controllertest.Manager) error {
		return (&rotationrecord.Reconciler{Client: m.GetClient(), Clock: clock, Keep: keep}).SetupWithManager(m.Manager, controller.Options{})
	})
}

// note writes a record of a rotation to a generation, as the operator does; an empty outcome: it goes on.
func note(t *testing.T, subject record.Subject, material string, generation int64, outcome v1alpha1.RotationOutcome) {
	t.Helper()
	writer := record.Writer{Client: env.Admin, Live: env.Admin, Clock: clocktesting.NewFakePassiveClock(time.Now())}
	entries := []record.Entry{record.Did(v1alpha1.StepStarted, "as asked")}
	if outcome != "" {
		entries = append(entries, record.Ended(outcome))
	}
	if err := writer.Note(t.Context(), record.Rotation{Subject: subject, Material: material, Cause: v1alpha1.CauseRequest, To: v1alpha1.RotatedMaterial{Generation: generation}}, entries...); err != nil {
		t.Fatal(err)
	}
}

// left waits until exactly these records are there, written as name/material-generation.
func left(t *testing.T, namespace string, want ...string) {
	t.Helper()
	slices.Sort(want)
	testenv.Eventually(t, soon, func() error {
		var list v1alpha1.RotationRecordList
		if err := env.Admin.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
			return err
		}
		var got []string
		for _, one := range list.Items {
			got = append(got, fmt.Sprintf("%s/%s-%d", one.Spec.Subject.Name, one.Spec.Material, one.Spec.To.Generation))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("there are %v, want %v", got, want)
		}
		return nil
	})
}

// living is a Keystore that is there, as a subject.
func living(t *testing.T, namespace, name string) record.Subject {
	t.Helper()
	app := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.KeystoreSpec{
		VaultRef: v1alpha1.LocalReference{Name: "vault"},
		Entries:  []v1alpha1.KeystoreEntry{{Alias: "client", Certificate: &v1alpha1.EntryCertificate{SelfSigned: &v1alpha1.SelfSigned{}}}},
	}}
	if err := env.Admin.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	return record.SubjectOf("Keystore", app)
}

func gone(namespace, name string) record.Subject {
	return record.Subject{Kind: "Keystore", Namespace: namespace, Name: name, UID: types.UID(strings.Repeat("1", 8))}
}

func TestTooManyRecordsAreRemovedAndTheLastStay(t *testing.T) {
	namespace := env.Namespace(t)
	_, m := pruned(t, namespace, rotationrecord.Keep{Count: 2})
	app := living(t, namespace, "app")
	note(t, app, "client", 1, "") // under way, however many come after it
	note(t, app, "client", 2, v1alpha1.RotationSucceeded)
	note(t, app, "client", 3, v1alpha1.RotationSucceeded)
	note(t, app, "client", 4, v1alpha1.RotationFailed)
	note(t, app, "client", 5, v1alpha1.RotationFailed)
	note(t, app, "client", 6, v1alpha1.RotationFailed)
	note(t, app, "password", 1, v1alpha1.RotationSucceeded) // another material counts for itself
	note(t, gone(namespace, "old"), "client", 1, "")
	note(t, gone(namespace, "old"), "client", 2, "")
	note(t, gone(namespace, "old"), "client", 3, "")
	left(t, namespace, "app/client-1", "app/client-3", "app/client-5", "app/client-6", "app/password-1", "old/client-2", "old/client-3")
	for _, request := range m.API.Writes(namespace) {
		if !strings.HasPrefix(request, "DELETE ") {
			t.Errorf("something else was written: %s", request)
		}
	}
}

func TestOldRecordsAreRemovedAndTheLastStays(t *testing.T) {
	namespace := env.Namespace(t)
	clock, m := pruned(t, namespace, rotationrecord.Keep{})
	app := living(t, namespace, "app")
	for generation := range int64(3) {
		note(t, app, "client", generation+1, v1alpha1.RotationSucceeded)
	}
	left(t, namespace, "app/client-1", "app/client-2", "app/client-3")
	clock.SetTime(time.Now().Add(17519 * time.Hour))
	note(t, app, "client", 4, v1alpha1.RotationSucceeded)
	note(t, app, "password", 1, v1alpha1.RotationSucceeded)
	testenv.Eventually(t, soon, func() error {
		var cached v1alpha1.RotationRecordList
		if err := m.GetClient().List(t.Context(), &cached); err != nil || len(cached.Items) != 5 {
			return fmt.Errorf("%d records in the cache, %v", len(cached.Items), err)
		}
		return nil
	})
	left(t, namespace, "app/client-1", "app/client-2", "app/client-3", "app/client-4", "app/password-1")
	clock.SetTime(time.Now().Add(17521 * time.Hour))
	note(t, app, "client", 5, v1alpha1.RotationSucceeded)
	left(t, namespace, "app/client-5", "app/password-1")
}

// Where the operator is not admitted it removes nothing, and does not try again and again.
func TestRecordsOfAForeignNamespaceStay(t *testing.T) {
	namespace := env.ForeignNamespace(t)
	_, m := pruned(t, namespace, rotationrecord.Keep{Count: 1})
	for generation := range int64(3) {
		note(t, gone(namespace, "old"), "client", generation+1, v1alpha1.RotationSucceeded)
	}
	testenv.Eventually(t, soon, func() error {
		if len(m.API.Writes(namespace)) == 0 {
			return fmt.Errorf("it was not tried")
		}
		return nil
	})
	left(t, namespace, "old/client-1", "old/client-2", "old/client-3")
}
