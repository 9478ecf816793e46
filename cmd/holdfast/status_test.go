package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/overview"
)

// runStatus is the command as a person types it.
func runStatus(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := statusCommand()
	command.SetArgs(arguments)
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceErrors, command.SilenceUsage = true, true
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestStatusShowsTenantsOfACluster(t *testing.T) {
	empty := env.ForeignNamespace(t)
	ns := newTenant(t).Namespace
	text, err := runStatus(t, "acme", "-n", ns)
	if err != nil || !strings.Contains(text, "acme in "+ns+"  NotObserved\n") || !strings.Contains(text, "? VaultConnection vault  It does not exist\n") {
		t.Errorf("%v:\n%s", err, text)
	}
	encoded, err := runStatus(t, "-A", "-o", "json")
	var told []overview.Tenant
	if err != nil || json.Unmarshal([]byte(encoded), &told) != nil || len(told) == 0 || len(told[0].ToDo) == 0 {
		t.Errorf("%v:\n%s", err, encoded)
	}
	if none, err := runStatus(t, "-n", empty, "-o", "json"); err != nil || strings.TrimSpace(none) != "[]" {
		t.Errorf("of an empty namespace scripts get %q, %v", none, err)
	}
	if none, err := runStatus(t, "-n", empty); err != nil || !strings.Contains(none, "no IdentityTenant in namespace "+empty) {
		t.Errorf("%q, %v", none, err)
	}
	if _, err := runStatus(t, "nobody", "-n", ns); err == nil || !strings.Contains(err.Error(), "kubectl get identitytenant -A") {
		t.Errorf("a tenant that is not there: %v", err)
	}
	if _, err := runStatus(t, "-o", "yaml"); err == nil || !strings.Contains(err.Error(), "text or json") {
		t.Errorf("an output that is not known: %v", err)
	}
}
