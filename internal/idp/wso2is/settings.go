package wso2is

import (
	"encoding/base64"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// category is a group of governance connectors; its REST id is made of its name.
type category string

// connector is a set of governance properties; its REST id is made of its name.
type connector struct {
	category category
	name     string
}

// restID is how the governance API names a category or a connector.
func restID(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

const (
	loginAttempts     category = "Login Attempts Security"
	passwordPolicies  category = "Password Policies"
	accountManagement category = "Account Management"
	userOnboarding    category = "User Onboarding"
	otherSettings     category = "Other Settings"
)

// categories are read in this order.
var categories = []category{loginAttempts, passwordPolicies, accountManagement, userOnboarding, otherSettings}

var (
	accountLock     = connector{loginAttempts, "account.lock.handler"}
	passwordHistory = connector{passwordPolicies, "passwordHistory"}
	passwordExpiry  = connector{passwordPolicies, "passwordExpiry"}
	accountRecovery = connector{accountManagement, "account-recovery"}
	forcedReset     = connector{accountManagement, "admin-forced-password-reset"}
	accountDisable  = connector{accountManagement, "account.disable.handler"}
	selfSignUp      = connector{userOnboarding, "self-sign-up"}
	liteSignUp      = connector{userOnboarding, "lite-user-sign-up"}
	invitation      = connector{userOnboarding, "user-email-verification"}
	claimUpdate     = connector{otherSettings, "user-claim-update"}
)

// binding says how a connector holds one of our settings.
type binding struct {
	connector connector
	property  string
	codec     codec
	// enable is the switch that the property hangs on. The value 0 or false turns the
	// switch off; any other turns it on.
	enable string
	// off are switches that contradict the setting. They are turned off where the
	// server lists them; the live value is mixed while one of them is on.
	off []string
	// with are switches that a setting that is on cannot do without. They are turned on
	// with it; the live value is mixed while one of them is off.
	with []string
	// optional connectors are missing from some builds. Where they are, the feature is
	// missing too, so that off is what the server does.
	optional bool
}

// mixed is the live value of a setting whose properties contradict each other. It
// is no possible wish, so it always counts as a difference.
const mixed = "mixed"

// bindings tell, for each setting that governance connectors hold, where (catalogue
// FR-13, ISO-10 to ISO-14, ISO-04, PROD-24). Names are the same in 7.0 to 7.3.
var bindings = map[tenant.Setting][]binding{
	// The lock is off until the switch is on; [identity_mgt.account_locking] of
	// deployment.toml turns another property.
	tenant.LockoutAttempts: {{connector: accountLock, property: "account.lock.handler.On.Failure.Max.Attempts",
		enable: "account.lock.handler.lock.on.max.failed.attempts.enable", codec: number{}}},
	tenant.LockoutMinutes:       {{connector: accountLock, property: "account.lock.handler.Time", codec: number{}}},
	tenant.LockoutBackoffFactor: {{connector: accountLock, property: "account.lock.handler.login.fail.timeout.ratio", codec: number{min: 1}}},

	tenant.PasswordHistory: {{connector: passwordHistory, property: "passwordHistory.count",
		enable: "passwordHistory.enable", codec: number{}}},
	// Without off, a password never expires for whom no rule names.
	tenant.PasswordMaxAgeDays: {{connector: passwordExpiry, property: "passwordExpiry.passwordExpiryInDays",
		enable: "passwordExpiry.enablePasswordExpiry", off: []string{"passwordExpiry.skipIfNoApplicableRules"}, codec: number{}}},

	// The link is the one way to recover, or there is none.
	tenant.RecoveryEmailLink: {{connector: accountRecovery, property: "Recovery.Notification.Password.emailLink.Enable",
		enable: "Recovery.Notification.Password.Enable", codec: toggle{}, off: []string{
			"Recovery.Notification.Password.smsOtp.Enable",
			"Recovery.Notification.Password.OTP.SendOTPInEmail",
			"Recovery.Question.Password.Enable",
		}}},
	tenant.RecoveryLinkMinutes: {{connector: accountRecovery, property: "Recovery.ExpiryTime", codec: number{min: 1}}},
	tenant.RecoveryCallbacks:   {{connector: accountRecovery, property: "Recovery.CallbackRegex", codec: callbacks{}}},

	tenant.RecoveryAttempts:      {{connector: accountRecovery, property: "Recovery.Notification.Password.MaxFailedAttempts", codec: number{min: 1}}},
	tenant.RecoveryResends:       {{connector: accountRecovery, property: "Recovery.Notification.Password.MaxResendAttempts", codec: number{min: 1}}},
	tenant.RecoveryNotifySuccess: {{connector: accountRecovery, property: "Recovery.NotifySuccess", codec: toggle{}}},
	tenant.RecoveryAutoLogin:     {{connector: accountRecovery, property: "Recovery.AutoLogin.Enable", codec: toggle{}}},

	tenant.ForcedResetLink: {{connector: forcedReset, property: "Recovery.AdminPasswordReset.RecoveryLink", codec: toggle{}, off: []string{
		"Recovery.AdminPasswordReset.OTP",
		"Recovery.AdminPasswordReset.SMSOTP",
		"Recovery.AdminPasswordReset.Offline",
	}}},
	tenant.ForcedResetMinutes: {{connector: forcedReset, property: "Recovery.AdminPasswordReset.ExpiryTime", codec: number{min: 1}}},

	tenant.RegistrationSelf: {{connector: selfSignUp, property: "SelfRegistration.Enable", codec: toggle{}, optional: true}},
	tenant.RegistrationLite: {{connector: liteSignUp, property: "LiteRegistration.Enable", codec: toggle{}, optional: true}},
	tenant.RegistrationConfirmEmail: {{connector: selfSignUp, property: "SelfRegistration.LockOnCreation", codec: toggle{},
		with: []string{"SelfRegistration.SendConfirmationOnCreation"}}},
	tenant.RegistrationCodeMinutes: {{connector: selfSignUp, property: "SelfRegistration.VerificationCode.ExpiryTime", codec: number{min: 1}}},
	tenant.RegistrationTellsNames:  {{connector: selfSignUp, property: "SelfRegistration.ShowUsernameUnavailability", codec: toggle{}, optional: true}},
	tenant.RegistrationAutoLogin:   {{connector: selfSignUp, property: "SelfRegistration.AutoLogin.Enable", codec: toggle{}, optional: true}},
	tenant.Invitation: {{connector: invitation, property: "EmailVerification.Enable", codec: toggle{}, optional: true,
		with: []string{"EmailVerification.LockOnCreation"}}},
	tenant.InvitationMinutes:     {{connector: invitation, property: "EmailVerification.AskPassword.ExpiryTime", codec: number{min: 1}}},
	tenant.AccountsEmailVerified: {{connector: claimUpdate, property: "UserClaimUpdate.Email.EnableVerification", codec: toggle{}, optional: true}},
	tenant.AccountsDisabling:     {{connector: accountDisable, property: "account.disable.handler.enable", codec: toggle{}, optional: true}},

	tenant.RegistrationCallbacks: {
		{connector: selfSignUp, property: "SelfRegistration.CallbackRegex", codec: callbacks{}},
		{connector: liteSignUp, property: "LiteRegistration.CallbackRegex", codec: callbacks{}, optional: true},
	},
}
