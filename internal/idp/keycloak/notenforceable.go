package keycloak

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NotEnforceable implements idp.Driver. What the whole server lacks stands with the root realm.
func (Driver) NotEnforceable(want tenant.Spec) map[string][]string {
	out := map[string][]string{}
	if len(want.Logs.Masking) > 0 {
		out[tenant.RootRealm] = append(out[tenant.RootRealm], idp.NotEnforced("logs.masking",
			"Keycloak does not mask what it logs; have whatever collects the logs do it"))
	}
	for realm, settings := range want.Settings() {
		for setting, value := range settings {
			if reason, ok := notEnforceable(setting, value); ok {
				out[realm] = append(out[realm], idp.NotEnforced(setting, reason))
			}
		}
		slices.Sort(out[realm])
	}
	return out
}
