package keystore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
)

// What is made here rotates by the schedule, once however many runs have passed, in its windows; what an issuer made does not.
func TestAKeystoreRotatesByItsSchedule(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	clock := clocktesting.NewFakePassiveClock(now)
	manager := startControllersAt(t, controllertest.Options{}, clock)
	p := newPlace(t, env.Vault(t), manager)
	cr := p.keystore("keys", issuedEntry("server"), ringEntry("signing"))
	cr.Spec.RotationRef = &v1alpha1.LocalReference{Name: "daily"}
	p.create(cr)
	if message := p.waiting("keys", v1alpha1.ReasonNotFound); !strings.Contains(message, "RotationSchedule daily") {
		t.Errorf("%q does not say what is missing", message)
	}
	p.until("keys", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 1 {
			return fmt.Errorf("a schedule that is missing keeps the store from being made: %s", describe(cr))
		}
		return nil
	})
	noon := now.Truncate(24 * time.Hour).Add(36 * time.Hour) // of tomorrow
	p.create(&v1alpha1.RotationSchedule{ObjectMeta: p.meta("daily"), Spec: v1alpha1.RotationScheduleSpec{
		Every: &metav1.Duration{Duration: 24 * time.Hour}, Windows: []v1alpha1.ScheduleWindow{{Start: "12:00", Duration: metav1.Duration{Duration: time.Hour}}},
	}})
	first := p.ready("keys")
	if first.Status.NextRotation == nil || first.Status.NextRotation.After(now.Add(24*time.Hour)) {
		t.Errorf("the next rotation is at %v, want it within a day", first.Status.NextRotation)
	}
	server := p.entriesOf(first)["server"]

	clock.SetTime(noon.Add(-time.Minute))
	p.reconcile("keys", "before the window")
	p.nothingRotated("keys", "0 1 2")
	clock.SetTime(noon.AddDate(0, 0, 7).Add(time.Minute))
	p.reconcile("keys", "in a window, a week later")
	second := p.until("keys", func(cr *v1alpha1.Keystore) error {
		if ringOf(cr) != "1 2 3" || cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("ring %s in version %d", ringOf(cr), cr.Status.CurrentGeneration)
		}
		return nil
	})
	if !p.entriesOf(second)["server"].Chain[0].Equal(server.Chain[0]) {
		t.Error("the schedule rotated what an issuer made")
	}
	p.event(v1alpha1.EventRotated, "signing", "due since")
	p.reconcile("keys", "again")
	p.nothingRotated("keys", "1 2 3")
}

// nothingRotated looks after a pass that is over.
func (p place) nothingRotated(name, ring string) {
	p.Helper()
	var cr v1alpha1.Keystore
	p.get(name, &cr)
	if ringOf(&cr) != ring {
		p.Errorf("ring %s, want %s", ringOf(&cr), ring)
	}
}

// Without a schedule nothing rotates but what would end: a certificate of ours gets a new key a third of its duration before,
// alone and once; the password and a ring stay.
func TestASelfSignedCertificateIsRenewedBeforeItsEnd(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	clock := clocktesting.NewFakePassiveClock(now)
	manager := startControllersAt(t, controllertest.Options{}, clock)
	p := newPlace(t, env.Vault(t), manager)
	short, ring := selfSignedEntry("short"), ringEntry("signing")
	for _, entry := range []v1alpha1.KeystoreEntry{short, ring} {
		entry.Certificate.Duration = &metav1.Duration{Duration: 30 * 24 * time.Hour}
	}
	p.create(p.keystore("keys", short, ring, selfSignedEntry("long")))
	first := p.ready("keys")
	before, password := p.entriesOf(first), string(p.secret(first.Status.SecretName).Data["password"])
	end := before["short"].Chain[0].NotAfter
	p.until("keys", func(cr *v1alpha1.Keystore) error {
		if want := end.Add(-10 * 24 * time.Hour); cr.Status.NextRotation == nil || !cr.Status.NextRotation.Time.Equal(want) {
			return fmt.Errorf("the next rotation is at %v, want %s", cr.Status.NextRotation, want)
		}
		return nil
	})
	clock.SetTime(end.Add(-10*24*time.Hour - time.Minute))
	p.reconcile("keys", "a minute too early")
	p.nothingRotated("keys", "0 1 2")
	if got := p.entriesOf(p.ready("keys"))["short"].Chain[0]; !got.Equal(before["short"].Chain[0]) {
		t.Error("it was renewed too early")
	}
	clock.SetTime(end.Add(-10 * 24 * time.Hour))
	p.reconcile("keys", "in time")
	second := p.until("keys", func(cr *v1alpha1.Keystore) error {
		if cr.Status.CurrentGeneration != 2 {
			return fmt.Errorf("version %d", cr.Status.CurrentGeneration)
		}
		return nil
	})
	after := p.entriesOf(second)
	if after["short"].Chain[0].Equal(before["short"].Chain[0]) || !after["long"].Chain[0].Equal(before["long"].Chain[0]) || ringOf(second) != "0 1 2" || string(p.secret(second.Status.SecretName).Data["password"]) != password {
		t.Error("not only the certificate that ends was renewed")
	}
	p.event(v1alpha1.EventRotated, "Rotated short, since the certificate ends")
	p.reconcile("keys", "again")
	if again := p.ready("keys"); again.Status.CurrentGeneration != 2 {
		t.Errorf("it was renewed twice: version %d", again.Status.CurrentGeneration)
	}
}
