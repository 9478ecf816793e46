package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

func TestMain(m *testing.M) { vaulttest.Main(m) }

func TestKVContract(t *testing.T) {
	server := vaulttest.Start(t)
	vaulttest.KVContract(t, server.Subject)
}

// wantFault checks kind, reason, the words of the message, that a fault which
// nobody can watch is tried again, and that the message quotes no secret.
func wantFault(t testing.TB, err error, kind fault.Kind, reason string, words []string, secrets ...string) {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault %s", err, reason)
	}
	if f.Kind != kind || f.Reason != reason {
		t.Errorf("got kind %v, reason %s, want %v, %s: %v", f.Kind, f.Reason, kind, reason, err)
	}
	if reason != vault.ReasonPathInvalid && reason != vault.ReasonConnectionInvalid && f.RetryAfter == 0 {
		t.Errorf("%s is never tried again", reason)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	wantNoSecret(t, err, secrets...)
}

func wantNoSecret(t testing.TB, err error, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("the error quotes a secret: %q", err)
		}
	}
}

// eventually polls until done, or fails.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

func countPrefix(requests []string, prefix string) (n int) {
	for _, request := range requests {
		if strings.HasPrefix(request, prefix) {
			n++
		}
	}
	return n
}
