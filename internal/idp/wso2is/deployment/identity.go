package deployment

import (
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
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
	} `toml:"recovery"`
	SelfRegistration callback `toml:"user_self_registration"`
	LiteRegistration callback `toml:"lite_user_registration"`
}

type callback struct {
	CallbackURL text.XML `toml:"callback_url"`
}

// newGovernance lets recovery and registration lead to the server's own pages only.
// A dot is written as a class: some readers would drop a backslash.
func newGovernance(hostname string) governance {
	host := strings.ReplaceAll(hostname, ".", "[.]")
	url := text.ForXML("https://" + host + "(:443)?(/t/[^/]+)?(/o/[^/]+)?/(myaccount|accountrecoveryendpoint|authenticationendpoint)/.*")
	g := governance{SelfRegistration: callback{url}, LiteRegistration: callback{url}}
	g.Recovery.CallbackURL = url
	return g
}

type session struct {
	Timeout sessionTimeout `toml:"timeout"`
}

type sessionTimeout struct {
	Idle             string `toml:"idle_session_timeout"`
	RememberMe       string `toml:"remember_me_session_timeout"`
	ExtendRememberMe bool   `toml:"extend_remember_me_session_timeout_on_auth"`
	EnableMaximum    bool   `toml:"enable_maximum_session_timeout"`
	Maximum          string `toml:"maximum_session_timeout"`
}

var sessionTimeouts = sessionTimeout{Idle: "15m", RememberMe: "8h", EnableMaximum: true, Maximum: "8h"}

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

// authentication stops a login script that does not end.
type authentication struct {
	Adaptive struct {
		Supervisor enabled `toml:"execution_supervisor"`
	} `toml:"adaptive"`
}

var adaptive = func() authentication {
	var a authentication
	a.Adaptive.Supervisor.Enable = true
	return a
}()
