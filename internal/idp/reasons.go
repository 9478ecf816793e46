package idp

// Reasons of the faults that an Admin returns. They are the same words as the
// constants of api/v1alpha1, which this package cannot import.
const (
	// ReasonServerUnreachable: the server does not answer, or its certificate does not
	// prove that it is ours.
	ReasonServerUnreachable = "ServerUnreachable"
	// ReasonServerRefusedLogin: the server refuses the operator's account.
	ReasonServerRefusedLogin = "ServerRefusedLogin"
	// ReasonPasswordRefused: the server's rules or its history do not permit a new
	// password of an account of ours; the message names the account.
	ReasonPasswordRefused = "PasswordRefused"
	// ReasonSettingRefused: the server answered but did not keep a setting; the
	// message names realm and setting.
	ReasonSettingRefused = "SettingRefused"
	// ReasonRealmMissing: a declared realm does not exist on the server.
	ReasonRealmMissing = "RealmMissing"
)
