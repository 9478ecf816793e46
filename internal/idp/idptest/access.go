package idptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func probe(b *bench) {
	health, err := b.connect().Probe(b.ctx)
	if err != nil {
		b.Fatalf("Probe: %v", err)
	}
	b.differs("health", idp.Health{Version: b.server.Version, Serving: true, LoggedIn: true}, health)
}

func unwell(b *bench) {
	if b.server.Unwell == nil {
		b.leavesOut("it cannot be made to report ill health")
		return
	}
	b.server.Unwell(true)
	health, err := b.connect().Probe(b.ctx)
	if err != nil || health.Serving {
		b.Errorf("Probe of a server that says it is unwell: serving %t, error %v", health.Serving, err)
	}
}

// refusedBeforeLogin checks that nothing that could carry a password was sent.
func refusedBeforeLogin(b *bench, access idp.Access, why string) {
	admin, err := b.tryConnect(access)
	if err == nil {
		_, err = admin.Probe(b.ctx)
		b.Errorf("%s: Connect gave an Admin (Probe says: %v)", why, err)
		return
	}
	b.refuses(err, false, idp.ReasonServerUnreachable)
}

func wrongAuthority(b *bench) {
	access := b.server.Access
	access.CA = otherAuthority(b)
	refusedBeforeLogin(b, access, "a certificate of another authority")
	access.CA = nil
	refusedBeforeLogin(b, access, "no authority at all")
}

func wrongServerName(b *bench) {
	access := b.server.Access
	access.ServerName = "somebody-else.example"
	refusedBeforeLogin(b, access, "a certificate for another name")
}

func wrongPassword(b *bench) {
	access := b.server.Access
	access.Bootstrap = wrong(access.Bootstrap)
	admin, err := b.tryConnect(access)
	if err != nil {
		b.refuses(err, true, idp.ReasonServerRefusedLogin)
		return
	}
	health, err := admin.Probe(b.ctx)
	b.refuses(err, true, idp.ReasonServerRefusedLogin)
	if health.LoggedIn {
		b.Error("Probe says LoggedIn with a wrong password")
	}
	if b.server.Stop == nil {
		b.leavesOut("more wrong passwords: they could lock the account")
		return
	}
	_, err = admin.Observe(b.ctx, b.server.Realms)
	b.refuses(err, true, idp.ReasonServerRefusedLogin)
	_, err = admin.EnsureAccounts(b.ctx)
	b.refuses(err, true, idp.ReasonServerRefusedLogin)
	err = admin.Configure(b.ctx, tenant.Compare(b.want(b.server.Want), nil))
	b.refuses(err, true, idp.ReasonServerRefusedLogin)
}

func serverDown(b *bench) {
	if b.server.Stop == nil {
		b.leavesOut("it cannot be stopped")
		return
	}
	admin := b.connect()
	b.server.Stop()
	_, err := admin.Observe(b.ctx, b.server.Realms)
	b.refuses(err, false, idp.ReasonServerUnreachable)
	_, err = admin.Probe(b.ctx)
	b.refuses(err, false, idp.ReasonServerUnreachable)
	_, err = b.tryConnect(b.server.Access)
	b.refuses(err, false, idp.ReasonServerUnreachable)
}

func accounts(b *bench) {
	admin := b.connect()
	if b.server.Stop != nil {
		if changed, err := admin.EnsureAccounts(b.ctx); err != nil || !changed {
			b.Fatalf("first EnsureAccounts: changed %t, error %v; want true, none", changed, err)
		}
	} else if _, err := admin.EnsureAccounts(b.ctx); err != nil {
		b.Fatalf("EnsureAccounts: %v", err)
	}
	again := func(admin idp.Admin) {
		b.Helper()
		writes := b.writes(func() {
			if changed, err := admin.EnsureAccounts(b.ctx); err != nil || changed {
				b.Errorf("EnsureAccounts again: changed %t, error %v; want false, none", changed, err)
			}
		})
		if writes != 0 {
			b.Errorf("EnsureAccounts again made %d writes", writes)
		}
	}
	again(admin)

	// Vault has another password than the server: the server follows.
	moved := b.server.Access
	moved.System.Password = "Moved-1-" + moved.System.Password
	other, err := b.tryConnect(moved)
	if err != nil {
		b.Fatalf("Connect: %v", err)
	}
	if changed, err := other.EnsureAccounts(b.ctx); err != nil || !changed {
		b.Errorf("EnsureAccounts with another password: changed %t, error %v; want true, none", changed, err)
	}
	again(other)
	if changed, err := admin.EnsureAccounts(b.ctx); err != nil || !changed {
		b.Errorf("EnsureAccounts back: changed %t, error %v; want true, none (the account has one password)", changed, err)
	}
}

func cancelled(b *bench) {
	admin := b.connect()
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := admin.Observe(ctx, b.server.Realms)
	if !errors.Is(err, context.Canceled) || fault.IsTerminal(err) || fault.IsWaiting(err) {
		b.Errorf("Observe after a cancel: %v; want the context's own error", err)
	}
}

// otherAuthority is a certificate authority that nobody knows.
func otherAuthority(b *bench) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
