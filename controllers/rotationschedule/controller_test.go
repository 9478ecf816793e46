package rotationschedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	"github.com/holdfast-iam/holdfast/controllers/rotationschedule"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) {
	testenv.Main(m, testenv.Options{}, func(e *testenv.Environment) { env = e })
}

const soon = 30 * time.Second

func schedule(namespace string) *v1alpha1.RotationSchedule {
	return &v1alpha1.RotationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "quarterly"}, Spec: v1alpha1.RotationScheduleSpec{
		Cron: "0 23 1 1,4,7,10 *", TimeZone: "Europe/Berlin", Jitter: &metav1.Duration{Duration: time.Hour},
		Windows: []v1alpha1.ScheduleWindow{{Days: []v1alpha1.Weekday{"Sat"}, Start: "22:00", Duration: metav1.Duration{Duration: 6 * time.Hour}}},
	}}
}

func TestStatusOfASchedule(t *testing.T) {
	now := time.Date(2027, time.March, 26, 12, 0, 0, 0, time.UTC) // two days before clocks change
	clock := clocktesting.NewFakePassiveClock(now)
	var reconciler *rotationschedule.Reconciler
	m := controllertest.Start(t, env, controllertest.Options{}, func(m *controllertest.Manager) error {
		reconciler = &rotationschedule.Reconciler{Client: m.GetClient(), Recorder: m.GetEventRecorder("holdfast-rotationschedule"), Clock: clock}
		return reconciler.SetupWithManager(m.Manager, controller.Options{})
	})
	namespace := env.ForeignNamespace(t) // a schedule needs no right in its namespace
	cr := schedule(namespace)
	if err := env.Admin.Create(t.Context(), cr); err != nil {
		t.Fatal(err)
	}
	until(t, cr, shows("2027-04-01T21:00 2027-07-01T21:00 2027-10-01T21:00 2028-01-01T22:00 2028-04-01T21:00",
		"2027-03-27T21:00-03:00 2027-04-03T20:00-02:00 2027-04-10T20:00-02:00 2027-04-17T20:00-02:00 2027-04-24T20:00-02:00"))

	cached := func() { // what the cache lacks of our own last write is written again
		t.Helper()
		until(t, cr, func(v1alpha1.RotationScheduleStatus) error {
			var cached v1alpha1.RotationSchedule
			if err := m.GetClient().Get(t.Context(), client.ObjectKeyFromObject(cr), &cached); err != nil || cached.ResourceVersion != cr.ResourceVersion {
				return fmt.Errorf("the cache lags behind (%v)", err)
			}
			return nil
		})
	}
	cached()

	// Nothing is written until a listed time has passed, and the controller wakes then, but looks at the clock each hour.
	look := func() ctrl.Result {
		t.Helper()
		result, err := reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(cr)})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	m.API.Reset()
	for _, c := range []struct {
		at     string
		writes int
		sleeps time.Duration
	}{
		{"2027-03-26T12:00:00Z", 0, time.Hour},
		{"2027-03-27T21:30:00Z", 0, time.Hour}, // the window is open, and listed until it ends
		{"2027-03-28T02:40:00Z", 0, 20 * time.Minute},
		{"2027-03-28T03:00:00Z", 1, time.Hour},
		{"2027-04-01T20:59:00Z", 0, time.Minute},
		{"2027-04-01T21:00:00Z", 1, time.Hour},
		{"2028-06-01T00:00:00Z", 1, time.Hour}, // a jump of a year costs one write
		{"2027-04-01T21:00:00Z", 1, time.Hour}, // and so does the way back
		{"2027-04-01T21:00:01Z", 0, time.Hour},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		m.API.Reset()
		clock.SetTime(at)
		var first ctrl.Result
		testenv.Eventually(t, soon, func() error { // the cache may not hold our own last write yet, and then nothing is sent twice
			first = look()
			if n := len(m.API.Writes(namespace)); n < c.writes {
				return fmt.Errorf("%d writes", n)
			}
			return nil
		})
		cached()
		if second := look(); len(m.API.Writes(namespace)) != c.writes || first.RequeueAfter != c.sleeps || second != first {
			t.Errorf("at %s: writes %v, want %d; asleep for %s, want %s", c.at, m.API.Writes(namespace), c.writes, first.RequeueAfter, c.sleeps)
		}
	}
}

func TestStatusOfOthers(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(time.Date(2027, time.March, 26, 12, 0, 0, 0, time.UTC))
	controllertest.Start(t, env, controllertest.Options{}, func(m *controllertest.Manager) error {
		return (&rotationschedule.Reconciler{Client: m.GetClient(), Recorder: m.GetEventRecorder("holdfast-rotationschedule"), Clock: clock}).
			SetupWithManager(m.Manager, controller.Options{})
	})
	cr := schedule(env.ForeignNamespace(t))
	if err := env.Admin.Create(t.Context(), cr); err != nil {
		t.Fatal(err)
	}
	change := func(change func(*v1alpha1.RotationScheduleSpec)) {
		t.Helper()
		before := cr.DeepCopy()
		cr.Spec = schedule("").Spec
		change(&cr.Spec)
		if err := env.Admin.Patch(t.Context(), cr, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		change func(*v1alpha1.RotationScheduleSpec)
		says   string
	}{
		{func(s *v1alpha1.RotationScheduleSpec) { s.TimeZone = "Europe/Atlantis" }, "spec.timeZone"},
		{func(s *v1alpha1.RotationScheduleSpec) { s.Cron = "0 3 31 2 *" }, "never comes"},
		{func(s *v1alpha1.RotationScheduleSpec) { s.Cron = "0 12 * * *" }, "no run of spec.cron"},
	} {
		change(c.change)
		until(t, cr, func(status v1alpha1.RotationScheduleStatus) error {
			stalled := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled)
			if stalled == nil || stalled.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(stalled.Message, c.says) || len(status.NextRuns)+len(status.NextOpenings) > 0 {
				return fmt.Errorf("%+v, want Stalled that says %q", status, c.says)
			}
			return nil
		})
	}
	change(func(s *v1alpha1.RotationScheduleSpec) { s.Suspend = true })
	until(t, cr, shows("", ""))
	until(t, cr, func(status v1alpha1.RotationScheduleStatus) error {
		if ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); !strings.Contains(ready.Message, "suspended") {
			return fmt.Errorf("Ready says %q", ready.Message)
		}
		return nil
	})
	change(func(s *v1alpha1.RotationScheduleSpec) { s.Cron, s.Jitter = "", nil })
	until(t, cr, func(status v1alpha1.RotationScheduleStatus) error {
		if len(status.NextRuns) != 0 || len(status.NextOpenings) != 5 {
			return fmt.Errorf("%d runs and %d openings, want 0 and 5", len(status.NextRuns), len(status.NextOpenings))
		}
		return nil
	})
}

// Whoever names the schedule in any field is listed, once, and no longer than that.
func TestUsersOfASchedule(t *testing.T) {
	controllertest.Start(t, env, controllertest.Options{}, func(m *controllertest.Manager) error {
		return (&rotationschedule.Reconciler{Client: m.GetClient(), Recorder: m.GetEventRecorder("holdfast-rotationschedule"), Clock: clock.RealClock{}}).
			SetupWithManager(m.Manager, controller.Options{})
	})
	cr := schedule(env.ForeignNamespace(t))
	ref := v1alpha1.LocalReference{Name: cr.Name}
	tenant := func(name string, change func(*v1alpha1.IdentityTenantSpec)) *v1alpha1.IdentityTenant {
		tenant := &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: cr.Namespace, Name: name}, Spec: v1alpha1.IdentityTenantSpec{
			Product:  v1alpha1.Product{WSO2IS: &v1alpha1.WSO2IS{Version: "7.3.0", Image: "r.example/is@sha256:" + strings.Repeat("0", 64)}},
			Hostname: "id.acme.example", VaultRef: v1alpha1.LocalReference{Name: "vault"}, IssuerRef: v1alpha1.IssuerReference{Name: "ca"},
			Database: v1alpha1.Database{PostgreSQL: &v1alpha1.SQLDatabase{Host: "10.0.0.7", Name: "identity",
				Credentials: v1alpha1.DatabaseCredentialsSource{SecretRef: &v1alpha1.SecretCredentials{Name: "db"}}}},
		}}
		change(&tenant.Spec)
		if err := env.Admin.Create(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		return tenant
	}
	usedBy := func(want string) {
		t.Helper()
		until(t, cr, func(status v1alpha1.RotationScheduleStatus) error {
			if status.UsedBy != want {
				return fmt.Errorf("used by %q, want %q", status.UsedBy, want)
			}
			return nil
		})
	}
	tenant("nobody", func(*v1alpha1.IdentityTenantSpec) {})
	signs := tenant("signs", func(s *v1alpha1.IdentityTenantSpec) {
		s.Keystores = &v1alpha1.Keystores{TokenSigning: &v1alpha1.TokenSigningKey{RotationRef: &ref}}
		s.Maintenance = &v1alpha1.Maintenance{RotationRef: ref}
	})
	tenant("administers", func(s *v1alpha1.IdentityTenantSpec) {
		s.Realms = []v1alpha1.Realm{{Name: "root", Administrators: &v1alpha1.Administrators{RotationRef: &ref}}}
	})
	if err := env.Admin.Create(t.Context(), cr); err != nil {
		t.Fatal(err)
	}
	usedBy("administers, signs")
	before := signs.DeepCopy()
	signs.Spec.Keystores.TokenSigning.RotationRef = nil
	if err := env.Admin.Patch(t.Context(), signs, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	usedBy("administers, signs") // by maintenance
	before = signs.DeepCopy()
	signs.Spec.Maintenance = nil
	if err := env.Admin.Patch(t.Context(), signs, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	usedBy("administers")
}

func shows(runs, openings string) func(v1alpha1.RotationScheduleStatus) error {
	return func(status v1alpha1.RotationScheduleStatus) error {
		var gotRuns, gotOpenings []string
		for _, run := range status.NextRuns {
			gotRuns = append(gotRuns, run.UTC().Format("2006-01-02T15:04"))
		}
		for _, opening := range status.NextOpenings {
			gotOpenings = append(gotOpenings, opening.Start.UTC().Format("2006-01-02T15:04")+opening.End.UTC().Format("-15:04"))
		}
		if !apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) ||
			strings.Join(gotRuns, " ") != runs || strings.Join(gotOpenings, " ") != openings {
			return fmt.Errorf("runs %v, openings %v, conditions %+v; want ready, %s, %s", gotRuns, gotOpenings, status.Conditions, runs, openings)
		}
		return nil
	}
}

func until(t *testing.T, cr *v1alpha1.RotationSchedule, check func(v1alpha1.RotationScheduleStatus) error) {
	t.Helper()
	testenv.Eventually(t, soon, func() error {
		if err := env.Admin.Get(t.Context(), client.ObjectKeyFromObject(cr), cr); err != nil {
			return err
		}
		if cr.Status.ObservedGeneration != cr.Generation {
			return fmt.Errorf("observed generation %d of %d", cr.Status.ObservedGeneration, cr.Generation)
		}
		return check(cr.Status)
	})
}
