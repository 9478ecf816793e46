package v1alpha1

// Condition types. Each is named for the good state; docs/kinds shows them as
// kubectl prints them.
const (
	// ConditionReady sums up: what serves is right. It is present on every kind.
	ConditionReady = "Ready"
	// ConditionReconciling is present, and True, only while something moves now (kstatus).
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present, and True, only while a person is needed (kstatus).
	ConditionStalled = "Stalled"

	// ConditionVaultReady: signed in, unsealed and reachable; when it is not, the
	// last good values hold.
	ConditionVaultReady = "VaultReady"
	// ConditionKeystoresReady: every store has a usable version.
	ConditionKeystoresReady = "KeystoresReady"
	// ConditionSecretsReady: every generated and read secret is in place.
	ConditionSecretsReady = "SecretsReady"
	// ConditionDatabaseReady: the schema is at the image's level, proven by the schema Job.
	ConditionDatabaseReady = "DatabaseReady"
	// ConditionNetworkIsolated: default deny stands, before the first pod.
	ConditionNetworkIsolated = "NetworkIsolated"
	// ConditionWorkloadAvailable: enough pods of the serving revision are ready.
	ConditionWorkloadAvailable = "WorkloadAvailable"
	// ConditionSettingsApplied: declared runtime settings were read back from the live server.
	ConditionSettingsApplied = "SettingsApplied"
	// ConditionUpToDate: the serving revision is the desired one. It does not count into Ready.
	ConditionUpToDate = "UpToDate"
	// ConditionRotationOnTime: what was asked for, or fell due, was rotated.
	ConditionRotationOnTime = "RotationOnTime"
	// ConditionHardened: every control that a machine can judge is met or waived, and no attestation has expired. It does not count into Ready.
	ConditionHardened = "Hardened"
	// ConditionAvailable: it serves, whatever else is wrong.
	ConditionAvailable = "Available"
)

// Reasons that several kinds use. A reason is the same word in the condition
// and in the event.
const (
	// ReasonSucceeded: all is as declared.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing: something moves; the message says what is waited for.
	ReasonProgressing = "Progressing"
	// ReasonDependencyNotReady: an earlier step has to finish first; the message names it.
	ReasonDependencyNotReady = "DependencyNotReady"
	// ReasonNotFound: a referenced object does not exist yet; it heals when it appears.
	ReasonNotFound = "NotFound"
	// ReasonInvalidSpec: the object and what it refers to contradict each other; the message names the field.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonNamespaceNotAdmitted: no RoleBinding lets the operator into this namespace.
	ReasonNamespaceNotAdmitted = "NamespaceNotAdmitted"
	// ReasonNameConflict: an object of a child's name exists and belongs to someone else.
	ReasonNameConflict = "NameConflict"
	// ReasonSuspended: spec.suspend is true; nothing is changed, everything is still observed.
	ReasonSuspended = "Suspended"
	// ReasonDeleting: the object is being deleted.
	ReasonDeleting = "Deleting"
	// ReasonError: a transient error; it is tried again with back-off.
	ReasonError = "Error"
	// ReasonNotObserved: nobody could look yet.
	ReasonNotObserved = "NotObserved"
	// ReasonReferenceMissing: a policy or connection that was used before is gone; the last good one holds.
	ReasonReferenceMissing = "ReferenceMissing"
)

// Reasons of Vault. internal/vault uses the same words for its faults.
const (
	ReasonVaultSealed         = "VaultSealed"
	ReasonVaultStandby        = "VaultStandby"
	ReasonVaultUnreachable    = "VaultUnreachable"
	ReasonVaultForbidden      = "VaultForbidden"
	ReasonVaultRateLimited    = "VaultRateLimited"
	ReasonVaultNotInitialized = "VaultNotInitialized"
	ReasonVaultLoginFailed    = "VaultLoginFailed"
	ReasonVaultMountMissing   = "VaultMountMissing"
	ReasonVaultKVVersion      = "VaultKVVersion"
	// ReasonVaultConnectionInvalid: the VaultConnection itself is wrong.
	ReasonVaultConnectionInvalid = "VaultConnectionInvalid"
	// ReasonVaultPathInvalid: a mount or path that no value can have.
	ReasonVaultPathInvalid = "VaultPathInvalid"
	// ReasonVaultRoleInvalid: a role of the database engine, or a token role, is missing or cannot serve as it is.
	ReasonVaultRoleInvalid = "VaultRoleInvalid"
	// ReasonVaultLeaseGone: a database account, or the token that it hangs on, ended in Vault; another one is taken.
	ReasonVaultLeaseGone = "VaultLeaseGone"
	// ReasonVaultValueMissing: there is no value at a path that is read.
	ReasonVaultValueMissing = "VaultValueMissing"
	// ReasonVaultConflict: somebody wrote between our read and our write; it is read again.
	ReasonVaultConflict = "VaultConflict"
	// ReasonVaultRemovalUnfinished: a large removal goes on with the next pass.
	ReasonVaultRemovalUnfinished = "VaultRemovalUnfinished"
	// ReasonVaultValueDeleted: a value of ours was deleted in Vault; it is never generated anew over a deleted one.
	ReasonVaultValueDeleted = "VaultValueDeleted"
	// ReasonOwnedByOther: the value or object carries another owner's mark.
	ReasonOwnedByOther = "OwnedByOther"
)

// Reasons of an IdentityTenant.
const (
	// ReasonPeerUnknown: NetworkPolicies need to know where a host is; the message names the field to fill.
	ReasonPeerUnknown = "PeerUnknown"
	// ReasonIssuerUnsuitable: the issuer cannot sign in-cluster names.
	ReasonIssuerUnsuitable = "IssuerUnsuitable"
	// ReasonDataKeyMissing: the database holds data but Vault has no key that could read it.
	ReasonDataKeyMissing = "DataKeyMissing"
	// ReasonDataKeyDamaged: the data key in Vault does not open what was sealed with it; no pod gets it.
	ReasonDataKeyDamaged = "DataKeyDamaged"
	// ReasonReencryptionUnattested: the data key is not rotated again before somebody attests that nothing is encrypted with the one before it.
	ReasonReencryptionUnattested = "ReencryptionUnattested"
	// ReasonRolloutInFlight: a rotation waits for the rollout of the one before it.
	ReasonRolloutInFlight = "RolloutInFlight"
	// ReasonPasswordRefused: the identity server's rules or history refuse the new passwords of an account of ours.
	ReasonPasswordRefused = "PasswordRefused"
	// ReasonDowngradeRefused: a smaller version than the one that serves was asked for.
	ReasonDowngradeRefused = "DowngradeRefused"
	// ReasonUpgradeUnconfirmed: a minor upgrade needs the confirm-upgrade annotation.
	ReasonUpgradeUnconfirmed = "UpgradeUnconfirmed"
	// ReasonHardeningWeak: something is weaker than the profile, and no HardeningWaiver allows it; the message names the control. Nothing of it is rolled out.
	ReasonHardeningWeak = "HardeningWeak"
	// ReasonKnownVulnerability: the version is known to be vulnerable; the message names the advisory and the version that is not. All else is rolled out.
	ReasonKnownVulnerability = "KnownVulnerability"
	// ReasonWaiverExpired: a HardeningWaiver that is needed has expired. The server goes on running.
	ReasonWaiverExpired = "WaiverExpired"
	// ReasonAttestationExpired: an attestation has expired.
	ReasonAttestationExpired = "AttestationExpired"
	// ReasonNeedsMigration: the profile wants another choice than the server began with, which only the vendor's tool can change in what is stored.
	ReasonNeedsMigration = "NeedsMigration"
	// ReasonUnused: a HardeningWaiver allows what nobody needs.
	ReasonUnused = "Unused"
	// ReasonSchemaFailed: the schema Job failed; the message has its last words.
	ReasonSchemaFailed = "SchemaFailed"
	// ReasonRolloutScheduled: a change is held until the next window; what serves is right.
	ReasonRolloutScheduled = "RolloutScheduled"
	// ReasonExpiring: a certificate would end before the next window, and what replaces it does not wait.
	ReasonExpiring = "Expiring"
	// ReasonOverdue: a rotation that fell due did not happen in time; the message says what it waits for.
	ReasonOverdue = "Overdue"
	// ReasonPodsNotReady: pods of the serving revision are missing or not ready; the message counts them.
	ReasonPodsNotReady = "PodsNotReady"
	// ReasonServerUnreachable: the identity server does not answer.
	ReasonServerUnreachable = "ServerUnreachable"
	// ReasonServerRefusedLogin: the identity server refuses the operator's account.
	ReasonServerRefusedLogin = "ServerRefusedLogin"
	// ReasonRealmMissing: a declared realm does not exist on the server.
	ReasonRealmMissing = "RealmMissing"
	// ReasonSettingRefused: the server answered but did not keep a setting; the message names it.
	ReasonSettingRefused = "SettingRefused"
	// ReasonCertificatePending: cert-manager has not issued yet; the message repeats its reason.
	ReasonCertificatePending = "CertificatePending"
)

// Event reasons beyond the condition reasons above.
const (
	// EventCreated, EventUpdated and EventRestored name the object, and for
	// restored ones the field that somebody had changed.
	EventCreated  = "Created"
	EventRestored = "DriftCorrected"
	// EventRetained lists what stays after deletion.
	EventRetained = "Retained"
	// EventReleased: the finalizer was released although Vault could not be asked.
	EventReleased = "Released"
	// EventRotated names a secret, its generations, and who asked.
	EventRotated = "Rotated"
	// EventSettingRestored: a runtime setting was changed by hand and was put back.
	EventSettingRestored = "SettingRestored"
	// EventRealmHardened: a realm that nobody declares did not hold the default, and holds it now.
	EventRealmHardened = "RealmHardened"
)

// Finalizer is set only once Vault holds something of the object's.
const Finalizer = "iam.holdfast.dev/vault"

// Annotations by which a person asks for something. The value is a token of
// the asker's choice; it is echoed in status once the request was seen.
const (
	AnnotationReconcile      = "iam.holdfast.dev/reconcile"
	AnnotationAdopt          = "iam.holdfast.dev/adopt"
	AnnotationRelease        = "iam.holdfast.dev/release"
	AnnotationConfirmUpgrade = "iam.holdfast.dev/confirm-upgrade"
	// AnnotationRotate asks to rotate now: "TOKEN [MATERIAL[:leaked]]...".
	AnnotationRotate = "iam.holdfast.dev/rotate"
	// AnnotationRollback on a Keystore makes a former version the current one, named by its generation,
	// and keeps it so until the annotation is removed.
	AnnotationRollback = "iam.holdfast.dev/rollback"
	// AnnotationReencrypted attests that the server's data is encrypted with the named
	// generation of the data key and with none before it.
	AnnotationReencrypted = "iam.holdfast.dev/reencrypted"
	// AnnotationRestoreDrill asks to prove now that the data key in Vault is the one that it was.
	AnnotationRestoreDrill = "iam.holdfast.dev/restore-drill"
)
