package deployment

import (
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type identity struct {
	Framework authFramework `toml:"auth_framework"`
}

type authFramework struct {
	Endpoint authEndpoint `toml:"endpoint"`
}

// authEndpoint is how the login pages speak to the server: by an account and an
// application of their own, never as the administrator.
type authEndpoint struct {
	Username                    text.Reference `toml:"username"`
	Password                    text.Reference `toml:"password"`
	AppPassword                 text.Reference `toml:"app_password"`
	MutualSSLUsername           text.Reference `toml:"mutual_ssl_username"`
	TLSProtocol                 string         `toml:"tls_protocol"`
	HostnameVerificationEnabled bool           `toml:"hostname_verification_enabled"`
}

var endpoint = authEndpoint{
	Username:                    text.Env(layout.EnvSystemUsername),
	Password:                    text.Env(layout.EnvSystemPassword),
	AppPassword:                 text.Env(layout.EnvEndpointPassword),
	MutualSSLUsername:           text.Env(layout.EnvSystemUsername),
	TLSProtocol:                 "TLSv1.2",
	HostnameVerificationEnabled: true,
}

// accountRecovery knows the endpoint application by the hash of its password.
type accountRecovery struct {
	Endpoint struct {
		Auth struct {
			Hash text.Reference `toml:"hash"`
		} `toml:"auth"`
	} `toml:"endpoint"`
}

var recoveryClient = func() accountRecovery {
	var a accountRecovery
	a.Endpoint.Auth.Hash = text.Env(layout.EnvEndpointHash)
	return a
}()

// governance are the values that a server tenant starts with; once it was written to,
// its own stored values hold, which are set over REST.
type governance struct {
	Recovery struct {
		CallbackURL                  text.XML `toml:"callback_url"`
		NotifyUserExistence          bool     `toml:"notify_user_existence"`
		NotifyRecoveryEmailExistence bool     `toml:"notify_recovery_email_existence"`
		NotifyUserAccountStatus      bool     `toml:"notify_user_account_status"`
		EnableDetailedErrorMessages  bool     `toml:"enable_detailed_error_messages"`
		EnableAutoLogin              bool     `toml:"enable_auto_login"`
		EnableV1API                  bool     `toml:"enable_v1_api"`
	} `toml:"recovery"`
	// ClaimValidation holds what people say of themselves against the pattern of each claim.
	ClaimValidation bool `toml:"enable_user_claim_input_regex_validation"`
	PasswordPolicy  struct {
		MaxLength string `toml:"max_password_allowed_length"`
	} `toml:"password_policy"`
	// PasswordUpdate ends the other sessions of whoever changes a password.
	PasswordUpdate struct {
		PreserveSession bool `toml:"preserve_logged_in_session"`
	} `toml:"password_update"`
	SelfRegistration callback `toml:"user_self_registration"`
	LiteRegistration callback `toml:"lite_user_registration"`
}

type callback struct {
	CallbackURL text.XML `toml:"callback_url"`
}

// newGovernance lets recovery and registration lead to the server's own pages only.
// A dot is written as a class: some readers would drop a backslash.
func newGovernance(want tenant.Spec) governance {
	host := strings.ReplaceAll(want.Hostname, ".", "[.]")
	url := text.ForXML("https://" + host + "(:443)?(/t/[^/]+)?(/o/[^/]+)?/(myaccount|accountrecoveryendpoint|authenticationendpoint)/.*")
	g := governance{SelfRegistration: callback{url}, LiteRegistration: callback{url}, ClaimValidation: true}
	g.Recovery.CallbackURL = url
	g.PasswordPolicy.MaxLength = longestPassword(want.Realms)
	return g
}

// longestPassword is the most that a realm takes: the server cuts off above it for all.
func longestPassword(realms []tenant.Realm) string {
	longest := 64
	for _, realm := range realms {
		if length, err := strconv.Atoi(realm.Settings[tenant.PasswordMaxLength]); err == nil {
			longest = max(longest, length)
		}
	}
	return strconv.Itoa(longest)
}

type session struct {
	Timeout sessionTimeout `toml:"timeout"`
	// NonceCookie binds each step of a sign-in to the browser that began it, and a sign-in
	// that has ended stays so.
	Nonce struct {
		Cookie switched `toml:"cookie"`
	} `toml:"nonce"`
	Authentication struct {
		Context struct {
			Expiry struct {
				Validation bool `toml:"validation"`
			} `toml:"expiry"`
		} `toml:"context"`
	} `toml:"authentication"`
}

// switched is enabled under the name that some tables have for it.
type switched struct {
	Enabled bool `toml:"enabled"`
}

type sessionTimeout struct {
	Idle             string `toml:"idle_session_timeout"`
	RememberMe       string `toml:"remember_me_session_timeout"`
	ExtendRememberMe bool   `toml:"extend_remember_me_session_timeout_on_auth"`
	EnableMaximum    bool   `toml:"enable_maximum_session_timeout"`
	Maximum          string `toml:"maximum_session_timeout"`
}

// newSession ends sessions that rest, and those that last for longer than a day's work.
func newSession(profile control.Profile) session {
	s := session{Timeout: sessionTimeout{Idle: "15m", RememberMe: "8h", EnableMaximum: true, Maximum: "8h"}}
	if profile == control.Baseline {
		s.Timeout = sessionTimeout{Idle: "30m", RememberMe: "7d", EnableMaximum: true, Maximum: "24h"}
	}
	s.Nonce.Cookie.Enabled = true
	s.Authentication.Context.Expiry.Validation = true
	return s
}

type sessionData struct {
	Cleanup cleanup `toml:"cleanup"`
}

// cleanup removes dead sessions in chunks that no login waits for.
type cleanup struct {
	EnableExpired    bool   `toml:"enable_expired_data_cleanup"`
	EnablePreSession bool   `toml:"enable_pre_session_data_cleanup"`
	Every            string `toml:"clean_expired_session_data_every"`
	ChunksOf         string `toml:"clean_expired_session_data_in_chunks_of"`
}

var sessionCleanup = cleanup{EnableExpired: true, EnablePreSession: true, Every: "1d", ChunksOf: "8192"}

// authentication stops a login script that does not end, tells nobody which accounts exist,
// and gives an application what it asked for and no more.
type authentication struct {
	Adaptive struct {
		Supervisor supervisor `toml:"execution_supervisor"`
		GraalJS    struct {
			StatementsLimit string `toml:"script_statements_limit"`
		} `toml:"graaljs"`
		UpdateSubject bool `toml:"allow_updating_authenticated_subject"`
	} `toml:"adaptive"`
	ClaimFiltering bool `toml:"enable_scope_based_claim_filtering"`
	Consent        struct {
		Prompt bool `toml:"prompt"`
	} `toml:"consent"`
	JustInTime struct {
		FailWhenUnprovisioned bool `toml:"fail_authn_on_provision_failure"`
	} `toml:"jit_provisioning"`
	Local struct {
		HideUserExistence bool `toml:"hide_user_existence"`
	} `toml:"local_authenticators"`
}

type supervisor struct {
	Enable  bool   `toml:"enable"`
	Timeout string `toml:"timeout"`
}

var signIn = func() authentication {
	var a authentication
	a.Adaptive.Supervisor = supervisor{Enable: true, Timeout: "500ms"}
	a.Adaptive.GraalJS.StatementsLimit = "100000"
	a.ClaimFiltering, a.Consent.Prompt = true, true
	a.JustInTime.FailWhenUnprovisioned = true
	a.Local.HideUserExistence = true
	return a
}()
