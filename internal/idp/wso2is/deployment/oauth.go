package deployment

import (
	"fmt"
	"time"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// oauth without the flows that hand passwords and tokens to where they leak.
type oauth struct {
	// RestrictedQueryParameters are refused in a query, which logs and proxies keep.
	RestrictedQueryParameters []string `toml:"restricted_query_parameters"`
	// A token carries the scopes that its application was given.
	AuthorizeAllScopes      bool `toml:"authorize_all_scopes"`
	AuthorizeInternalScopes bool `toml:"authorize_internal_scopes"`
	DropUnregisteredScopes  bool `toml:"drop_unregistered_scopes"`
	// Tokens end with the session that they came from.
	LegacySessionBinding bool `toml:"enable_legacy_session_bound_token_behaviour"`
	TokensAfterSession   bool `toml:"allow_session_bound_tokens_after_idle_session_expiry"`

	// TokenStorage "encrypted" writes tokens to the database encrypted with the data key. It
	// acts on what is stored from then on, so that it is chosen before the first start.
	TokenStorage string `toml:"token_storage_method,omitempty"`

	TokenCleanup    tokenCleanup       `toml:"token_cleanup"`
	TokenValidation tokenValidation    `toml:"token_validation"`
	TokenRenewal    tokenRenewal       `toml:"token_renewal"`
	TokenGeneration tokenGeneration    `toml:"token_generation"`
	GrantType       map[string]enabled `toml:"grant_type"`
	ResponseType    map[string]enabled `toml:"response_type"`
	PAR             pushedRequests     `toml:"par"`
	Introspect      introspection      `toml:"introspect"`
	DCR             registration       `toml:"dcr"`
	JWT             tokenDepth         `toml:"jwt"`
	JWKS            keySet             `toml:"jwks_endpoint"`
	Callback        *redirects         `toml:"callback,omitempty"`
	OIDC            openID             `toml:"oidc"`
}

type tokenCleanup struct {
	Enable               bool `toml:"enable"`
	RetainTokensForAudit bool `toml:"retain_access_tokens_for_auditing"`
}

// tokenValidation are the lifetimes that an application begins with.
type tokenValidation struct {
	Application string `toml:"app_access_token_validity"`
	User        string `toml:"user_access_token_validity"`
	Refresh     string `toml:"refresh_token_validity"`
	Code        string `toml:"authorization_code_validity"`
}

// tokenRenewal gives a new refresh token with each use, and the time of none is put off.
type tokenRenewal struct {
	Renew  bool `toml:"renew_refresh_token"`
	Extend bool `toml:"extend_refresh_token_expiry_time_on_renewal"`
}

type tokenGeneration struct {
	IncludeUsername bool `toml:"include_username_in_access_token"`
}

type pushedRequests struct {
	Expiry string `toml:"expiry_time"`
}

// introspection tells about tokens of one's own tenant only.
type introspection struct {
	CrossTenant bool `toml:"allow_cross_tenant"`
	CrossSubOrg bool `toml:"allow_cross_sub_org"`
}

// registration of clients needs somebody who signed in.
type registration struct {
	AuthenticationRequired bool `toml:"authentication_required"`
}

// tokenDepth bounds what a crafted token costs its parser.
type tokenDepth struct {
	Validate bool   `toml:"enable_depth_validation"`
	Maximum  string `toml:"maximum_allowed_depth"`
}

type keySet struct {
	SizeLimit string `toml:"size_limit_bytes"`
}

// redirects are compared letter by letter. 7.3 reads these keys.
type redirects struct {
	Literal   bool `toml:"enforce_literal_characters"`
	Fragments bool `toml:"restrict_fragment_components"`
}

type openID struct {
	IDToken         idToken           `toml:"id_token"`
	RequestObject   requestObject     `toml:"request_object"`
	TokenValidation idTokenValidation `toml:"token_validation"`
	UserInfo        *userInfo         `toml:"user_info,omitempty"`
	TokenEndpoint   *signing          `toml:"token_endpoint,omitempty"`
	FAPI            *fapi             `toml:"fapi,omitempty"`
}

// idToken without RSA1_5 (RFC 8725, 3.2).
type idToken struct {
	SignatureAlgorithm string   `toml:"signature_algorithm,omitempty"`
	SigningAlgorithms  []string `toml:"signing_algorithms,omitempty"`
	KeyEncryption      []string `toml:"supported_encryption_algorithms"`
	ContentEncryption  []string `toml:"supported_encryption_methods"`
}

type requestObject struct {
	SigningAlgorithms []string `toml:"signing_algorithms,omitempty"`
	KeyEncryption     []string `toml:"supported_encryption_algorithms"`
	ContentEncryption []string `toml:"supported_encryption_methods"`
}

type idTokenValidation struct {
	IDToken string `toml:"id_token_validity"`
}

type userInfo struct {
	SignatureAlgorithm string `toml:"jwt_signature_algorithm"`
}

type signing struct {
	SigningAlgorithms []string `toml:"signing_algorithms"`
}

// fapi holds applications that are registered as such to the financial-grade profile.
type fapi struct {
	EnableValidation      bool     `toml:"enable_validation"`
	EnableSecurityProfile bool     `toml:"enable_security_profile"`
	EnableCIBAProfile     bool     `toml:"enable_ciba_profile"`
	ClientAuthentication  []string `toml:"allowed_client_authentication_methods"`
	SignatureAlgorithms   []string `toml:"allowed_signature_algorithms"`
}

// lifetimes of what is given out, by profile.
type lifetimes struct {
	// signed is that of access and ID tokens, which are signed.
	signed        time.Duration
	refresh, code string
}

// livesOf gives the lifetimes of a profile, all of which are written out: a key has to verify
// for as long after it signed last, and a default of the product that changes with an update
// would cut that short unnoticed.
func livesOf(profile control.Profile) lifetimes {
	if profile == control.Baseline {
		return lifetimes{signed: time.Hour, refresh: "24h", code: "5m"}
	}
	return lifetimes{signed: 15 * time.Minute, refresh: "8h", code: "1m"}
}

// LongestToken is how long what the server signs verifies. What else it signs lives shorter:
// logout tokens two minutes, and authorization responses ten, for which it is no less than
// that; codes and refresh tokens are not signed.
func LongestToken(profile control.Profile) time.Duration { return livesOf(profile).signed }

// strongGrants are switched off where the profile is more than the least: an application that
// needs one needs a profile for it, too.
var strongGrants = []string{"account_switch", "device_code", "iwa_ntlm", "jwt_bearer", "saml_bearer", "token_exchange"}

// inTheAddress are the answers that put a token into an address.
var inTheAddress = []string{"code_id_token_token", "code_token", "id_token_token", "token"}

// financialGrade are the signatures that FAPI 2.0 leaves (5.4).
var financialGrade = []string{"PS256", "ES256"}

func newOAuth(want tenant.Spec) oauth {
	lives := livesOf(want.Profile)
	signed := fmt.Sprintf("%dm", int(lives.signed.Minutes()))
	encryption, content := []string{"RSA-OAEP-256"}, []string{"A256GCM", "A128GCM"}
	o := oauth{
		RestrictedQueryParameters: []string{"username", "password", "client_secret"},
		DropUnregisteredScopes:    true,
		TokenStorage:              chosen(want, keyOfStorage),
		TokenCleanup:              tokenCleanup{Enable: true},
		TokenValidation:           tokenValidation{Application: signed, User: signed, Refresh: lives.refresh, Code: lives.code},
		TokenRenewal:              tokenRenewal{Renew: true},
		GrantType:                 map[string]enabled{"password": {}},
		ResponseType:              map[string]enabled{},
		PAR:                       pushedRequests{"60s"},
		DCR:                       registration{AuthenticationRequired: true},
		JWT:                       tokenDepth{Validate: true, Maximum: "10"},
		JWKS:                      keySet{"51200"},
		OIDC: openID{
			IDToken:         idToken{KeyEncryption: encryption, ContentEncryption: content},
			RequestObject:   requestObject{KeyEncryption: encryption, ContentEncryption: content},
			TokenValidation: idTokenValidation{signed},
		},
	}
	for _, response := range inTheAddress {
		o.ResponseType[response] = enabled{}
	}
	if want.Version.AtLeast(7, 3) {
		o.Callback = &redirects{Literal: true, Fragments: true}
	}
	if want.Profile == control.Baseline {
		return o
	}
	for _, grant := range strongGrants {
		o.GrantType[grant] = enabled{}
	}
	if want.Profile == control.FAPI2 {
		o.OIDC.financialGrade()
	}
	return o
}

func (o *openID) financialGrade() {
	o.IDToken.SignatureAlgorithm, o.IDToken.SigningAlgorithms = financialGrade[0], financialGrade
	o.RequestObject.SigningAlgorithms = financialGrade
	o.UserInfo = &userInfo{financialGrade[0]}
	o.TokenEndpoint = &signing{financialGrade}
	o.FAPI = &fapi{EnableValidation: true, EnableSecurityProfile: true, EnableCIBAProfile: true,
		ClientAuthentication: []string{"private_key_jwt", "tls_client_auth"}, SignatureAlgorithms: financialGrade}
}
