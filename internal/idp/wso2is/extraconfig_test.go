package wso2is_test

import (
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
)

// tables nests a value under a key with dots.
func tables(key string, value any) map[string]any {
	first, rest, more := strings.Cut(key, ".")
	if !more {
		return map[string]any{first: value}
	}
	return map[string]any{first: tables(rest, value)}
}

// TestExtraConfigBreaksNothing: what would take a control's keys away, the ports, the log or
// the whole file, and what would put a secret where everybody reads it.
func TestExtraConfigBreaksNothing(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		says  string
	}{
		{"catalinaValves", "x", "control NET-06"},
		{"catalinaValves.remoteIpValve", []any{}, "control NET-06"},
		{"resource.access_control", []any{map[string]any{"context": "(.*)", "secure": false, "http_method": "all"}}, "control ACC-29"},
		{"server.offset", int64(1), "ports"},
		{"masking_pattern.properties.x", "(", "masking_pattern"},
		{"mine.a", `x\`, "backslash"},
		{"identity_mgt.mine.pattern", `\d`, "properties files and XML"},
		{"identity_mgt.mine.pattern", "a&b", "properties files and XML"},
		{"mine.password", "canary", "mine.password is named like a secret"},
		{"mine.a", []any{map[string]any{"client_secret": "canary"}}, "mine.a[0].client_secret is named like a secret"},
	} {
		want := minimalSpec(versions[2])
		want.ExtraConfig = tables(c.key, c.value)
		_, err := wso2is.Driver{}.Config(want, idptest.FactsFor(want))
		if !fault.IsTerminal(err) || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s = %v: %v, want a Terminal fault that says %q", c.key, c.value, err, c.says)
		}
	}
}
