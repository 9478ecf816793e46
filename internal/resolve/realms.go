package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Defaults of a realm. Sources: OWASP ASVS 5.0.0 7.3 and NIST SP 800-63B 4.2.3 (sessions),
// OWASP ASVS 5.0.0 6.4 (recovery). They are what deployment.toml seeds a realm with.
const (
	defaultLinkLifetime = 15 * time.Minute
	defaultIdle         = 15 * time.Minute
	defaultMaximum      = 8 * time.Hour
	baselineIdle        = 30 * time.Minute
	baselineMaximum     = 24 * time.Hour
	baselineRememberMe  = 168 * time.Hour
)

// always are settings that no field changes: nobody needs them otherwise.
var always = tenant.RealmSettings{
	tenant.ForcedResetLink:         "true",
	tenant.ForcedResetMinutes:      "60",
	tenant.RecoveryAttempts:        "3",
	tenant.RecoveryResends:         "5",
	tenant.RecoveryNotifySuccess:   "true",
	tenant.RecoveryAutoLogin:       "false",
	tenant.RegistrationLite:        "false",
	tenant.RegistrationCodeMinutes: "60",
	tenant.RegistrationTellsNames:  "false",
	tenant.RegistrationAutoLogin:   "false",
	tenant.InvitationMinutes:       "1440",
	tenant.AccountsEmailVerified:   "true",
	tenant.AccountsDisabling:       "true",
	tenant.SessionOutlivesPassword: "false",
	tenant.CORSAnyOrigin:           "false",
	tenant.CORSSubdomains:          "false",
	tenant.CORSAnyHeader:           "false",
	tenant.ClientsAuthenticate:     "true",
	tenant.AssertionReuse:          "false",
}

// inRealms are settings that Keycloak has in each realm, and WSO2 Identity Server in files that
// the profile writes.
var inRealms = tenant.RealmSettings{
	tenant.TokenAccessMinutes: "5",
	tenant.TokenCodeMinutes:   "1",
	tenant.TokenRefreshOnce:   "true",
	tenant.EventsDays:         "90",
	tenant.EventsAdminDays:    "365",
	tenant.TLSRequired:        "true",
	tenant.BrowserHeaders:     "true",
}

func realms(cr *v1alpha1.IdentityTenant, refs References, profile control.Profile) ([]tenant.Realm, error) {
	declared := cr.Spec.Realms
	if !slices.ContainsFunc(declared, func(r v1alpha1.Realm) bool { return r.Name == tenant.RootRealm }) {
		declared = append([]v1alpha1.Realm{{Name: tenant.RootRealm}}, declared...)
	}
	resolved := make([]tenant.Realm, 0, len(declared))
	for _, realm := range declared {
		settings, err := realmSettings(cr, realm, refs, profile)
		if err != nil {
			return nil, fmt.Errorf("realm %s: %w", realm.Name, err)
		}
		named := ""
		if realm.PasswordPolicyRef != nil {
			named = realm.PasswordPolicyRef.Name
		}
		resolved = append(resolved, tenant.Realm{Name: realm.Name, Policy: named, Settings: settings})
	}
	slices.SortFunc(resolved, func(a, b tenant.Realm) int { return strings.Compare(a.Name, b.Name) })
	return resolved, nil
}

// undeclared is what realms are held to that nobody declares.
func undeclared(cr *v1alpha1.IdentityTenant, refs References, profile control.Profile, defaults *[]tenant.Default) (tenant.Undeclared, error) {
	mode := tenant.UndeclaredMode(cr.Spec.UndeclaredRealms)
	if mode == "" {
		mode = tenant.UndeclaredEnforce
		note(defaults, "spec.undeclaredRealms", string(mode))
	}
	settings, err := realmSettings(cr, v1alpha1.Realm{}, refs, profile)
	if err != nil {
		return tenant.Undeclared{}, fmt.Errorf("realms that nobody declares: %w", err)
	}
	return tenant.Undeclared{Mode: mode, Settings: settings}, nil
}

func realmSettings(cr *v1alpha1.IdentityTenant, realm v1alpha1.Realm, refs References, profile control.Profile) (tenant.RealmSettings, error) {
	policy := v1alpha1.PasswordPolicySpec{}
	if realm.PasswordPolicyRef != nil {
		policy = refs.PasswordPolicies[realm.PasswordPolicyRef.Name].Spec
	}
	settings, err := PasswordSettings(policy)
	if err != nil {
		return nil, err
	}
	maps.Copy(settings, always)
	if cr.Spec.Product.Keycloak != nil {
		maps.Copy(settings, inRealms)
	}
	settings[tenant.ClientsFAPI] = strconv.FormatBool(profile == control.FAPI2)
	addRegistration(settings, realm, cr.Spec.Mail != nil)
	if err := addRecovery(settings, realm, cr.Spec.Hostname); err != nil {
		return nil, err
	}
	return settings, addSessions(settings, realm, profile)
}

func addRecovery(settings tenant.RealmSettings, realm v1alpha1.Realm, hostname string) error {
	recovery := v1alpha1.Recovery{}
	if realm.Recovery != nil {
		recovery = *realm.Recovery
	}
	lifetime := defaultLinkLifetime
	if recovery.LinkLifetime != nil {
		lifetime = recovery.LinkLifetime.Duration
	}
	minutes, err := whole("recovery.linkLifetime", lifetime, time.Minute, "minutes")
	if err != nil {
		return err
	}
	callbacks := slices.Clone(recovery.Callbacks)
	if len(callbacks) == 0 {
		callbacks = []string{"https://" + hostname + "/*"}
	}
	slices.Sort(callbacks)
	settings[tenant.RecoveryEmailLink] = strconv.FormatBool(recovery.EmailLink)
	settings[tenant.RecoveryLinkMinutes] = minutes
	settings[tenant.RecoveryCallbacks] = strings.Join(callbacks, " ")
	settings[tenant.RegistrationCallbacks] = strings.Join(callbacks, " ")
	return nil
}

// addRegistration lets nobody wait for an e-mail that no server sends.
func addRegistration(settings tenant.RealmSettings, realm v1alpha1.Realm, mail bool) {
	registration := v1alpha1.Registration{}
	if realm.Registration != nil {
		registration = *realm.Registration
	}
	invited := registration.Invitation == v1alpha1.SwitchEnabled || registration.Invitation == "" && mail
	settings[tenant.RegistrationSelf] = strconv.FormatBool(registration.SelfService == v1alpha1.SwitchEnabled)
	settings[tenant.RegistrationConfirmEmail] = strconv.FormatBool(registration.ConfirmEmail != v1alpha1.ConfirmationNone)
	settings[tenant.Invitation] = strconv.FormatBool(invited)
}

func addSessions(settings tenant.RealmSettings, realm v1alpha1.Realm, profile control.Profile) error {
	declared := v1alpha1.Sessions{}
	if realm.Sessions != nil {
		declared = *realm.Sessions
	}
	idle, maximum := defaultIdle, defaultMaximum
	if profile == control.Baseline {
		idle, maximum = baselineIdle, baselineMaximum
	}
	if declared.Maximum != nil {
		maximum = declared.Maximum.Duration
	}
	idle = min(idle, maximum)
	if declared.Idle != nil {
		idle = declared.Idle.Duration
	}
	remembered, err := rememberMe(declared.RememberMe, idle, maximum, profile)
	if err != nil {
		return err
	}
	for _, value := range []struct {
		setting  tenant.Setting
		field    string
		duration time.Duration
	}{
		{tenant.SessionIdleMinutes, "sessions.idle", idle},
		{tenant.SessionMaximumMinutes, "sessions.maximum", maximum},
		{tenant.SessionRememberMinutes, "sessions.rememberMe", remembered},
	} {
		if settings[value.setting], err = whole(value.field, value.duration, time.Minute, "minutes"); err != nil {
			return err
		}
	}
	return nil
}

func rememberMe(declared string, idle, maximum time.Duration, profile control.Profile) (time.Duration, error) {
	switch {
	case declared == v1alpha1.RememberMeDisabled:
		return idle, nil
	case declared == "" && profile == control.Baseline:
		return baselineRememberMe, nil
	case declared == "":
		return maximum, nil
	}
	remembered, err := time.ParseDuration(declared)
	if err != nil {
		return 0, fault.Terminal(v1alpha1.ReasonInvalidSpec, "sessions.rememberMe is %q: write Disabled, or a time such as 8h", declared)
	}
	return remembered, nil
}
