package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run is the command as a person types it.
func run(t *testing.T, input string, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := renderCommand()
	command.SetArgs(arguments)
	command.SetIn(strings.NewReader(input))
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceErrors, command.SilenceUsage = true, true
	err := command.Execute()
	return out.String(), err
}

func TestRenderPrintsTheSameEachTimeAndNoSecret(t *testing.T) {
	for _, sample := range []string{"minimal", "full"} {
		folder := filepath.Join("..", "..", "config", "samples", sample)
		first, err := run(t, "", "-f", folder)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if again, err := run(t, "", "-f", folder); err != nil || again != first {
				t.Fatalf("%s: another output, or %v", sample, err)
			}
		}
		for _, kind := range []string{"NetworkPolicy", "Keystore", "Job", "Secret", "ServiceAccount", "Service", "PodDisruptionBudget", "StatefulSet"} {
			if !strings.Contains(first, "\nkind: "+kind+"\n") {
				t.Errorf("%s: no %s", sample, kind)
			}
		}
		if strings.Contains(first, "PRIVATE KEY") || !strings.Contains(first, "DATA_KEY: <generated>") {
			t.Errorf("%s: a generated value is not a placeholder", sample)
		}
	}
}

func TestRenderTellsWhatIsWrong(t *testing.T) {
	folder := filepath.Join("..", "..", "config", "samples", "minimal")
	tenant, err := os.ReadFile(filepath.Join(folder, "40-tenant.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		input string
		says  []string
	}{
		"no tenant":           {"apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", []string{"no IdentityTenant"}},
		"a missing reference": {string(tenant), []string{"IdentityTenant iam/acme", "Service iam/db", "spec.database.postgresql.host"}},
		"an unknown field":    {strings.Replace(string(tenant), "hostname:", "hostnam:", 1), []string{"document 1", "hostnam"}},
		"not YAML":            {"{", []string{"standard input", "document 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, test.input, "-f", "-")
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
	if _, err := run(t, "", "-f", "nowhere.yaml"); err == nil {
		t.Error("a file that is not there was accepted")
	}
}
