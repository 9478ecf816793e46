package deployment

// saml: requests are fresh, certificates of partners valid, our own metadata signed.
type saml struct {
	SLO                logoutHosts `toml:"slo"`
	RequestValidity    bool        `toml:"enable_request_validity_period"`
	PartnerCertificate bool        `toml:"enable_saml_sp_certificate_expiry_validation"`
	Response           struct {
		NestedAssertions bool `toml:"allow_nested_assertions"`
	} `toml:"response"`
	Metadata struct {
		Signing bool `toml:"enable_signing"`
	} `toml:"metadata"`
}

// logoutHosts: logout requests go to servers whose certificate names them.
type logoutHosts struct {
	HostNameVerification bool `toml:"host_name_verification"`
}

var federation = func() saml {
	s := saml{SLO: logoutHosts{true}, RequestValidity: true, PartnerCertificate: true}
	s.Metadata.Signing = true
	return s
}()

// passiveSTS without its SOAP side, and its answers lead to nowhere that was not registered.
type passiveSTS struct {
	SLO         logoutHosts `toml:"slo"`
	SOAP        bool        `toml:"soap_enabled"`
	LogoutReply bool        `toml:"enable_logout_wreply_validation"`
}

var passive = passiveSTS{SLO: logoutHosts{true}, LogoutReply: true}

// callerPath of the sign-in leads back to pages of the server only.
type callerPath struct {
	Validate bool `toml:"enable_common_auth_caller_path_validation"`
	Nested   bool `toml:"enable_nested_redirect_params"`
}

// tenancy: the paths, the sessions and the configuration of a server tenant are its own.
type tenancy struct {
	QualifiedURLs bool `toml:"enable_tenant_qualified_urls"`
	OwnSessions   bool `toml:"enable_tenanted_sessions"`
}

type tenantNames struct {
	EmailDomain bool `toml:"enable_email_domain"`
}

type configurationStore struct {
	Store struct {
		CrossTenantSearch bool `toml:"allow_cross_tenant_search"`
	} `toml:"store"`
}

// provisioning to other systems keeps its credentials encrypted.
type provisioning struct {
	ProtectSecrets bool `toml:"confidential_data_protection_enabled"`
}

// remoteLogging keeps the credentials of a log server out of answers and encrypted at rest.
type remoteLogging struct {
	HideSecrets    bool `toml:"hide_secrets"`
	EncryptSecrets bool `toml:"encrypt_secrets"`
}

// accessControl shuts what no rule opens.
type accessControl struct {
	DefaultAllow bool `toml:"default_access_allow"`
	Introspect   struct {
		Secured bool `toml:"secured"`
	} `toml:"introspect"`
}

var shut = func() accessControl {
	var a accessControl
	a.Introspect.Secured = true
	return a
}()

type owasp struct {
	CSRFGuard enabled `toml:"csrfguard"`
}

// apiResponse tells nobody that an account is locked.
type apiResponse struct {
	LockReason bool `toml:"set_account_lock_auth_failure_reason"`
}

type connectors struct {
	ChallengeQuestions enabled `toml:"challenge_questions"`
}
