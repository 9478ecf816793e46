package resolve_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func TestSessionsOfARealm(t *testing.T) {
	t.Parallel()
	d := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	for name, test := range map[string]struct {
		profile                   v1alpha1.HardeningProfile
		declared                  *v1alpha1.Sessions
		idle, maximum, remembered string
	}{
		"nothing declared":                 {v1alpha1.ProfileStrict, nil, "15", "480", "480"},
		"nothing declared, Baseline":       {v1alpha1.ProfileBaseline, nil, "30", "1440", "10080"},
		"remembered no longer than idle":   {v1alpha1.ProfileStrict, &v1alpha1.Sessions{Idle: d(20 * time.Minute), RememberMe: "Disabled"}, "20", "480", "20"},
		"remembered as long as said":       {v1alpha1.ProfileStrict, &v1alpha1.Sessions{RememberMe: "48h30m"}, "15", "480", "2910"},
		"nobody is remembered past an end": {v1alpha1.ProfileStrict, &v1alpha1.Sessions{Maximum: d(2 * time.Hour)}, "15", "120", "120"},
		"a short life":                     {v1alpha1.ProfileFAPI2, &v1alpha1.Sessions{Maximum: d(5 * time.Minute)}, "5", "5", "5"},
	} {
		cr := smallest()
		cr.Spec.Hardening = &v1alpha1.Hardening{Profile: test.profile}
		cr.Spec.Realms = []v1alpha1.Realm{{Name: "root", Sessions: test.declared}}
		want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := want.Settings()[tenant.RootRealm]
		if got[tenant.SessionIdleMinutes] != test.idle || got[tenant.SessionMaximumMinutes] != test.maximum || got[tenant.SessionRememberMinutes] != test.remembered {
			t.Errorf("%s: idle %s, maximum %s, remembered %s; want %s, %s, %s", name, got[tenant.SessionIdleMinutes], got[tenant.SessionMaximumMinutes],
				got[tenant.SessionRememberMinutes], test.idle, test.maximum, test.remembered)
		}
	}
}

// Nobody is invited by an e-mail that no server sends.
func TestRegistrationNeedsMail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mail              bool
		declared          *v1alpha1.Registration
		self, invitations string
		confirmed         string
	}{
		"no mail":           {false, nil, "false", "false", "true"},
		"mail":              {true, nil, "false", "true", "true"},
		"mail, no invitees": {true, &v1alpha1.Registration{Invitation: "Disabled"}, "false", "false", "true"},
		"open to everybody": {true, &v1alpha1.Registration{SelfService: "Enabled", ConfirmEmail: "None"}, "true", "true", "false"},
	} {
		cr := smallest()
		if test.mail {
			cr.Spec.Mail = &v1alpha1.Mail{Host: "smtp.corp.example", From: "id@acme.example", Credentials: v1alpha1.CredentialsSource{VaultKV: &v1alpha1.VaultKVCredentials{Path: "acme/mail"}}, Peer: &v1alpha1.Peer{CIDRs: []string{"192.0.2.1/32"}}}
		}
		cr.Spec.Realms = []v1alpha1.Realm{{Name: "root", Registration: test.declared}}
		want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := want.Settings()[tenant.RootRealm]
		if got[tenant.RegistrationSelf] != test.self || got[tenant.Invitation] != test.invitations || got[tenant.RegistrationConfirmEmail] != test.confirmed {
			t.Errorf("%s: self-service %s, invitations %s, confirmed %s; want %s, %s, %s", name, got[tenant.RegistrationSelf], got[tenant.Invitation],
				got[tenant.RegistrationConfirmEmail], test.self, test.invitations, test.confirmed)
		}
	}
}

// Realms that nobody declares are held to what a declared one has of which nothing else is said.
func TestUndeclaredRealmsAreHeldToTheDefault(t *testing.T) {
	t.Parallel()
	for declared, mode := range map[v1alpha1.UndeclaredRealms]tenant.UndeclaredMode{
		"": tenant.UndeclaredEnforce, v1alpha1.UndeclaredEnforce: tenant.UndeclaredEnforce,
		v1alpha1.UndeclaredReport: tenant.UndeclaredReport, v1alpha1.UndeclaredIgnore: tenant.UndeclaredIgnore,
	} {
		cr := smallest()
		cr.Spec.UndeclaredRealms = declared
		cr.Spec.Realms = []v1alpha1.Realm{{Name: "root", Sessions: &v1alpha1.Sessions{Idle: &metav1.Duration{Duration: time.Hour}}}, {Name: "plain.example"}}
		want, err := resolved(t, cr, database(intstr.FromInt32(5432), postgres))
		if err != nil {
			t.Fatal(err)
		}
		if want.Undeclared.Mode != mode {
			t.Errorf("%q is %s, want %s", declared, want.Undeclared.Mode, mode)
		}
		if diff := cmp.Diff(want.Settings()["plain.example"], want.Undeclared.Settings); diff != "" {
			t.Errorf("a declared realm without more and an undeclared one (-declared +undeclared):\n%s", diff)
		}
		noted := slices.Contains(want.Defaults, tenant.Default{Field: "spec.undeclaredRealms", Value: "Enforce"})
		if noted != (declared == "") {
			t.Errorf("%q: the default is told: %t", declared, noted)
		}
	}
}
