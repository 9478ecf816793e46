package idp

import (
	"maps"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// NotEnforced writes one entry of Driver.NotEnforceable: the setting, then the reason.
func NotEnforced(setting tenant.Setting, reason string) string {
	return string(setting) + ": " + reason
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
