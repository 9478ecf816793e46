package wso2is_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// hardened differs from the product's defaults in every setting, and relaxed from
// hardened.
var (
	hardened = tenant.RealmSettings{
		tenant.PasswordMinLength: "12", tenant.PasswordMaxLength: "60",
		tenant.PasswordLower: "2", tenant.PasswordUpper: "2", tenant.PasswordDigit: "2", tenant.PasswordSpecial: "2",
		tenant.PasswordMaxRepeated: "2", tenant.PasswordMinUnique: "6",
		tenant.PasswordHistory: "7", tenant.PasswordMaxAgeDays: "90",
		tenant.LockoutAttempts: "4", tenant.LockoutMinutes: "15", tenant.LockoutBackoffFactor: "3",
		tenant.RecoveryEmailLink: "true", tenant.RecoveryLinkMinutes: "15",
		tenant.RecoveryCallbacks: "https://id.acme.example/* https://portal.acme.example:8443/done",
		tenant.ForcedResetLink:   "true", tenant.ForcedResetMinutes: "60",
		tenant.RegistrationSelf: "true", tenant.RegistrationLite: "true",
		tenant.RegistrationCallbacks: "https://id.acme.example/*",
		tenant.RecoveryAttempts:      "4", tenant.RecoveryResends: "4", tenant.RecoveryNotifySuccess: "true", tenant.RecoveryAutoLogin: "true",
		tenant.RegistrationConfirmEmail: "true", tenant.RegistrationCodeMinutes: "60", tenant.RegistrationTellsNames: "false", tenant.RegistrationAutoLogin: "true",
		tenant.Invitation: "true", tenant.InvitationMinutes: "720", tenant.AccountsEmailVerified: "true", tenant.AccountsDisabling: "true",
		tenant.SessionIdleMinutes: "10", tenant.SessionMaximumMinutes: "480", tenant.SessionRememberMinutes: "480", tenant.SessionOutlivesPassword: "true",
		tenant.CORSAnyOrigin: "true", tenant.CORSSubdomains: "true", tenant.CORSAnyHeader: "false",
		tenant.ClientsAuthenticate: "false", tenant.ClientsFAPI: "true", tenant.AssertionReuse: "false",
	}
	relaxed = tenant.RealmSettings{
		tenant.PasswordMinLength: "10", tenant.PasswordMaxLength: "64",
		tenant.PasswordLower: "0", tenant.PasswordUpper: "0", tenant.PasswordDigit: "1", tenant.PasswordSpecial: "0",
		tenant.PasswordMaxRepeated: "0", tenant.PasswordMinUnique: "0",
		tenant.PasswordHistory: "0", tenant.PasswordMaxAgeDays: "0",
		tenant.LockoutAttempts: "0", tenant.LockoutMinutes: "0", tenant.LockoutBackoffFactor: "1",
		tenant.RecoveryEmailLink: "false", tenant.RecoveryLinkMinutes: "1440",
		tenant.RecoveryCallbacks: "", tenant.ForcedResetMinutes: "1440",
		tenant.RegistrationSelf: "false", tenant.RegistrationLite: "false",
		tenant.RegistrationCallbacks: "https://other.example/",
		tenant.RecoveryAttempts:      "3", tenant.RecoveryResends: "5", tenant.RecoveryNotifySuccess: "false", tenant.RecoveryAutoLogin: "false",
		tenant.RegistrationConfirmEmail: "false", tenant.RegistrationCodeMinutes: "1440", tenant.RegistrationTellsNames: "true", tenant.RegistrationAutoLogin: "false",
		tenant.Invitation: "false", tenant.InvitationMinutes: "1440", tenant.AccountsEmailVerified: "false", tenant.AccountsDisabling: "false",
		tenant.SessionIdleMinutes: "60", tenant.SessionMaximumMinutes: "0", tenant.SessionRememberMinutes: "20160", tenant.SessionOutlivesPassword: "false",
		tenant.CORSAnyOrigin: "false", tenant.CORSSubdomains: "false", tenant.CORSAnyHeader: "true",
		tenant.ClientsAuthenticate: "true", tenant.ClientsFAPI: "false", tenant.AssertionReuse: "true",
	}
	beyond = tenant.RealmSettings{ // what the product has no validator for
		tenant.PasswordNotUsername: "true", tenant.PasswordNotCommon: "true",
	}
	impossible = tenant.RealmSettings{
		tenant.PasswordMinLength: "012", tenant.PasswordMaxLength: "0", tenant.PasswordLower: "-1",
		tenant.LockoutAttempts: "five", tenant.LockoutMinutes: "15m", tenant.LockoutBackoffFactor: "0",
		tenant.RecoveryEmailLink: "yes", tenant.RecoveryCallbacks: "http://id.acme.example/*",
		tenant.RegistrationCallbacks: "https://id.acme.example/.*|https://evil.example/",
		tenant.SessionIdleMinutes:    "0", tenant.SessionRememberMinutes: "8h", tenant.CORSAnyOrigin: "*", tenant.AssertionReuse: "once",
	}
)

func TestContractOnTheStandIn(t *testing.T) {
	idptest.Run(t, idptest.Subject{Driver: wso2is.Driver{}, Start: func(t *testing.T) idptest.Server {
		home, state := hometest.New(t), standin.NewState()
		set(t, state.AddServerTenant("second.example"))
		set(t, state.AddServerTenant("shut.example"))
		set(t, state.DeactivateServerTenant("shut.example"))
		server := home.Start(t, state)
		return idptest.Server{
			Access: home.Access(server), Version: "7.3.0", Realms: []string{tenant.RootRealm, "second.example"}, MissingRealm: "third.example",
			Want: hardened, Other: relaxed, NotEnforced: beyond, Impossible: impossible,
			AddRealm:        func(name string) { set(t, state.AddServerTenant(name)) },
			InactiveRealm:   "shut.example",
			ManyRealms:      230,
			Certificates:    home.Signing(t),
			Stop:            func() { _ = server.Close() },
			Swallow:         server.SwallowWrites,
			Unwell:          server.Unwell,
			Race:            func(setting tenant.Setting, value string) func() bool { return race(t, home, server, setting, value) },
			RefusePasswords: func(number int) { set(t, state.RefusePasswords(number)) },
		}
	}})
}

// race has another administrator take a setting back as soon as it was written.
func race(t *testing.T, home hometest.Home, server *standin.Server, setting tenant.Setting, value string) func() bool {
	var writing, happened atomic.Bool
	server.AfterWrite(func() {
		if happened.Load() || !writing.CompareAndSwap(false, true) {
			return // this is the other one's own write
		}
		defer writing.Store(false)
		other := connect(t, home, server)
		seen, err := other.Observe(t.Context(), []string{tenant.RootRealm})
		if err != nil || seen[tenant.RootRealm][setting] == value {
			return // not written yet
		}
		if err := other.Configure(t.Context(), tenant.Diff{{Realm: tenant.RootRealm, Setting: setting, To: value}}); err != nil {
			t.Errorf("the other administrator: %v", err)
		}
		happened.Store(true)
	})
	return happened.Load
}

// TestContractOnALiveServer runs the same suite against a server of WSO2 where one is
// given: HOLDFAST_WSO2_ADDRESS (host:port), HOLDFAST_WSO2_SERVER_NAME,
// HOLDFAST_WSO2_CA_FILE, HOLDFAST_WSO2_USERNAME and HOLDFAST_WSO2_PASSWORD_FILE. It
// changes settings of the super tenant and gives them back, and makes the account
// holdfast-contract. Without an address there is one subject less and no test less.
func TestContractOnALiveServer(t *testing.T) {
	address := os.Getenv("HOLDFAST_WSO2_ADDRESS")
	if address == "" {
		t.Log("no live server: HOLDFAST_WSO2_ADDRESS is not set, so the contract ran on the stand-in only")
		return
	}
	password := strings.TrimSpace(string(file(t, "HOLDFAST_WSO2_PASSWORD_FILE")))
	access := idp.Access{
		Address: address, ServerName: os.Getenv("HOLDFAST_WSO2_SERVER_NAME"), CA: file(t, "HOLDFAST_WSO2_CA_FILE"),
		Bootstrap: idp.UsernamePassword{Username: os.Getenv("HOLDFAST_WSO2_USERNAME"), Password: password},
		System:    idp.UsernamePassword{Username: "holdfast-contract", Password: "Contract-1-" + password},
	}
	t.Logf("running the contract on the live server at %s", address)
	idptest.Run(t, idptest.Subject{Driver: wso2is.Driver{}, Start: func(*testing.T) idptest.Server {
		return idptest.Server{Access: access, Version: "7.3.0", Realms: []string{tenant.RootRealm}, MissingRealm: "no-such-tenant.example",
			Want: hardened, Other: relaxed, NotEnforced: beyond, Impossible: impossible}
	}})
}

func file(t *testing.T, variable string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(os.Getenv(variable)))
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return data
}

// What the contract's values leave out would be a setting that nobody tries.
func TestContractCoversEverySetting(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	admin := connect(t, home, home.Start(t, state))
	if err := admin.Configure(t.Context(), tenant.Compare(tenant.Settings{tenant.RootRealm: hardened}, nil)); err != nil {
		t.Fatal(err)
	}
	seen, err := admin.Observe(t.Context(), []string{tenant.RootRealm})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hardened, seen[tenant.RootRealm]); diff != "" {
		t.Errorf("what Observe sees beside what the contract declares (-declared +seen):\n%s", diff)
	}
}

func connect(t *testing.T, home hometest.Home, server *standin.Server) idp.Admin {
	t.Helper()
	admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, home.Access(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}
