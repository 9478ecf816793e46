package keycloak

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NotEnforceable implements idp.Driver.
func (Driver) NotEnforceable(want tenant.Spec) map[string][]string {
	out := map[string][]string{}
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
