package wso2is_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// neverWritten are keys of checks that the operator writes nowhere: what the server has
// without them is what is wanted, and a file that somebody else wrote may have them.
var neverWritten = map[string]string{
	"server.legacy_mode":                                    "no behaviour of an older version is asked for",
	"user_store.connection_url":                             "the primary store is a database; directories have files of their own",
	"user_store.properties.SSLCertificateValidationEnabled": "as above",

	"client_certificate_based_authentication.system_thumbprint_mapping.*.cert_thumbprint":     "nobody signs in by a certificate",
	"client_certificate_based_authentication.system_thumbprint_mapping.*.allowed_system_user": "as above",

	"argument.osgiConsole": "no console", "argument.debug": "no debugger", "argument.configParseOnly": "the server starts",
	"option.agentlib:jdwp": "no debugger", "option.jdk.tls.client.protocols": "outbound TLS 1.3 stays possible",
}

// hardensNothing are keys that no control is about: who and where, and how a file is put
// together. A new key needs a control or, after thought, a line here.
var hardensNothing = map[control.Document][]string{
	control.Deployment: {
		"server.hostname", "server.base_path", "server.node_ip", "transport.https.properties.proxyPort",
		"super_admin.create_admin_account", // the server has to have one
		"clustering.domain", "clustering.members",
		"database.*.driver", "database.*.pool_options.*", "datasource.*.driver", "datasource.*.id", "datasource.*.pool_options.*",
		"resource.access_control.*.context", "resource.access_control.*.http_method", "resource.access_control.*.cross_tenant", // who else may, and with which right, counts
		"encryption.old_key", // opens what the former key encrypted
		"output_adapter.email.hostname", "output_adapter.email.port", "output_adapter.email.from_address", "output_adapter.email.username",
		"masking_pattern.properties.*", "masking_pattern.properties.*.*", // what is personal only its owner knows
	},
	control.Log: {
		"appenders", "loggers", "appender.*.type", "appender.*.name", "appender.*.filter", "appender.*.layout.type",
		"appender.*.fileName", "appender.*.filePattern", "appender.*.policies.type", "appender.*.policies.*.type", "appender.*.policies.time.modulate",
		"appender.*.strategy.type", "appender.*.strategy.action.*", "appender.*.strategy.action.condition.*", "appender.*.strategy.action.condition.nested.*",
		"logger.*.name", "logger.*.level", "logger.*.appenderRef.*.ref", "rootLogger.level", "rootLogger.appenderRef.*.ref",
	},
}

// renderedEvidence is all that is rendered for a tenant, as it is judged.
func renderedEvidence(t *testing.T, want tenant.Spec) control.Evidence {
	t.Helper()
	r := render(t, want)
	configuration, err := evidence.TOML(r.files["deployment.toml"])
	if err != nil {
		t.Fatal(err)
	}
	logging, err := evidence.Properties(r.files["log4j2.properties"])
	if err != nil {
		t.Fatal(err)
	}
	stores := map[string][]string{}
	for _, store := range want.UserStores {
		file, err := evidence.UserStore(store.Name, r.files[layout.UserStoreFile(store.Name)])
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(stores, file.Values)
	}
	all, err := evidence.Pod(r.workload.Spec.Template)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, configuration.Evidence())
	maps.Copy(all, logging.Evidence())
	if len(stores) > 0 {
		all[control.UserStores] = stores
	}
	return all
}

// eachRendering visits the evidence of each version and profile: of the smallest tenant,
// of one that has no cluster, and of one that uses every field.
func eachRendering(t *testing.T, visit func(name string, target control.Target, found control.Evidence)) {
	t.Helper()
	for _, version := range versions {
		for _, profile := range control.Profiles() {
			target := control.Target{Product: string(tenant.WSO2IS), Version: version.String(), Profile: profile}
			single := minimalSpec(version)
			single.Replicas = new(int32(1))
			for name, want := range map[string]tenant.Spec{"minimal": minimalSpec(version), "one pod": single, "full": fullSpec(version)} {
				want.Profile = profile
				visit(name+" "+version.String()+" "+string(profile), target, renderedEvidence(t, want))
			}
		}
	}
}

// TestWhatIsRenderedMeetsEachControl: a tenant that declares nothing weak is never held
// up by what the operator itself writes.
func TestWhatIsRenderedMeetsEachControl(t *testing.T) {
	t.Parallel()
	eachRendering(t, func(name string, target control.Target, found control.Evidence) {
		for _, verdict := range control.Load().Judge(target, found) {
			for _, finding := range verdict.Findings {
				t.Errorf("%s: %s %s: %s has %q (default %q), wanted %s",
					name, verdict.Control.ID, finding.Document, finding.Key, finding.Found, finding.Default, finding.Want)
			}
		}
	})
}

// TestEachCheckIsAboutAKeyThatIsWritten: a check of a key that nobody writes would be met
// by the product's default, whatever the key is called.
func TestEachCheckIsAboutAKeyThatIsWritten(t *testing.T) {
	t.Parallel()
	written := map[control.Document]map[string]bool{}
	eachRendering(t, func(_ string, _ control.Target, found control.Evidence) {
		for document, values := range found {
			if written[document] == nil {
				written[document] = map[string]bool{}
			}
			for key := range values {
				written[document][key] = true
			}
		}
	})
	unused := maps.Clone(neverWritten)
	for _, entry := range control.Load() {
		for _, check := range entry.Checks {
			if written[check.In] == nil {
				continue // judged elsewhere: settings and fields are no documents of the driver
			}
			delete(unused, check.Key)
			writes := func(pattern string) bool {
				return slices.ContainsFunc(slices.Collect(maps.Keys(written[check.In])), func(key string) bool { return control.Fits(pattern, key) })
			}
			found := writes(check.Key)
			if !found && check.When != "" && !writes(check.When) {
				continue // asked only where somebody writes what it is about
			}
			if _, never := neverWritten[check.Key]; found == never {
				t.Errorf("%s: %s of %s: written is %t, and the list of what is never written says %t", entry.ID, check.Key, check.In, found, never)
			}
		}
	}
	for key := range unused {
		t.Errorf("%s is listed as never written, and no control asks for it", key)
	}
}

// TestEachWrittenKeyIsExplained: whatever a file says is there for a control, or stands
// in the list of what hardens nothing.
func TestEachWrittenKeyIsExplained(t *testing.T) {
	t.Parallel()
	explained := map[control.Document][]string{}
	for document, keys := range hardensNothing {
		explained[document] = append(explained[document], keys...)
	}
	for _, entry := range control.Load() {
		for _, check := range entry.Checks {
			explained[check.In] = append(explained[check.In], check.Key)
		}
	}
	said := map[string]bool{}
	eachRendering(t, func(name string, _ control.Target, found control.Evidence) {
		for _, document := range []control.Document{control.Deployment, control.Log} {
			for key := range found[document] {
				fits := slices.ContainsFunc(explained[document], func(pattern string) bool { return control.Fits(pattern, key) })
				if !fits && !said[key] {
					said[key] = true
					t.Errorf("%s: no control is about %s of %s", name, key, document)
				}
			}
		}
	})
}
