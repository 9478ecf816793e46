package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/offline"
)

// runLinter is the command as a person types it, with its exit code.
func runLinter(t *testing.T, input string, arguments ...string) (output string, code int, err error) {
	t.Helper()
	var out bytes.Buffer
	command := lintCommand()
	command.SetArgs(arguments)
	command.SetIn(strings.NewReader(input))
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceErrors, command.SilenceUsage = true, true
	if err = command.Execute(); err == nil {
		return out.String(), 0, nil
	}
	var failed failure
	if !errors.As(err, &failed) {
		t.Fatalf("%v has no exit code of its own", err)
	}
	return out.String(), failed.code, err
}

func TestLintExitCodes(t *testing.T) {
	vendor := filepath.Join("..", "..", "internal", "lint", "testdata", "vendor.deployment.toml")
	log := filepath.Join("..", "..", "internal", "idp", "wso2is", "testdata", "7.3.full.log4j2.properties")
	tenant := filepath.Join("..", "..", "config", "samples", "minimal", "40-tenant.yaml")
	for name, test := range map[string]struct {
		input     string
		arguments []string
		code      int
		says      string
	}{
		"a server nobody hardened":  {"", []string{vendor}, exitFindings, "ACC-01"},
		"two files, one weak":       {"", []string{log, vendor}, exitFindings, "vendor.deployment.toml:13"},
		"from standard input":       {"[super_admin]\npassword = \"admin\"\n", []string{"-", "--profile", "Baseline"}, exitFindings, "stdin:2"},
		"no file":                   {"", nil, exitUnreadable, "at least 1 arg"},
		"not there":                 {"", []string{"nowhere.toml"}, exitUnreadable, "nowhere.toml"},
		"not TOML":                  {"[a]\nb =\n", []string{"-"}, exitUnreadable, "stdin: deployment.toml, line 2"},
		"something else":            {"hello", []string{"-"}, exitUnreadable, "neither a manifest"},
		"no tenant":                 {"apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", []string{"-"}, exitUnreadable, "no IdentityTenant"},
		"a missing reference":       {"", []string{tenant}, exitUnreadable, "IdentityTenant iam/acme"},
		"an unknown profile":        {"", []string{vendor, "--profile", "Lax"}, exitUnreadable, "Lax"},
		"an unknown product":        {"", []string{vendor, "--product", "other"}, exitUnreadable, "other"},
		"a version that is none":    {"", []string{vendor, "--version", "7"}, exitUnreadable, "major.minor.patch"},
		"an unknown output":         {"", []string{vendor, "-o", "xml"}, exitUnreadable, "xml"},
		"an unknown flag":           {"", []string{vendor, "--nope"}, exitUnreadable, "nope"},
		"more than a configuration": {strings.Repeat("#", largestFile+1), []string{"-"}, exitUnreadable, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			output, code, err := runLinter(t, test.input, test.arguments...)
			if said := output + err.Error(); code != test.code || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, test.code, test.says, said)
			}
		})
	}
}

// TestLintOfTenants: what the operator makes of a sample is as its profile wants it, and a
// secret of the vendor in a field is told.
func TestLintOfTenants(t *testing.T) {
	for _, sample := range []string{"minimal", "full"} {
		folder := filepath.Join("..", "..", "config", "samples", sample)
		output, code, err := runLinter(t, "", folder)
		if code != 0 {
			t.Errorf("%s: %v\n%s", sample, err, output)
		}
		// The full one has a weakness that a waiver allows.
		if waived := strings.Contains(output, "the last day of HardeningWaiver passwords-for-half-a-year"); waived != (sample == "full") {
			t.Errorf("%s: a waiver is named: %t\n%s", sample, waived, output)
		}
	}
	weak := sampleWith(t, "name: identity,", "name: wso2carbon,")
	output, code, _ := runLinter(t, weak, "-", "-o", "json")
	var said struct {
		Findings []struct{ ID, Object, Key, File string }
	}
	if err := json.Unmarshal([]byte(output), &said); err != nil || code != exitFindings || len(said.Findings) != 1 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, output)
	}
	if f := said.Findings[0]; f.ID != "DEF-02" || f.Object != "IdentityTenant iam/acme" || f.Key != "spec.database.postgresql.name" || f.File != "stdin" {
		t.Errorf("%+v", f)
	}
}

// TestLintLooksIntoSecrets that stand beside a tenant.
func TestLintLooksIntoSecrets(t *testing.T) {
	secrets := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: mail, namespace: iam}\ndata: {password: YWRtaW4=}\nstringData: {username: mailer}\n"
	output, code, _ := runLinter(t, sampleWith(t, "", "")+secrets, "-")
	if code != exitFindings || !strings.Contains(output, "stdin: Secret iam/mail: weak: DEF-01") || !strings.HasPrefix(output[strings.LastIndex(output, "\n1 finding, ")+1:], "1 finding, ") {
		t.Errorf("exit code %d:\n%s", code, output)
	}
}

// TestLintTellsTheRealmAndTheField of a policy that is too weak.
func TestLintTellsTheRealmAndTheField(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "full", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.Replace(content, []byte("length: {min: 14,"), []byte("length: {min: 8,"), 1)
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output, code, _ := runLinter(t, "", folder)
	for _, part := range []string{
		"40-tenant.yaml: IdentityTenant staff/staff: weak: PWD-01", `realm root: password.length.min is "8"; wanted: at least 12`,
		"PasswordPolicy spec.length", "1 finding, ",
	} {
		if code != exitFindings || !strings.Contains(output, part) {
			t.Errorf("exit code %d, without %q:\n%s", code, part, output)
		}
	}
}

// sampleWith is the small sample as one stream, with one thing changed.
func sampleWith(t *testing.T, from, to string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "minimal", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var stream strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stream.WriteString("---\n" + string(content))
	}
	if !strings.Contains(stream.String(), from) {
		t.Fatalf("the sample has no %q any more: this test shows nothing", from)
	}
	return strings.Replace(stream.String(), from, to, 1)
}

// TestLintFindsNothingInWhatWeRender, in every version and profile, neither in the tenant
// nor in its files when they are judged as somebody else's.
func TestLintFindsNothingInWhatWeRender(t *testing.T) {
	for _, version := range []string{"7.1.0.49", "7.2.0.7", "7.3.0"} {
		for _, profile := range control.Profiles() {
			sample := sampleWith(t, "version: 7.3.0, ", "version: "+version+", ")
			sample = strings.Replace(sample, "  hostname: ", "  hardening: {profile: "+string(profile)+"}\n  hostname: ", 1)
			if output, code, err := runLinter(t, sample, "-"); code != 0 {
				t.Errorf("%s %s: %v\n%s", version, profile, err, output)
				continue
			}
			folder := t.TempDir()
			for name, content := range renderedFiles(t, sample) {
				if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			output, code, err := runLinter(t, "", folder, "--version", version, "--profile", string(profile))
			if code != 0 || !strings.HasPrefix(output, "0 findings, 0 notes; ") {
				t.Errorf("files of %s %s: %v\n%s", version, profile, err, output)
			}
		}
	}
}

func renderedFiles(t *testing.T, sample string) idp.Files {
	t.Helper()
	scheme, err := operator.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	manifests := offline.NewManifests(scheme)
	if err := manifests.Read("sample", strings.NewReader(sample)); err != nil {
		t.Fatal(err)
	}
	resolved, err := resolveOffline(t.Context(), manifests, offline.Objects[*v1alpha1.IdentityTenant](manifests)[0])
	if err != nil {
		t.Fatal(err)
	}
	files, err := resolved.Driver.Config(resolved.Want, resolved.Seen)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
