package functional

import (
	"testing"

	"github.com/holdfast-iam/holdfast/test/harness"
)

func TestATenantBecomesReady(t *testing.T) {
	ns := namespace(t)
	running := operate(t, harness.OperatorOptions{}, ns)
	defer func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	}()
	tenant := ready(t, harness.NewTenant(ns, "acme"))
	if tenant.Status.ServingRevision == "" || tenant.Status.ServingRevision != tenant.Status.DesiredRevision {
		t.Errorf("revisions: %+v", tenant.Status)
	}
}
