package deployment

import "time"

// oauth without the flows that hand passwords and tokens to where they leak.
type oauth struct {
	// RestrictedQueryParameters are refused in a query, which logs and proxies keep.
	RestrictedQueryParameters []string     `toml:"restricted_query_parameters"`
	TokenCleanup              tokenCleanup `toml:"token_cleanup"`
	// TokenValidation are the lifetimes that an application begins with.
	TokenValidation tokenValidation `toml:"token_validation"`
	GrantType       struct {
		Password enabled `toml:"password"`
	} `toml:"grant_type"`
	ResponseType struct {
		Token enabled `toml:"token"`
	} `toml:"response_type"`
	OIDC struct {
		IDToken struct {
			// SupportedEncryptionAlgorithms without RSA1_5 (RFC 8725, 3.2).
			SupportedEncryptionAlgorithms []string `toml:"supported_encryption_algorithms"`
		} `toml:"id_token"`
		TokenValidation idTokenValidation `toml:"token_validation"`
	} `toml:"oidc"`
}

// LongestToken is the longest of the lifetimes below, all of which are written out
// although they are the product's own: a key has to verify for this long after it signed
// last, and a default that changes with an update would cut that short unnoticed. What
// else the server signs, logout tokens (two minutes) and authorization responses (ten),
// lives shorter; codes and refresh tokens are not signed.
const LongestToken = time.Hour

const lifetime = "1h"

type tokenValidation struct {
	Application string `toml:"app_access_token_validity"`
	User        string `toml:"user_access_token_validity"`
}

type idTokenValidation struct {
	IDToken string `toml:"id_token_validity"`
}

type tokenCleanup struct {
	Enable               bool `toml:"enable"`
	RetainTokensForAudit bool `toml:"retain_access_tokens_for_auditing"`
}

func newOAuth() oauth {
	o := oauth{
		RestrictedQueryParameters: []string{"username", "password", "client_secret"},
		TokenCleanup:              tokenCleanup{Enable: true},
		TokenValidation:           tokenValidation{Application: lifetime, User: lifetime},
	}
	o.OIDC.TokenValidation.IDToken = lifetime
	o.OIDC.IDToken.SupportedEncryptionAlgorithms = []string{"RSA-OAEP-256"}
	return o
}

// logoutRequests go to servers whose certificate names them.
type logoutRequests struct {
	SLO struct {
		HostNameVerification bool `toml:"host_name_verification"`
	} `toml:"slo"`
}

var verifiedLogout = func() logoutRequests {
	var l logoutRequests
	l.SLO.HostNameVerification = true
	return l
}()

// event has the listeners that keep a proof from being used twice.
type event struct {
	DefaultListener struct {
		PrivateKeyJWT struct {
			Property struct {
				PreventTokenReuse bool `toml:"prevent_token_reuse"`
			} `toml:"property"`
		} `toml:"private_key_jwt_authenticator"`
		DPoP struct {
			Property struct {
				// HeaderValidityPeriod in seconds; the vendor's default is 50 minutes.
				HeaderValidityPeriod string `toml:"header_validity_period"`
			} `toml:"property"`
		} `toml:"dpop"`
	} `toml:"default_listener"`
}

var replayGuards = func() event {
	var e event
	e.DefaultListener.PrivateKeyJWT.Property.PreventTokenReuse = true
	e.DefaultListener.DPoP.Property.HeaderValidityPeriod = "60"
	return e
}()
