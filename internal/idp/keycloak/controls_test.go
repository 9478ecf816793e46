package keycloak_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hardensNothing are keys of keycloak.conf that no control is about. A new key needs a control
// or, after thought, a line here.
var hardensNothing = []string{
	"https-port", "http-management-port", "https-certificates-reload-period", "metrics-enabled",
	"cache", "cache-stack", "cache-embedded-network-bind-port",
	"log", "log-file", "log-console-color", "log-file-rotation-file-suffix", "http-access-log-enabled",
	"spi-events-listener--jboss-logging--error-level",
}

// eachRendering visits what is judged of each profile and tenant.
func eachRendering(t *testing.T, visit func(name string, target control.Target, found control.Evidence)) {
	t.Helper()
	for _, profile := range control.Profiles() {
		for name, want := range cases() {
			want.Profile = profile
			r := render(t, want)
			file, err := evidence.Keycloak(r.files["keycloak.conf"])
			if err != nil {
				t.Fatal(err)
			}
			all, err := evidence.Pod(r.workload.Spec.Template)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(all, file.Evidence())
			visit(name+" "+string(profile), control.Target{Product: string(tenant.Keycloak), Version: want.Version.String(), Profile: profile}, all)
		}
	}
}

// TestWhatIsRenderedMeetsEachControl: a tenant that declares nothing weak is never held up by
// what the operator itself writes.
func TestWhatIsRenderedMeetsEachControl(t *testing.T) {
	met := map[string]bool{}
	eachRendering(t, func(name string, target control.Target, found control.Evidence) {
		for _, verdict := range control.Load().Judge(target, found) {
			for _, finding := range verdict.Findings {
				t.Errorf("%s: %s %s: %s has %q (default %q), wanted %s",
					name, verdict.Control.ID, finding.Document, finding.Key, finding.Found, finding.Default, finding.Want)
			}
			met[verdict.Control.ID] = met[verdict.Control.ID] || verdict.Outcome == control.Met
		}
	})
	for _, id := range []string{"TLS-01", "TLS-02", "TLS-03", "TLS-11", "KEY-03", "NET-02", "NET-11", "POD-01", "POD-05", "DAT-01", "LOG-01", "OPS-04"} {
		if !met[id] {
			t.Errorf("%s is not judged for Keycloak", id)
		}
	}
}

// TestEachWrittenKeyIsExplained: whatever the file says is there for a control, or stands in
// the list of what hardens nothing; and each check is about a key that is written.
func TestEachWrittenKeyIsExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, entry := range control.Load() {
		for _, check := range entry.Checks {
			if check.In == control.KeycloakConf {
				explained[check.Key] = true
			}
		}
	}
	written := map[string]bool{}
	eachRendering(t, func(_ string, _ control.Target, found control.Evidence) {
		for key := range found[control.KeycloakConf] {
			written[key] = true
		}
	})
	for key := range written {
		if !explained[key] && !slices.Contains(hardensNothing, key) {
			t.Errorf("no control is about %s", key)
		}
	}
	for key := range explained {
		if !written[key] {
			t.Errorf("a control is about %s, which nobody writes", key)
		}
	}
}
