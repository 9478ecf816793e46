package tenant

import (
	"cmp"
	"slices"
)

// Settings is what a running server is told, by realm and in our own terms;
// drivers translate. Only declared settings are in it, so whatever nobody declared
// stays as it is.
type Settings map[string]RealmSettings

// RealmSettings maps a setting to its value in canonical text: decimal numbers
// without sign or leading zero, "true" or "false", durations in whole units
// as the setting's name says.
type RealmSettings map[Setting]string

// Setting names one rule, independent of the product.
type Setting string

// The settings. A name ends in its unit where the value has one.
const (
	PasswordMinLength    Setting = "password.length.min"
	PasswordMaxLength    Setting = "password.length.max"
	PasswordLower        Setting = "password.require.lower"
	PasswordUpper        Setting = "password.require.upper"
	PasswordDigit        Setting = "password.require.digit"
	PasswordSpecial      Setting = "password.require.special"
	PasswordMaxRepeated  Setting = "password.maxRepeated"
	PasswordMinUnique    Setting = "password.minUnique"
	PasswordNotUsername  Setting = "password.notUsername"
	PasswordNotCommon    Setting = "password.notCommon"
	PasswordHistory      Setting = "password.history"
	PasswordMaxAgeDays   Setting = "password.maxAge.days"
	LockoutAttempts      Setting = "lockout.attempts"
	LockoutMinutes       Setting = "lockout.duration.minutes" // 0: until an administrator unlocks
	LockoutBackoffFactor Setting = "lockout.backoffFactor"

	RecoveryEmailLink     Setting = "recovery.emailLink"
	RecoveryLinkMinutes   Setting = "recovery.linkLifetime.minutes"
	RecoveryCallbacks     Setting = "recovery.callbacks" // sorted, separated by a space
	RecoveryAttempts      Setting = "recovery.attempts"  // wrong codes before a recovery ends
	RecoveryResends       Setting = "recovery.resends"
	RecoveryNotifySuccess Setting = "recovery.notifySuccess"
	RecoveryAutoLogin     Setting = "recovery.autoLogin"
	ForcedResetLink       Setting = "forcedReset.link"
	ForcedResetMinutes    Setting = "forcedReset.lifetime.minutes"

	RegistrationSelf         Setting = "registration.selfService"
	RegistrationLite         Setting = "registration.lite"
	RegistrationCallbacks    Setting = "registration.callbacks"    // as RecoveryCallbacks
	RegistrationConfirmEmail Setting = "registration.confirmEmail" // before the account opens
	RegistrationCodeMinutes  Setting = "registration.codeLifetime.minutes"
	RegistrationTellsNames   Setting = "registration.tellsNames" // whether a name is taken
	RegistrationAutoLogin    Setting = "registration.autoLogin"
	Invitation               Setting = "invitation.enabled" // a new account opens with a link in an e-mail
	InvitationMinutes        Setting = "invitation.lifetime.minutes"
	AccountsEmailVerified    Setting = "accounts.emailVerified" // a changed address, before it is used
	AccountsDisabling        Setting = "accounts.disabling"     // an administrator can shut an account

	SessionIdleMinutes      Setting = "sessions.idle.minutes"
	SessionMaximumMinutes   Setting = "sessions.maximum.minutes" // 0: a session that is used never ends
	SessionRememberMinutes  Setting = "sessions.rememberMe.minutes"
	SessionOutlivesPassword Setting = "sessions.outlivePassword" // the session in which it is changed

	TokenAccessMinutes Setting = "tokens.access.minutes" // also of ID tokens: what is signed lives no longer
	TokenCodeMinutes   Setting = "tokens.code.minutes"   //nolint:gosec // of authorization codes; it is a name
	TokenRefreshOnce   Setting = "tokens.refreshOnce"    // a refresh token works once

	EventsDays      Setting = "events.logins.days" // kept in the server; 0: not at all
	EventsAdminDays Setting = "events.administration.days"
	TLSRequired     Setting = "tls.required"    // of whoever asks, also from a private network
	BrowserHeaders  Setting = "headers.browser" // that keep pages out of frames, and browsers on TLS

	CORSAnyOrigin       Setting = "cors.anyOrigin"
	CORSSubdomains      Setting = "cors.subdomains"
	CORSAnyHeader       Setting = "cors.anyHeader"
	ClientsAuthenticate Setting = "clientRegistration.authenticated" // whoever registers a client
	ClientsFAPI         Setting = "clientRegistration.fapi"          // it makes FAPI clients only
	AssertionReuse      Setting = "assertions.reuse"                 // one that authenticates a client, twice
)

// Change is one setting that differs between what is wanted and what is live.
type Change struct {
	Realm   string
	Setting Setting
	// From is the live value, empty when the server has none.
	From string
	To   string
}

// Diff is a sorted list of changes.
type Diff []Change

// Compare lists what has to change for seen to hold everything that want
// declares. Settings of seen that want does not name are left alone.
func Compare(want, seen Settings) Diff {
	var diff Diff
	for realm, settings := range want {
		for setting, value := range settings {
			if live := seen[realm][setting]; live != value {
				diff = append(diff, Change{Realm: realm, Setting: setting, From: live, To: value})
			}
		}
	}
	slices.SortFunc(diff, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Realm, b.Realm), cmp.Compare(a.Setting, b.Setting))
	})
	return diff
}

// Settings collects the declared settings of all realms.
func (s Spec) Settings() Settings {
	all := make(Settings, len(s.Realms))
	for _, realm := range s.Realms {
		all[realm.Name] = realm.Settings
	}
	return all
}
