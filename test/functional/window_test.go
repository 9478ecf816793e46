package functional

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// shifted is a clock that goes on as ever, and that a test sets.
type shifted struct{ offset atomic.Int64 }

func (s *shifted) Now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

func (s *shifted) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

func (s *shifted) set(now time.Time) { s.offset.Store(int64(time.Until(now))) }

// tomorrow at a time of day: a clock is only put forward, and no certificate ends by it.
func tomorrow(hour, minute, second int) time.Time {
	now := time.Now().UTC()
	return time.Date(now.Year(), now.Month(), now.Day()+1, hour, minute, second, 0, time.UTC)
}

// scheduled makes a RotationSchedule of one window.
func scheduled(t *testing.T, ns, name string, window v1alpha1.ScheduleWindow) *v1alpha1.RotationSchedule {
	t.Helper()
	schedule := &v1alpha1.RotationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: v1alpha1.RotationScheduleSpec{Windows: []v1alpha1.ScheduleWindow{window}}}
	if err := world.Admin.Create(t.Context(), schedule); err != nil {
		t.Fatal(err)
	}
	return schedule
}

// touched makes passes that nothing asks for.
func (m *meter) touched(t *testing.T, acme *v1alpha1.IdentityTenant, passes int) {
	t.Helper()
	for range passes {
		before := len(m.product.Requests())
		if err := world.Admin.Patch(t.Context(), acme, client.RawPatch("application/merge-patch+json",
			fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/touched":"%d"}}}`, time.Now().UnixNano()))); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a pass over the tenant", func() bool { return len(m.product.Requests()) > before })
	}
}

// written are the writes but for events: the recorder sends one again ten seconds after a failure.
func (m *meter) written() []string {
	return slices.DeleteFunc(m.writes(), func(request string) bool { return strings.Contains(request, "/events.k8s.io/") })
}

func messageOf(acme *v1alpha1.IdentityTenant, conditionType string) string {
	if condition := apimeta.FindStatusCondition(acme.Status.Conditions, conditionType); condition != nil {
		return condition.Message
	}
	return ""
}

// A change waits for the window of the tenant's maintenance, in silence, and goes out by itself when it opens: one rollout.
// What a person asks for does not wait, and nothing else comes with the same annotation later.
func TestMaintenanceWindowsHoldAndRelease(t *testing.T) {
	t.Parallel()
	ns, clock, m := namespace(t), &shifted{}, &meter{}
	clock.set(tomorrow(12, 0, 0))
	options := m.options()
	options.Clock = clock
	operated(t, options, ns)
	schedule := scheduled(t, ns, "nightly", v1alpha1.ScheduleWindow{Start: "22:00", Duration: metav1.Duration{Duration: 4 * time.Hour}})
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: schedule.Name}}
	ready(t, acme) // outside the window: nothing served before
	serving, atFirst := awaitUpToDate(t, acme).Status.ServingRevision, podsOf(t, acme)

	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Hostname = "id.second.example" })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool { // the store comes a little later than the configuration
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionFalse, v1alpha1.ReasonRolloutScheduled) &&
			strings.Contains(messageOf(seen, v1alpha1.ConditionUpToDate), "Keystore acme-tls")
	})
	awaitHeld(t, acme, serving)
	for _, says := range []string{"opens at " + tomorrow(22, 0, 0).Format(time.RFC3339), "the configuration", "Keystore acme-tls"} {
		if message := messageOf(acme, v1alpha1.ConditionUpToDate); !strings.Contains(message, says) {
			t.Errorf("UpToDate does not say %q: %s", says, message)
		}
	}
	settle(t, m)
	m.reset()
	m.touched(t, acme, 20)
	settle(t, m)
	if writes := m.written(); len(writes) > 0 {
		t.Errorf("a held change was written about:\n%s", strings.Join(writes, "\n"))
	}
	if now := podsOf(t, acme); !maps.Equal(now, atFirst) {
		t.Fatalf("pods were replaced outside the window: %v, then %v", atFirst, now)
	}

	appeared := watchPods(t, acme)
	clock.set(tomorrow(21, 59, 54))
	m.touched(t, acme, 1) // the clock that was put forward is noticed; the opening is waited for without help
	awaitUpToDate(t, acme)
	if now := clock.Now(); now.Before(tomorrow(22, 0, 0)) {
		t.Errorf("pods were replaced at %s", now)
	}
	if births := appeared(); len(births) != len(atFirst) || slices.ContainsFunc(births, func(revision string) bool { return revision != acme.Status.DesiredRevision }) {
		t.Errorf("%d pods were made, of revisions %v; want one rollout: %d, all of %s", len(births), births, len(atFirst), acme.Status.DesiredRevision)
	}

	// Neither a window that closes nor one that opens is a reason to write about the pods.
	for _, at := range []time.Time{tomorrow(26, 30, 0), tomorrow(46, 30, 0), tomorrow(51, 0, 0)} {
		clock.set(at)
		settle(t, m)
		m.touched(t, acme, 1)
		settle(t, m)
		m.reset()
		m.touched(t, acme, 2)
		settle(t, m)
		if writes := m.written(); len(writes) > 0 {
			t.Errorf("at %s it was written:\n%s", at, strings.Join(writes, "\n"))
		}
	}

	second := acme.Status.ServingRevision
	ask(t, acme, v1alpha1.AnnotationRotate, "now system")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.ServingRevision != second && declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	awaitPosition(t, acme, "system", `{"current":2,"request":"now"`)
	third := acme.Status.ServingRevision
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	awaitHeld(t, acme, third)
	if message := messageOf(acme, v1alpha1.ConditionUpToDate); !strings.Contains(message, "settings of the pods") {
		t.Errorf("UpToDate does not say what changes: %s", message)
	}
	m.touched(t, acme, 2)
	awaitHeld(t, acme, third)

	edit(t, schedule, func(schedule *v1alpha1.RotationSchedule) { schedule.Spec.Suspend = true })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return strings.Contains(messageOf(seen, v1alpha1.ConditionUpToDate), "until RotationSchedule nightly is not suspended")
	})
	edit(t, schedule, func(schedule *v1alpha1.RotationSchedule) {
		schedule.Spec.Suspend, schedule.Spec.Windows = false, []v1alpha1.ScheduleWindow{{Start: "00:00", Duration: metav1.Duration{Duration: 24 * time.Hour}}}
	})
	awaitUpToDate(t, acme)
	t.Log("a change waited for its window through 20 passes without a write and went out as it opened; a request did not wait; a schedule that changed let go of the next")
}

// A certificate that would end before the next opening does not wait for it, and the tenant says why.
func TestACertificateThatEndsDoesNotWaitForTheWindow(t *testing.T) {
	t.Parallel()
	ns, clock, m := namespace(t), &shifted{}, &meter{}
	clock.set(tomorrow(12, 0, 0))
	options := m.options()
	options.Clock = clock
	operated(t, options, ns)
	inSixDays := v1alpha1.Weekday(tomorrow(12, 0, 0).AddDate(0, 0, 6).Format("Mon"))
	scheduled(t, ns, "weekly", v1alpha1.ScheduleWindow{Days: []v1alpha1.Weekday{inSixDays}, Start: "03:00", Duration: metav1.Duration{Duration: time.Hour}})
	tenants := map[string]*v1alpha1.IdentityTenant{}
	for name, duration := range map[string]time.Duration{"short": 96 * time.Hour, "long": 2160 * time.Hour} {
		acme := harness.NewTenant(ns, name)
		acme.Spec.Maintenance = &v1alpha1.Maintenance{RotationRef: v1alpha1.LocalReference{Name: "weekly"}}
		acme.Spec.Keystores = &v1alpha1.Keystores{TLS: &v1alpha1.TLSKey{Duration: &metav1.Duration{Duration: duration}, RenewBefore: &metav1.Duration{Duration: 32 * time.Hour}}}
		if err := world.Admin.Create(t.Context(), acme); err != nil {
			t.Fatal(err)
		}
		tenants[name] = acme
	}
	first := map[string]string{}
	for name, acme := range tenants {
		first[name] = awaitUpToDate(t, acme).Status.ServingRevision
	}
	move := func(name string) {
		edit(t, tenants[name], func(spec *v1alpha1.IdentityTenantSpec) { spec.Hostname = "id.second.example" })
	}
	move("long")
	await(t, tenants["long"], func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionFalse, v1alpha1.ReasonRolloutScheduled) &&
			strings.Contains(messageOf(seen, v1alpha1.ConditionUpToDate), "Keystore long-tls")
	})
	saidWhy := false
	move("short")
	await(t, tenants["short"], func(seen *v1alpha1.IdentityTenant) bool {
		saidWhy = saidWhy || strings.Contains(messageOf(seen, v1alpha1.ConditionUpToDate), "the certificate of Keystore short-tls that they serve ends at ")
		return seen.Status.ServingRevision != first["short"] && declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
			served(t, seen).VerifyHostname("id.second.example") == nil
	})
	if !saidWhy {
		t.Error("UpToDate never said why pods were replaced outside of the window")
	}
	eventually(t, "an event that says why", func() bool {
		var all eventsv1.EventList
		if err := world.Admin.List(t.Context(), &all, client.InNamespace(ns)); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(all.Items, func(event eventsv1.Event) bool {
			return event.Regarding.Name == "short" && event.Reason == v1alpha1.ReasonExpiring && strings.Contains(event.Note, "ends at")
		})
	})
	awaitHeld(t, tenants["long"], first["long"])
	t.Log("of two tenants with one window, the one whose certificate would have ended before it was rolled at once")
}

// The administrator's password rotates by its schedule, once for however many runs a clock that jumps has passed, and
// a clock that goes back rotates nothing.
func TestTheAdministratorRotatesBySchedule(t *testing.T) {
	t.Parallel()
	ns, clock, m := namespace(t), &shifted{}, &meter{}
	options := m.options()
	options.Clock = clock
	operated(t, options, ns)
	due := time.Now().UTC().Add(2 * time.Hour).Truncate(time.Minute)
	schedule := &v1alpha1.RotationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "daily"},
		Spec: v1alpha1.RotationScheduleSpec{Cron: fmt.Sprintf("%d %d * * *", due.Minute(), due.Hour())}}
	if err := world.Admin.Create(t.Context(), schedule); err != nil {
		t.Fatal(err)
	}
	acme := harness.NewTenant(ns, "acme")
	acme.Spec.Realms = []v1alpha1.Realm{{Name: "root", Administrators: &v1alpha1.Administrators{RotationRef: &v1alpha1.LocalReference{Name: "daily"}}}}
	ready(t, acme)
	revision, pods, live := awaitUpToDate(t, acme).Status.ServingRevision, podsOf(t, acme), serverOf(acme)
	rotation := func() v1alpha1.RotationStatus {
		for _, one := range acme.Status.Rotations {
			if one.Material == "administrator" {
				return one
			}
		}
		return v1alpha1.RotationStatus{}
	}
	if now := rotation(); now.Reason != "NotDue" || now.NextDue == nil || !now.NextDue.Time.Equal(due) || now.LastRotation != nil {
		t.Errorf("before its first run: %+v, want it due at %s", now, due)
	}
	if value, err := generation(t.Context(), acme, "position", 1); err != nil || value != nil {
		t.Errorf("something rotated before it was due: %v, %v", value, err)
	}

	for number, jump := range []struct{ now, run, next time.Time }{
		{due.Add(time.Second), due, due.AddDate(0, 0, 1)},
		{due.AddDate(0, 0, 10).Add(time.Hour), due.AddDate(0, 0, 1), due.AddDate(0, 0, 11)},
	} {
		clock.set(jump.now)
		m.touched(t, acme, 1)
		awaitPosition(t, acme, "administrator", fmt.Sprintf(`{"current":%d,"run":"%s"`, number+2, jump.run.Format(time.RFC3339)))
		await(t, acme, func(*v1alpha1.IdentityTenant) bool {
			now := rotation()
			return now.Reason == "NotDue" && now.NextDue.Time.Equal(jump.next) && now.LastRotation != nil && !now.LastRotation.Time.Before(jump.now.Add(-time.Second)) &&
				declares(acme, v1alpha1.ConditionRotationOnTime, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
		live.expectLogin(t, acme, "administrator", number+1, false)
		live.expectLogin(t, acme, "administrator", number+2, true)
	}
	settle(t, m)
	m.reset()
	for _, at := range []time.Time{due.AddDate(0, 0, 10).Add(2 * time.Hour), due.Add(-time.Hour), due.AddDate(0, 0, 10).Add(3 * time.Hour)} {
		clock.set(at)
		m.touched(t, acme, 2)
	}
	settle(t, m)
	if value, err := generation(t.Context(), acme, "administrator", 4); err != nil || value != nil {
		t.Errorf("a clock that went back rotated once more: %v", err)
	}
	writes := slices.DeleteFunc(slices.Concat(m.vault.Writes(), m.product.Writes()), func(request string) bool {
		return strings.Contains(request, "/v1/auth/") // a login that the clock ends is renewed
	})
	if len(writes) > 0 {
		t.Errorf("between two runs it was written:\n%s", strings.Join(writes, "\n"))
	}
	if now := podsOf(t, acme); !maps.Equal(now, pods) || awaitUpToDate(t, acme).Status.ServingRevision != revision {
		t.Error("pods were replaced for the administrator's password")
	}
	awaitRecords(t, acme, "administrator 1-2 Schedule -: Started,KeyMade,Applied,Serving Succeeded", "administrator 2-3 Schedule -: Started,KeyMade,Applied,Serving Succeeded")
	t.Log("11 runs of a daily schedule passed in 2 jumps of the clock: 2 rotations, no rollout, and none more as the clock went back and forth")
}

// Nobody has a schedule, and ten years have passed: the signing keys move on before their
// certificates end, each in its turn; of keys that partners pin it is told that they end.
func TestKeysAreReplacedBeforeTheirCertificatesEnd(t *testing.T) {
	t.Parallel()
	ns, clock, m := namespace(t), &shifted{}, &meter{}
	options := m.options()
	options.Clock, options.RingWaits = clock, &identitytenant.RingWaits{}
	operated(t, options, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	awaitUpToDate(t, acme)
	if acme.Status.TokenSigning.Current != 1 {
		t.Fatalf("key %d signs at first", acme.Status.TokenSigning.Current)
	}
	clock.set(time.Now().Add((87600 - 700) * time.Hour))
	m.touched(t, acme, 1)
	// The next key is as old as the current one: it goes, too.
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.TokenSigning != nil && seen.Status.TokenSigning.Current == 3 && seen.Status.TokenSigning.NextPublishedSince != nil
	})
	awaitUpToDate(t, acme)
	expectRevisions(t, acme, 3)
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionRotationOnTime, metav1.ConditionFalse, v1alpha1.ReasonOverdue)
	})
	if told := messageOf(acme, v1alpha1.ConditionRotationOnTime); !strings.Contains(told, "federation-signing") || !strings.Contains(told, v1alpha1.AnnotationRotate) {
		t.Errorf("RotationOnTime says %s", told)
	}
}
