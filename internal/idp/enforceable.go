package idp

import (
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NotEnforced writes one entry of Driver.NotEnforceable: the setting, then the reason.
func NotEnforced(setting tenant.Setting, reason string) string {
	return string(setting) + ": " + reason
}

// Unenforceable lists by realm, sorted, what is declared and has a reason why the product
// cannot enforce it.
func Unenforceable(declared tenant.Settings, why func(tenant.Setting, string) (reason string, ok bool)) map[string][]string {
	out := map[string][]string{}
	for realm, settings := range declared {
		for setting, value := range settings {
			if reason, ok := why(setting, value); ok {
				out[realm] = append(out[realm], NotEnforced(setting, reason))
			}
		}
		slices.Sort(out[realm])
	}
	return out
}

// Enforceable returns the settings without those that notEnforceable, as a Driver
// lists them, names. It is what to compare with what Observe saw.
func Enforceable(want tenant.Settings, notEnforceable map[string][]string) tenant.Settings {
	out := make(tenant.Settings, len(want))
	for realm, settings := range want {
		kept := maps.Clone(settings)
		for _, entry := range notEnforceable[realm] {
			setting, _, _ := strings.Cut(entry, ": ")
			delete(kept, tenant.Setting(setting))
		}
		out[realm] = kept
	}
	return out
}
