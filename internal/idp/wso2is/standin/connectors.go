package standin

import (
	"maps"
	"slices"
	"strings"
)

// connector is a view of some properties of the resident identity provider, with the
// defaults of 7.3.0.
type connector struct {
	category, name string
	defaults       []property
	// hidden are properties that this build does not have.
	hidden []string
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// The connectors that the product registers and that operators write. Their defaults
// come from its source, but for the callback expressions: those are made of the host
// name, see defaultProperties.
var connectors = []connector{
	{category: "Login Attempts Security", name: "account.lock.handler", defaults: []property{
		{"account.lock.handler.lock.on.max.failed.attempts.enable", "false"},
		{"account.lock.handler.On.Failure.Max.Attempts", "5"},
		{"account.lock.handler.Time", "5"},
		{"account.lock.handler.login.fail.timeout.ratio", "2"},
		{"account.lock.handler.notification.manageInternally", "true"},
		{"account.lock.handler.notification.notifyOnLockIncrement", "false"},
	}},
	{category: "Password Policies", name: "passwordHistory", defaults: []property{
		{"passwordHistory.enable", "false"},
		{"passwordHistory.count", "5"},
	}},
	{category: "Password Policies", name: "passwordExpiry", defaults: []property{
		{"passwordExpiry.enablePasswordExpiry", "false"},
		{"passwordExpiry.passwordExpiryInDays", "30"},
		{"passwordExpiry.skipIfNoApplicableRules", "false"},
		{"passwordExpiry.enforcementScope", "ORG_WIDE"},
	}},
	{category: "Account Management", name: "account-recovery", defaults: []property{
		{recoveryEnable, "false"},
		{recoveryEmailLink, "false"},
		{recoverySMS, "false"},
		{recoveryEmailOTP, "false"},
		{"Recovery.ReCaptcha.Password.Enable", "false"},
		{"Recovery.Question.Password.Enable", "false"},
		{"Recovery.Question.Password.MinAnswers", "2"},
		{"Recovery.Notification.Username.Enable", "false"},
		{"Recovery.Notification.Username.Email.Enable", "false"},
		{"Recovery.Notification.Username.SMS.Enable", "false"},
		{"Recovery.ReCaptcha.Username.Enable", "false"},
		{"Recovery.Notification.InternallyManage", "true"},
		{"Recovery.NotifySuccess", "false"},
		{"Recovery.ExpiryTime", "1440"},
		{"Recovery.CallbackRegex", ""},
		{"Recovery.AutoLogin.Enable", "false"},
		{"Recovery.Notification.Password.MaxFailedAttempts", "3"},
		{"Recovery.Notification.Password.MaxResendAttempts", "5"},
	}},
	{category: "Account Management", name: "admin-forced-password-reset", defaults: []property{
		{resetLink, "false"},
		{resetOTP, "false"},
		{resetSMS, "false"},
		{resetOffline, "false"},
		{"Recovery.AdminPasswordReset.ExpiryTime", "1440"},
	}},
	{category: "Account Management", name: "account.disable.handler", defaults: []property{
		{"account.disable.handler.enable", "false"},
		{"account.disable.handler.notification.manageInternally", "true"},
	}},
	{category: "Other Settings", name: "user-claim-update", defaults: []property{
		{"UserClaimUpdate.Email.EnableVerification", "false"},
		{"UserClaimUpdate.Email.EnableNotification", "false"},
		{"UserClaimUpdate.MobileNumber.EnableVerification", "false"},
	}},
	{category: "User Onboarding", name: "self-sign-up", defaults: []property{
		{"SelfRegistration.Enable", "false"},
		{"SelfRegistration.LockOnCreation", "true"},
		{"SelfRegistration.SendConfirmationOnCreation", "false"},
		{"SelfRegistration.ShowUsernameUnavailability", "true"},
		{"SelfRegistration.ReCaptcha", "true"},
		{"SelfRegistration.VerificationCode.ExpiryTime", "1440"},
		{"SelfRegistration.CallbackRegex", ""},
		{"SelfRegistration.AutoLogin.Enable", "false"},
	}},
	{category: "User Onboarding", name: "user-email-verification", defaults: []property{
		{"EmailVerification.Enable", "false"},
		{"EmailVerification.LockOnCreation", "true"},
		{"EmailVerification.ExpiryTime", "1440"},
		{"EmailVerification.AskPassword.ExpiryTime", "1440"},
	}},
	{category: "User Onboarding", name: "lite-user-sign-up", defaults: []property{
		{"LiteRegistration.Enable", "false"},
		{"LiteRegistration.LockOnCreation", "true"},
		{"LiteRegistration.VerificationCode.ExpiryTime", "1440"},
		{"LiteRegistration.CallbackRegex", ""},
	}},
}

const (
	recoveryEnable    = "Recovery.Notification.Password.Enable"
	recoveryEmailLink = "Recovery.Notification.Password.emailLink.Enable"
	recoverySMS       = "Recovery.Notification.Password.smsOtp.Enable"
	recoveryEmailOTP  = "Recovery.Notification.Password.OTP.SendOTPInEmail"

	resetLink    = "Recovery.AdminPasswordReset.RecoveryLink"
	resetOTP     = "Recovery.AdminPasswordReset.OTP"
	resetSMS     = "Recovery.AdminPasswordReset.SMSOTP"
	resetOffline = "Recovery.AdminPasswordReset.Offline"
)

var resetOptions = []string{resetLink, resetOTP, resetSMS, resetOffline}

// seeds are keys of deployment.toml that give a property its default. They stop to
// matter with the first write to any property of the realm.
var seeds = map[string]string{
	"Recovery.CallbackRegex":         "identity_mgt.recovery.callback_url",
	"SelfRegistration.CallbackRegex": "identity_mgt.user_self_registration.callback_url",
	"LiteRegistration.CallbackRegex": "identity_mgt.lite_user_registration.callback_url",
}

// defaultProperties are the values of a realm that nobody ever wrote.
func (c configuration) defaultProperties() map[string]string {
	values := map[string]string{}
	for _, connector := range connectors {
		for _, p := range connector.defaults {
			values[p.Name] = p.Value
			seed, seeded := seeds[p.Name]
			if seeded {
				values[p.Name] = c.text(seed)
			}
			if seeded && values[p.Name] == "" {
				values[p.Name] = `https:\/\/` + c.text("server.hostname") + `:9443\/.*`
			}
		}
	}
	return values
}

// effective is what a realm holds: what was written over the defaults.
func (c configuration) effective(r *realm) map[string]string {
	values := c.defaultProperties()
	maps.Copy(values, r.Properties)
	return values
}

// listed are the properties that the connector shows: its own, and any other that
// somebody stored under a name that begins with the connector's.
func (k connector) listed(values map[string]string) []property {
	var out []property
	own := map[string]bool{}
	for _, p := range k.defaults {
		own[p.Name] = true
		if !slices.Contains(k.hidden, p.Name) {
			out = append(out, property{p.Name, values[p.Name]})
		}
	}
	for _, name := range sortedKeys(values) {
		if strings.HasPrefix(name, k.name) && !own[name] {
			out = append(out, property{name, values[name]})
		}
	}
	return out
}
