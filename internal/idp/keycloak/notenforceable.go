package keycloak

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NotEnforceable implements idp.Driver. What the whole server lacks stands with the root realm.
func (Driver) NotEnforceable(want tenant.Spec) map[string][]string {
	out := idp.Unenforceable(want.Settings(), notEnforceable)
	if len(want.Logs.Masking) > 0 {
		out[tenant.RootRealm] = append(out[tenant.RootRealm], idp.NotEnforced("logs.masking",
			"Keycloak does not mask what it logs; have whatever collects the logs do it"))
		slices.Sort(out[tenant.RootRealm])
	}
	return out
}
