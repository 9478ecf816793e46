package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/golden"
)

// runControls is the command as a person types it.
func runControls(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := controlsCommand()
	command.SetArgs(append([]string{}, arguments...)) // none is not nil: that would be those of the test
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceErrors, command.SilenceUsage = true, true
	err := command.Execute()
	return out.String(), err
}

func TestControlsGoldenFiles(t *testing.T) {
	for name, arguments := range map[string][]string{
		"controls-one.txt":      {"--id", "TLS-05"},
		"controls-one.json":     {"--id", "TLS-05", "-o", "json"},
		"controls-one.md":       {"--id", "TLS-06", "--profile", "Baseline", "-o", "md"},
		"controls-standard.txt": {"--standard", "rfc 9325"},
	} {
		got, err := runControls(t, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		golden.Expect(t, filepath.Join("testdata", name), []byte(got))
	}
}

func TestControlsOfAProfileAndVersion(t *testing.T) {
	all, err := runControls(t)
	if err != nil {
		t.Fatal(err)
	}
	some, err := runControls(t, "--profile", "Baseline", "--version", "7.1.0", "--product", "wso2is")
	if err != nil {
		t.Fatal(err)
	}
	// SOAP can be switched off from 7.2 on.
	if !strings.Contains(all, "\nACC-05 ") || strings.Contains(some, "\nACC-05 ") || !strings.Contains(some, "\nTLS-02 ") {
		t.Errorf("7.1.0 is asked for:\n%s", some)
	}
}

func TestControlsTellWhatIsWrong(t *testing.T) {
	for says, arguments := range map[string][]string{
		"no control is like that": {"--id", "TLS-99"},
		"Lax":                     {"--profile", "Lax"},
		"major.minor.patch":       {"--version", "7"},
		"gluu":                    {"--product", "gluu"},
		"table, json or md":       {"-o", "yaml"},
	} {
		if _, err := runControls(t, arguments...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v does not say %q", arguments, err, says)
		}
	}
}
