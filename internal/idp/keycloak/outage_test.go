package keycloak_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// TestOutages kills the database and the server in turn: each time the Admin says in words
// that it waits, writes nothing while it is blind, and goes on by itself afterwards.
func TestOutages(t *testing.T) {
	s := server(t)
	newKeeper(t, s).restore(t)
	counter := &idptest.Counter{Ignore: signsIn}
	access := s.Access(administrator)
	access.WrapTransport = counter.Wrap
	admin := connect(t, access)
	seen, err := admin.Observe(t.Context(), []string{tenant.RootRealm})
	if err != nil {
		t.Fatal(err)
	}
	change := tenant.Compare(tenant.Settings{tenant.RootRealm: hardened}, seen)
	waits := func(what string) {
		t.Helper()
		_, before := counter.Count()
		_, err := admin.Probe(t.Context())
		if f := fault.Of(err, "none"); !fault.IsWaiting(err) || f.Reason != idp.ReasonServerUnreachable {
			t.Errorf("%s: Probe: %v; want that it waits for the server", what, err)
		}
		err = admin.Configure(t.Context(), change)
		if f := fault.Of(err, "none"); !fault.IsWaiting(err) || f.Reason != idp.ReasonServerUnreachable {
			t.Errorf("%s: Configure: %v; want that it waits for the server", what, err)
		}
		if _, after := counter.Count(); after != before {
			t.Errorf("%s: %d writes; want none", what, after-before)
		}
		t.Logf("%s: %v", what, err)
	}
	recovers := func(what string) {
		t.Helper()
		var err error
		for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(200 * time.Millisecond) {
			var health idp.Health
			if health, err = admin.Probe(t.Context()); err == nil && health.LoggedIn {
				return
			}
		}
		t.Fatalf("%s: %v", what, err)
	}
	s.Postgres.Kill()
	waits("without the database")
	if err := s.Postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	recovers("with the database again")
	s.Keycloak.Kill()
	waits("without the server")
	if err := s.Keycloak.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	recovers("with the server again")
	if err := admin.Configure(t.Context(), change); err != nil {
		t.Errorf("Configure afterwards: %v", err)
	}
}

func TestOldTLSAndPlainHTTPAreRefused(t *testing.T) {
	s := server(t)
	access := s.Access(administrator)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(access.CA)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		connection, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Minute}, "tcp", access.Address,
			&tls.Config{RootCAs: roots, ServerName: access.ServerName, MinVersion: version, MaxVersion: version})
		if err == nil {
			_ = connection.Close()
		}
		if (err == nil) != want {
			t.Errorf("%s: %v; want it accepted: %t", tls.VersionName(version), err, want)
		}
	}
	response, err := http.Get("http://" + access.Address + "/realms/master")
	if err == nil {
		defer response.Body.Close()
		if response.StatusCode < 300 {
			t.Errorf("plain HTTP is answered with %s", response.Status)
		}
	}
}
