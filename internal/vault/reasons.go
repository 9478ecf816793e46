package vault

import "time"

// Reasons of the faults of this package. api/v1alpha1 mirrors them.
//
// What heals by itself or by the hand of Vault's operator is Waiting. What
// needs a change of our objects, of a Vault policy or of a value in Vault is
// Terminal, but is looked at again every few minutes because nobody can watch
// Vault.
const (
	// ReasonConnectionInvalid (Terminal): the VaultConnection itself is wrong.
	ReasonConnectionInvalid = "VaultConnectionInvalid"
	// ReasonPathInvalid (Terminal): a mount or path that no value can have.
	ReasonPathInvalid = "VaultPathInvalid"
	// ReasonUnreachable (Waiting): no connection, or what answers is no Vault.
	// Terminal when the server certificate is not the expected one.
	ReasonUnreachable = "VaultUnreachable"
	// ReasonSealed (Waiting): Vault runs and is sealed.
	ReasonSealed = "VaultSealed"
	// ReasonNotInitialized (Waiting): Vault runs and was never initialized.
	ReasonNotInitialized = "VaultNotInitialized"
	// ReasonStandby (Waiting): the node that answered is a standby which could
	// not forward the request.
	ReasonStandby = "VaultStandby"
	// ReasonRateLimited (Waiting): a quota of Vault refused the request.
	ReasonRateLimited = "VaultRateLimited"
	// ReasonLoginFailed (Terminal): Vault refused to sign us in. Waiting when
	// Vault itself could not decide.
	ReasonLoginFailed = "VaultLoginFailed"
	// ReasonForbidden (Terminal): the policy of our role lacks a capability.
	ReasonForbidden = "VaultForbidden"
	// ReasonMountMissing (Terminal): there is no engine of the right type at the mount.
	ReasonMountMissing = "VaultMountMissing"
	// ReasonKVVersion (Terminal): the mount is KV version 1.
	ReasonKVVersion = "VaultKVVersion"
	// ReasonRoleInvalid (Terminal): a role of the database engine, or a token role, is
	// missing or cannot serve us as it is.
	ReasonRoleInvalid = "VaultRoleInvalid"
	// ReasonLeaseGone (Waiting): a lease, or the token that it hangs on, has ended.
	ReasonLeaseGone = "VaultLeaseGone"
	// ReasonValueMissing (Waiting): there is no value at a path that is read.
	ReasonValueMissing = "VaultValueMissing"
	// ReasonValueDeleted (Terminal): the newest version is deleted or destroyed.
	ReasonValueDeleted = "VaultValueDeleted"
	// ReasonConflict (Waiting): somebody wrote between our read and our write.
	ReasonConflict = "VaultConflict"
	// ReasonRemovalUnfinished (Waiting): a large removal goes on with the next call.
	ReasonRemovalUnfinished = "VaultRemovalUnfinished"
	// ReasonOwnedByOther (Terminal): the value carries another owner's mark, or none.
	ReasonOwnedByOther = "OwnedByOther"
)

// When to look again at the latest.
const (
	retrySoon    = 10 * time.Second
	retryOutage  = 30 * time.Second
	retryByHand  = 5 * time.Minute
	retryNoValue = time.Minute
)
