package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// strangers is a server with realms that nobody declares, and the pass that looks at them.
type strangers struct {
	*testing.T
	server *idptest.FakeServer
	admin  idp.Admin
	r      *Reconciler
	events *events.FakeRecorder
	cr     *v1alpha1.IdentityTenant
	want   tenant.Spec
	seen   tenant.Facts
	// faulty realms answer with this when they are read, and lists counts how often all are.
	faulty map[string]error
	lists  int
	read   []string
}

func newStrangers(t *testing.T, mode tenant.UndeclaredMode, names ...string) *strangers {
	s := &strangers{T: t, server: idptest.NewFakeServer(idp.Access{}, append(names, "declared.example")...), events: events.NewFakeRecorder(1000), faulty: map[string]error{},
		cr:   &v1alpha1.IdentityTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme", Generation: 1}},
		want: tenant.Spec{Namespace: "iam", Name: "acme", Realms: []tenant.Realm{{Name: tenant.RootRealm}, {Name: "declared.example"}}},
		seen: tenant.Facts{DesiredRevision: "r1", ServingRevision: "r1"}}
	s.want.Undeclared = tenant.Undeclared{Mode: mode, Settings: tenant.RealmSettings{tenant.LockoutAttempts: "5", tenant.PasswordNotCommon: "true"}}
	s.r = &Reconciler{Recorder: s.events, Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))}
	var err error
	if s.admin, err = s.driver().Connect(t.Context(), s.want, s.seen, idp.Access{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *strangers) driver() idptest.FakeDriver {
	return idptest.FakeDriver{Server: func(tenant.Spec) *idptest.FakeServer { return s.server }, Unenforceable: map[tenant.Setting]string{tenant.PasswordNotCommon: "no dictionary"}}
}

// watched is the server's Admin with faults.
type watched struct {
	idp.Admin
	s *strangers
}

func (w watched) Realms(ctx context.Context) ([]string, error) {
	w.s.lists++
	return w.Admin.Realms(ctx)
}

func (w watched) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	w.s.read = append(w.s.read, realms...)
	if err := w.s.faulty[realms[0]]; err != nil {
		return nil, err
	}
	return w.Admin.Observe(ctx, realms)
}

// look is one pass. It gives what the pass found, the events of it, and when it wants to look again.
func (s *strangers) look() (found map[string]tenant.RealmOutcome, told []string, wakes bool, err error) {
	s.Helper()
	s.read = nil
	p := &pass{Reconciler: s.r, cr: s.cr, driver: s.driver()}
	err = p.holdUndeclared(s.Context(), s.want, s.seen, watched{s.admin, s}, nil)
	if p.undeclared != nil {
		found = map[string]tenant.RealmOutcome{}
		for _, realm := range p.undeclared.Realms {
			found[realm.Name] = realm.Outcome
		}
	}
	for len(s.events.Events) > 0 {
		told = append(told, <-s.events.Events)
	}
	return found, told, !p.wakeAt.IsZero(), err
}

func (s *strangers) holds(realm, value string) {
	s.Helper()
	if got := s.server.Settings()[realm][tenant.LockoutAttempts]; got != value {
		s.Errorf("%s holds %q, want %q", realm, got, value)
	}
}

func numbered(number int) (names []string) {
	for i := range number {
		names = append(names, fmt.Sprintf("r%03d.example", i))
	}
	return names
}

// However many realms there are, a pass reads so many; one that appears goes first, and until all
// were looked at the tenant is not called as declared for the first time.
func TestManyUndeclaredRealmsTakeTurns(t *testing.T) {
	s := newStrangers(t, tenant.UndeclaredEnforce, numbered(2*undeclaredPerPass+10)...)
	seen := map[string]bool{}
	for turn, left := range []int{undeclaredPerPass + 10, 10, 0} {
		_, told, wakes, err := s.look()
		if (left > 0) != fault.IsWaiting(err) || wakes != (left > 0) || len(s.read) > undeclaredPerPass {
			t.Errorf("turn %d: %d are read, looks again soon: %t, %v", turn, len(s.read), wakes, err)
		}
		if left > 0 && !strings.Contains(err.Error(), fmt.Sprintf("%d of %d realms", left, 2*undeclaredPerPass+10)) {
			t.Errorf("turn %d: %v", turn, err)
		}
		for _, name := range s.read {
			seen[name] = true
		}
		if len(told) > len(s.read) || turn == 0 && !strings.Contains(told[0], v1alpha1.EventRealmHardened) {
			t.Errorf("turn %d tells %v", turn, told)
		}
	}
	if len(seen) != 2*undeclaredPerPass+10 || s.lists != 3 || seen["declared.example"] || seen[tenant.RootRealm] {
		t.Errorf("%d realms were read, the list %d times", len(seen), s.lists)
	}
	s.holds("r109.example", "5")
	s.holds("declared.example", "") // that is for what is declared of it

	s.cr.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSettingsApplied, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
	s.server.AddRealm("zz-late.example")
	_, writes := s.server.Count()
	found, told, _, err := s.look()
	if err != nil || s.read[0] != "zz-late.example" || found["zz-late.example"] != tenant.RealmHeld || len(told) != 1 {
		t.Errorf("one that appears: read %v, told %v, %v", s.read[:1], told, err)
	}
	for range 3 {
		if _, told, wakes, err := s.look(); err != nil || wakes || len(told) > 0 {
			t.Errorf("an unchanged server: told %v, looks again soon: %t, %v", told, wakes, err)
		}
	}
	if _, after := s.server.Count(); after != writes+1 {
		t.Errorf("%d writes for one realm that appeared", after-writes)
	}
	// What is wanted changes: all take their turns again, and nothing of it was done by hand.
	s.want.Undeclared.Settings = tenant.RealmSettings{tenant.LockoutAttempts: "3"}
	if _, told, wakes, err := s.look(); err != nil || !wakes || len(told) != undeclaredPerPass || strings.Contains(strings.Join(told, ""), v1alpha1.EventSettingRestored) {
		t.Errorf("after a change of the default: told %d, looks again soon: %t, %v", len(told), wakes, err)
	}
}

// What was changed by hand is told as that, also by an operator that has just started, and also
// when it could not be put back at once.
func TestUndeclaredRealmsChangedByHand(t *testing.T) {
	s := newStrangers(t, tenant.UndeclaredEnforce, "a.example")
	if _, told, _, err := s.look(); err != nil || len(told) != 1 || !strings.Contains(told[0], v1alpha1.EventRealmHardened) {
		t.Fatalf("told %v, %v", told, err)
	}
	s.server.Set("a.example", tenant.LockoutAttempts, "99")
	if _, told, _, err := s.look(); err != nil || len(told) != 1 || !strings.Contains(told[0], v1alpha1.EventSettingRestored) || !strings.Contains(told[0], `from "99" to "5"`) {
		t.Errorf("told %v, %v", told, err)
	}
	s.r.foreign.Clear() // a new process
	s.cr.Status.ObservedGeneration = 1
	s.cr.Status.Realms = []v1alpha1.RealmStatus{{Name: "a.example", Outcome: v1alpha1.RealmHeld}}
	s.server.Set("a.example", tenant.LockoutAttempts, "98")
	s.server.Swallow(true)
	if found, told, _, err := s.look(); !idp.IsSettingRefused(err) || len(told) > 0 || found["a.example"] != tenant.RealmRefused || !strings.Contains(err.Error(), "set spec.undeclaredRealms to Report") {
		t.Errorf("a server that does not keep it: found %v, told %v, %v", found, told, err)
	}
	s.server.Swallow(false)
	s.server.Set("a.example", tenant.LockoutAttempts, "5") // somebody else was quicker
	if _, told, _, err := s.look(); err != nil || len(told) != 1 || !strings.Contains(told[0], `from "98"`) {
		t.Errorf("told %v, %v", told, err)
	}
	s.holds("a.example", "5")
}

// One realm that cannot be read keeps no other from its settings, and only what is somebody's to
// mend is called wrong.
func TestUndeclaredRealmsAreApart(t *testing.T) {
	missing := fault.Waiting(v1alpha1.ReasonRealmMissing, "realm b.example: create it in the server or take it out of spec.realms")
	refused := fault.Waiting(v1alpha1.ReasonServerRefusedLogin, "realm b.example: let the rollout end")
	for name, test := range map[string]struct {
		mode     tenant.UndeclaredMode
		err      error
		rolling  bool
		reason   string
		terminal bool
	}{
		"gone, or not served":                     {tenant.UndeclaredEnforce, missing, false, "", false},
		"refused by pods that are to be replaced": {tenant.UndeclaredEnforce, refused, true, "", false},
		"refused":                    {tenant.UndeclaredEnforce, refused, false, v1alpha1.ReasonServerRefusedLogin, false},
		"refused, and only reported": {tenant.UndeclaredReport, refused, false, "", false},
		"broken":                     {tenant.UndeclaredEnforce, errors.New("answered 500"), false, v1alpha1.ReasonError, false},
		"not kept":                   {tenant.UndeclaredEnforce, idp.SettingsRefused(tenant.Diff{{Realm: "b.example"}}, "no"), false, v1alpha1.ReasonSettingRefused, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStrangers(t, test.mode, "a.example", "b.example", "c.example")
			s.faulty["b.example"] = test.err
			if test.rolling {
				s.seen.DesiredRevision = "r2"
			}
			for range 2 { // and again
				found, _, _, err := s.look()
				if fault.Of(err, "Error") != nil && fault.Of(err, "Error").Reason != test.reason || (err == nil) != (test.reason == "") || fault.IsTerminal(err) != test.terminal {
					t.Errorf("%v; want reason %q", err, test.reason)
				}
				if found["b.example"] == tenant.RealmHeld || found["b.example"] == "" || test.mode == tenant.UndeclaredEnforce && found["c.example"] != tenant.RealmHeld {
					t.Errorf("found %v", found)
				}
			}
			if test.mode == tenant.UndeclaredEnforce {
				s.holds("a.example", "5")
				s.holds("c.example", "5")
			}
			delete(s.faulty, "b.example")
			if found, _, _, err := s.look(); err != nil || test.mode == tenant.UndeclaredEnforce && found["b.example"] != tenant.RealmHeld {
				t.Errorf("once it answers: %v, %v", found, err)
			}
		})
	}
	s := newStrangers(t, tenant.UndeclaredEnforce, "a.example", "b.example", "c.example")
	s.faulty["a.example"] = fault.Waiting(v1alpha1.ReasonServerUnreachable, "away")
	if found, _, _, err := s.look(); found != nil || len(s.read) != 1 || fault.Of(err, "").Reason != v1alpha1.ReasonServerUnreachable {
		t.Errorf("a server that is away was asked for %v: %v, %v", s.read, found, err)
	}
}

func TestUndeclaredRealmsReportedOrIgnored(t *testing.T) {
	s := newStrangers(t, tenant.UndeclaredReport, "a.example", "b.example")
	s.server.Set("b.example", tenant.LockoutAttempts, "5")
	_, before := s.server.Count()
	found, told, _, err := s.look()
	if err != nil || len(told) > 0 || found["a.example"] != tenant.RealmDiffers || found["b.example"] != tenant.RealmHeld {
		t.Errorf("reported: %v, told %v, %v", found, told, err)
	}
	s.want.Undeclared.Mode = tenant.UndeclaredIgnore
	if found, _, _, err := s.look(); err != nil || found != nil || s.lists != 1 || slices.Contains(s.read, "a.example") {
		t.Errorf("ignored: %v, listed %d times, %v", found, s.lists-1, err)
	}
	if _, after := s.server.Count(); after != before {
		t.Errorf("%d writes", after-before)
	}
	s.want.Undeclared.Mode = tenant.UndeclaredEnforce
	if found, told, _, err := s.look(); err != nil || found["a.example"] != tenant.RealmHeld || len(told) != 1 || !strings.Contains(told[0], v1alpha1.EventRealmHardened) {
		t.Errorf("enforced: %v, told %v, %v", found, told, err)
	}
}
