package deployment

// event has the listeners that keep a proof from being used twice, and those that write down
// who did what.
type event struct {
	DefaultListener listeners `toml:"default_listener"`
	DefaultRecorder struct {
		UserDelete enabled `toml:"user_delete_event"`
	} `toml:"default_recorder"`
}

type listeners struct {
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
	// Validation holds the rules of passwords; the handler of older versions is off.
	Validation enabled `toml:"validation"`
	// UserFailureAudit writes down who was refused. ClaimAudit would write down what people
	// told about themselves.
	UserFailureAudit enabled `toml:"user_failure_audit_logger"`
	ClaimAudit       enabled `toml:"user_claim_audit_logger"`
	UserDeletion     enabled `toml:"user_deletion"`
}

var events = func() event {
	var e event
	e.DefaultListener.PrivateKeyJWT.Property.PreventTokenReuse = true
	e.DefaultListener.DPoP.Property.HeaderValidityPeriod = "60"
	e.DefaultListener.Validation.Enable = true
	e.DefaultListener.UserFailureAudit.Enable = true
	e.DefaultListener.UserDeletion.Enable = true
	e.DefaultRecorder.UserDelete.Enable = true
	return e
}()
