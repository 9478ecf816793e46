package identitytenant

import (
	"slices"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
)

// awayReasons are the states in which Vault serves nobody, or not us. What is wrong with
// one value is not among them.
var awayReasons = []string{
	v1alpha1.ReasonVaultSealed, v1alpha1.ReasonVaultStandby, v1alpha1.ReasonVaultUnreachable, v1alpha1.ReasonVaultForbidden,
	v1alpha1.ReasonVaultRateLimited, v1alpha1.ReasonVaultNotInitialized, v1alpha1.ReasonVaultLoginFailed,
	v1alpha1.ReasonVaultMountMissing, v1alpha1.ReasonVaultKVVersion, v1alpha1.ReasonVaultConnectionInvalid,
}

// blameVault tells a Vault that went away in the middle of a pass, or that let us sign in
// and no further, where Vault's troubles are told: then what serves goes on being Ready for
// Vault's budget, as when it was away from the start. Without it the step that happened
// to ask would be False, and would stay so for as long as Vault is away.
func blameVault(report *pipeline.Report) {
	var trouble error
	for i := range report.Outcomes {
		outcome := &report.Outcomes[i]
		if outcome.Condition == v1alpha1.ConditionVaultReady || !vaultIsAway(outcome.Err) {
			continue
		}
		if trouble == nil {
			trouble = outcome.Err
		}
		outcome.Err, outcome.Blocked = nil, v1alpha1.ConditionVaultReady
	}
	for i := range report.Outcomes {
		if outcome := &report.Outcomes[i]; outcome.Condition == v1alpha1.ConditionVaultReady && outcome.Err == nil {
			outcome.Err = trouble
		}
	}
}

func vaultIsAway(err error) bool {
	return err != nil && slices.Contains(awayReasons, fault.Of(err, "").Reason)
}
