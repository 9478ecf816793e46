// Package functional tests the operator from a user's seat: a real API server with its
// controllers, real Vault, real cert-manager, the operator under its own account, and
// simulated pods with a stand-in server behind each.
package functional

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// readyDeadline is how long a tenant may take to become Ready on a small, busy machine.
const readyDeadline = time.Minute

var world *harness.World

func TestMain(m *testing.M) {
	if encoded := os.Getenv(childVariable); encoded != "" {
		os.Exit(runChild(encoded))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	begin := time.Now()
	var err error
	if world, err = harness.Start(context.Background(), harness.Options{Log: os.Stderr, Audit: auditLog}); err != nil {
		fmt.Fprintln(os.Stderr, "functional: the tests cannot run:", err)
		return 1
	}
	defer func() { world.Stop(); stopEngine(); _ = os.Remove(auditLog) }()
	fmt.Fprintf(os.Stderr, "functional: the world started in %s\n", time.Since(begin).Round(100*time.Millisecond))
	return judgeRights(m.Run())
}

// namespace makes a namespace with all that a tenant needs around it.
func namespace(t *testing.T) string {
	t.Helper()
	name, err := world.Namespace(t.Context(), "functional-")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// operate runs the operator for the given namespace until the test ends.
func operate(t *testing.T, options harness.OperatorOptions, namespaces ...string) *harness.Operator {
	t.Helper()
	options.Namespaces = namespaces
	running, err := world.Operator(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return running
}

// ready creates a tenant and waits until it is Ready.
func ready(t *testing.T, tenant *v1alpha1.IdentityTenant) *v1alpha1.IdentityTenant {
	t.Helper()
	if err := world.Admin.Create(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Fatal(err, world.Diagnose(context.WithoutCancel(t.Context()), tenant.Namespace))
	}
	return tenant
}
