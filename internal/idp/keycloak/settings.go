package keycloak

import (
	"fmt"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// bindings tell, for each setting that a realm holds, where.
var bindings = map[tenant.Setting]binding{
	tenant.PasswordMinLength:   rule{id: "length", least: 1},
	tenant.PasswordMaxLength:   rule{id: "maxLength", least: 1},
	tenant.PasswordLower:       rule{id: "lowerCase"},
	tenant.PasswordUpper:       rule{id: "upperCase"},
	tenant.PasswordDigit:       rule{id: "digits"},
	tenant.PasswordSpecial:     rule{id: "specialChars"},
	tenant.PasswordHistory:     rule{id: "passwordHistory"},
	tenant.PasswordMaxAgeDays:  rule{id: "forceExpiredPasswordChange"},
	tenant.PasswordNotUsername: presence{id: "notUsername", value: "undefined"},
	tenant.PasswordNotCommon:   presence{id: "passwordBlacklist", value: CommonPasswordsFile},
	tenant.PasswordMaxRepeated: characters{repeated},
	tenant.PasswordMinUnique:   characters{unique},

	tenant.LockoutAttempts: lockoutAttempts{},
	tenant.LockoutMinutes:  lockoutMinutes{},

	tenant.RecoveryEmailLink:     toggle{"resetPasswordAllowed"},
	tenant.RecoveryLinkMinutes:   attributeMinutes{"actionTokenGeneratedByUserLifespan.reset-credentials"},
	tenant.RecoveryNotifySuccess: listed{field: "eventsListeners", member: "email"},
	tenant.ForcedResetMinutes:    minutes{"actionTokenGeneratedByAdminLifespan"},

	tenant.RegistrationSelf:         toggle{"registrationAllowed"},
	tenant.RegistrationConfirmEmail: toggle{"verifyEmail"},
	tenant.RegistrationCodeMinutes:  attributeMinutes{"actionTokenGeneratedByUserLifespan.verify-email"},

	tenant.SessionIdleMinutes:     minutes{"ssoSessionIdleTimeout"},
	tenant.SessionMaximumMinutes:  minutes{"ssoSessionMaxLifespan"},
	tenant.SessionRememberMinutes: minutes{"ssoSessionIdleTimeoutRememberMe", "ssoSessionMaxLifespanRememberMe"},

	tenant.TokenAccessMinutes: minutes{"accessTokenLifespan", "accessTokenLifespanForImplicitFlow"},
	tenant.TokenCodeMinutes:   minutes{"accessCodeLifespan"},
	tenant.TokenRefreshOnce:   refreshOnce{},

	tenant.EventsDays:      loginEvents{},
	tenant.EventsAdminDays: adminEvents{},
	tenant.TLSRequired:     tlsRequired{},
	tenant.BrowserHeaders:  browserHeaders{},
}

// inherent is what Keycloak does and no setting changes: another value is not enforceable.
var inherent = map[tenant.Setting]struct{ value, otherwise string }{
	tenant.LockoutBackoffFactor: {"1", "Keycloak has no factor between one lock and the next: each lasts as long as lockout.duration"},
	tenant.ForcedResetLink:      {"true", "Keycloak has an administrator reset a password by a link, in no other way"},
	tenant.RegistrationLite:     {"false", "Keycloak has no registration without a password"},
	tenant.RegistrationTellsNames: {"true", "Keycloak tells at registration that a name or an address is taken; " +
		"keep registration closed where that matters"},
	tenant.RegistrationAutoLogin:   {"true", "Keycloak signs in whom it has just registered"},
	tenant.AccountsDisabling:       {"true", "Keycloak lets an administrator disable an account at any time"},
	tenant.SessionOutlivesPassword: {"true", "Keycloak ends the other sessions of an account whose password is changed when its user asks for it, and never the session in which it is changed"},
	tenant.AssertionReuse:          {"false", "Keycloak takes an assertion that authenticates a client once"},
}

// without are settings that nothing in a realm decides.
var without = map[tenant.Setting]string{
	tenant.RecoveryCallbacks:     "Keycloak has redirect URIs for each client and none for recovery; look at the clients of the realm",
	tenant.RegistrationCallbacks: "Keycloak has redirect URIs for each client and none for registration; look at the clients of the realm",
	tenant.RecoveryAttempts:      "Keycloak recovers by a link, which has no code to guess",
	tenant.RecoveryResends:       "Keycloak does not count how often a link was sent",
	tenant.RecoveryAutoLogin:     "Keycloak has it in the realm's reset credentials flow; set force-login of its step Send Reset Email",
	tenant.Invitation:            "Keycloak invites when an administrator sends the required actions by e-mail; no setting of a realm does it",
	tenant.InvitationMinutes:     "Keycloak has one lifetime for all links that administrators send, which forced resets set",
	tenant.AccountsEmailVerified: "Keycloak has it in the required action UPDATE_EMAIL of the realm",
	tenant.CORSAnyOrigin:         "Keycloak has web origins for each client; look at the clients of the realm",
	tenant.CORSSubdomains:        "Keycloak has web origins for each client; look at the clients of the realm",
	tenant.CORSAnyHeader:         "Keycloak decides which headers cross origins may send",
	tenant.ClientsAuthenticate:   "Keycloak has it in the client registration policies of the realm",
	tenant.ClientsFAPI:           "Keycloak has it in the client policies of the realm",
}

// notEnforceable gives the reason why a setting cannot be enforced as wished.
func notEnforceable(setting tenant.Setting, value string) (string, bool) {
	if reason, ok := without[setting]; ok {
		return reason, true
	}
	if fixed, ok := inherent[setting]; ok {
		return fixed.otherwise, fixed.value != value
	}
	if _, ok := bindings[setting]; !ok {
		return "Keycloak has no such setting", true
	}
	if setting == tenant.SessionMaximumMinutes && value == "0" {
		return "Keycloak ends every session at some time", true
	}
	return "", false
}

// leftOut tells what Configure has nothing to do for.
func leftOut(setting tenant.Setting, value string) bool {
	_, fixed := inherent[setting]
	_, nowhere := without[setting]
	_, not := notEnforceable(setting, value)
	return fixed || nowhere || not && bindings[setting] != nil
}

// settings are all that we have a word for.
func (r realm) settings() tenant.RealmSettings {
	out := tenant.RealmSettings{}
	for setting := range bindings {
		if value, ok := r.read(setting); ok {
			out[setting] = value
		}
	}
	for setting, fixed := range inherent {
		out[setting] = fixed.value
	}
	return out
}

func (r realm) read(setting tenant.Setting) (string, bool) { return bindings[setting].read(r) }

func (r realm) write(setting tenant.Setting, value string) { bindings[setting].write(r, value) }

// possible tells whether the product has a place for the value at all.
func possible(setting tenant.Setting, value string) error {
	b, ok := bindings[setting]
	if !ok {
		return fmt.Errorf("there is no such setting")
	}
	return b.check(value)
}
