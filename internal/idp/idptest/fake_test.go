package idptest

import (
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The fake keeps the contract that it stands for.
func TestFakeKeepsTheContract(t *testing.T) {
	var server *FakeServer
	driver := FakeDriver{
		Server:        func(tenant.Spec) *FakeServer { return server },
		Unenforceable: map[tenant.Setting]string{tenant.PasswordNotCommon: "the fake has no dictionary"},
	}
	Run(t, Subject{Driver: driver, Start: func(*testing.T) Server {
		access := idp.Access{
			Address: "127.0.0.1:9443", ServerName: "contract.iam.svc", CA: []byte("a fake authority"),
			Bootstrap: idp.UsernamePassword{Username: "bootstrap", Password: "Bootstrap-1-secret"},
			System:    idp.UsernamePassword{Username: "system", Password: "System-1-secret"},
		}
		server = NewFakeServer(access, "second.example")
		server.SetKeys(idp.KeyRing{Published: []string{"fake-1", "fake-2"}, Signing: "fake-1"})
		return Server{
			Access:      access,
			Version:     "7.3.0",
			Realms:      []string{tenant.RootRealm, "second.example"},
			Want:        tenant.RealmSettings{tenant.PasswordMinLength: "12", tenant.RecoveryEmailLink: "true", tenant.RecoveryCallbacks: "https://a.example/*"},
			Other:       tenant.RealmSettings{tenant.PasswordMinLength: "8", tenant.RecoveryEmailLink: "false", tenant.RecoveryCallbacks: ""},
			NotEnforced: tenant.RealmSettings{tenant.PasswordNotCommon: "true"},
			Impossible: tenant.RealmSettings{tenant.PasswordMinLength: "-1", tenant.RecoveryEmailLink: "yes",
				tenant.RecoveryCallbacks: "http://a.example/"},
			MissingRealm:    "third.example",
			AddRealm:        server.AddRealm,
			ManyRealms:      2,
			Count:           server.Count,
			Certificates:    []*x509.Certificate{{SerialNumber: big.NewInt(2)}, {SerialNumber: big.NewInt(1)}},
			Stop:            func() { server.Down(true) },
			Swallow:         server.Swallow,
			Unwell:          server.Unwell,
			RefusePasswords: server.RefusePasswords,
			Race: func(setting tenant.Setting, value string) func() bool {
				happened := false
				server.Race(func() { server.Set(tenant.RootRealm, setting, value); happened = true })
				return func() bool { return happened }
			},
		}
	}})
}
