package localenv

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestVaultMakesAndEndsAccountsInPostgres(t *testing.T) {
	ctx := t.Context()
	p, err := StartPostgres(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	v := startVault(t, VaultOptions{})
	_, err = p.Superuser(ctx, "CREATE ROLE app NOLOGIN")
	if err := errors.Join(err, v.EnableDatabase(ctx, "database", p), v.WriteDatabaseRole(ctx, "database", "acme", DatabaseRole{MemberOf: "app", TTL: time.Hour})); err != nil {
		t.Fatal(err)
	}
	made, err := v.Root().Logical().ReadWithContext(ctx, "database/creds/acme")
	if err != nil {
		t.Fatal(err)
	}
	username, password := made.Data["username"].(string), made.Data["password"].(string)
	if answer, err := p.Query(ctx, username, password, "SELECT current_user"); answer != username || err != nil {
		t.Errorf("signed in as %q, %v, want %q", answer, err, username)
	}
	if _, err := p.Query(ctx, username, "not-"+password, "SELECT 1"); err == nil {
		t.Error("a wrong password signs in")
	}
	if err := v.Root().Sys().RevokeWithContext(ctx, made.LeaseID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Query(ctx, username, password, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "authentication failed") {
		t.Errorf("after the lease was revoked: %v, want a refusal", err)
	}

	pid := p.process.PID
	p.Close()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("postgres is still there after Close: %v", err)
	}
	if _, err := os.Stat(p.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there after Close: %v", p.Dir, err)
	}
}

func TestPostgresPresentsTheCertificateThatItWasGiven(t *testing.T) {
	ctx := t.Context()
	p, err := StartPostgres(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	authority, err := newAuthority("another")
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, err := authority.issue(&x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"db.iam.svc"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Present(ctx, "db.iam.svc", certificate, key, authority.pem); err != nil {
		t.Fatal(err)
	}
	if answer, err := p.Superuser(ctx, "SELECT 1"); answer != "1" || err != nil {
		t.Errorf("as db.iam.svc: %q, %v", answer, err)
	}
	p.serverName = "localhost"
	if _, err := p.Superuser(ctx, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "localhost") {
		t.Errorf("as localhost: %v, want the name refused", err)
	}
}

// TestPostgresRestartsOnceTheFormerSessionsAreGone holds a process of a killed server back: the next one cannot start before it ends.
func TestPostgresRestartsOnceTheFormerSessionsAreGone(t *testing.T) {
	ctx := t.Context()
	p, err := StartPostgres(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	found, err := p.Superuser(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	if err != nil {
		t.Fatal(err)
	}
	former, err := strconv.Atoi(found)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(former, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceValue(func() error { return syscall.Kill(former, syscall.SIGKILL) })
	t.Cleanup(func() { _ = end() })
	p.Kill()
	started := make(chan error, 1)
	go func() { started <- p.Restart(ctx) }()
	for begin := time.Now(); ; time.Sleep(pollPause) {
		said, err := p.log()
		if err == nil && bytes.Contains(said, []byte(stillInUse)) {
			break
		}
		if err != nil || time.Since(begin) > time.Minute {
			t.Fatalf("it does not refuse to start beside the former one: %v\n%s", err, said)
		}
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if answer, err := p.Superuser(ctx, "SELECT 1"); answer != "1" || err != nil {
		t.Errorf("afterwards: %q, %v", answer, err)
	}
}
