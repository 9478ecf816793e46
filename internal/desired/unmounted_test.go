package desired_test

import (
	"testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// A rotation of keys that a running server is given changes no store that pods mount.
func TestTheTrustStoreLeavesOutWhatNoPodMounts(t *testing.T) {
	for _, unmounted := range []bool{false, true} {
		want := tenant.Spec{Namespace: "iam", Name: "acme", Keystores: []tenant.Keystore{
			{Role: tenant.RoleSigning, Alias: "token-signing", Ring: true, Unmounted: unmounted}, {Role: tenant.RoleTrust}}}
		stores, err := desired.Keystores(want)
		if err != nil {
			t.Fatal(err)
		}
		trust := stores[len(stores)-1].(*v1alpha1.Keystore)
		if trusted := len(trust.Spec.Entries) == 1; trusted == unmounted {
			t.Errorf("unmounted %t: the trust store has %+v", unmounted, trust.Spec.Entries)
		}
	}
}
