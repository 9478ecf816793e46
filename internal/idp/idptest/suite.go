// Package idptest has the contract that every product's Admin and Keys keep, as a suite that
// runs against any server, and FakeServer with FakeDriver, which keep it in memory for
// tests of what stands above.
package idptest

import (
	"context"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Driver is the part of an idp.Driver that speaks to running servers.
type Driver interface {
	NotEnforceable(want tenant.Spec) map[string][]string
	Connect(ctx context.Context, want tenant.Spec, seen tenant.Facts, access idp.Access) (idp.Admin, error)
	Keys(want tenant.Spec, access idp.Access) (idp.Keys, error)
	KeyID(certificate *x509.Certificate) (string, error)
}

// Subject is a product and how to get a server of it.
type Subject struct {
	Driver Driver
	// Start gives a server for one case. A server without Stop may be the same each
	// time: it gets those settings back after each case that we have a word for.
	Start func(t *testing.T) Server
}

// Server is a server to try an Admin on. The functions are nil where the server
// cannot be made to do that; the suite then says which cases it leaves out.
type Server struct {
	// Access that works.
	Access idp.Access
	// Version is that of the server.
	Version string
	// SignIn tells requests that only sign in or out, which are counted neither as reads
	// nor as writes. Nil: the product has none.
	SignIn func(*http.Request) bool
	// Realms that exist, the root realm first.
	Realms []string
	// Want is a hardened value for every setting that the product can enforce, and
	// Other a different one.
	Want, Other tenant.RealmSettings
	// NotEnforced are settings that the product cannot enforce.
	NotEnforced tenant.RealmSettings
	// Impossible are values that the product cannot hold.
	Impossible tenant.RealmSettings
	// MissingRealm is a realm that does not exist; empty where that cannot be tried.
	MissingRealm string
	// AddRealm makes a realm as somebody else would, with the settings that the product gives to
	// a new one. InactiveRealm is one that the server has and does not serve.
	AddRealm      func(name string)
	InactiveRealm string
	// ManyRealms are more than the product lists in one answer, or some where it does not page.
	ManyRealms int
	// Certificates are those of all keys that sign or have signed tokens; nil where nobody
	// knows them.
	Certificates []*x509.Certificate
	// Count gives the requests so far; nil counts them at the Admin's transport.
	Count func() (reads, writes int)

	Stop func()
	// Swallow makes the server accept writes of settings without keeping them.
	Swallow func(bool)
	// Race gives a setting of the root realm the value once, right after it was next
	// written. The function that it returns tells whether that happened.
	Race func(setting tenant.Setting, value string) (happened func() bool)
	// Unwell makes the server report that it is not healthy.
	Unwell func(bool)
	// RefusePasswords makes the server refuse the next new passwords, as its rules or its
	// history would.
	RefusePasswords func(number int)
}

const caseTimeout = 2 * time.Minute

// Run tries the whole contract.
func Run(t *testing.T, s Subject) {
	for _, c := range []struct {
		name string
		run  func(*bench)
	}{
		{"Probe", probe},
		{"ObserveChangesNothing", observeChangesNothing},
		{"ConfigureIsReadBack", configureIsReadBack},
		{"ConfigureTwiceIsOnce", configureTwiceIsOnce},
		{"EachSettingAlone", eachSettingAlone},
		{"RealmsAreApart", realmsAreApart},
		{"ForeignChangeIsSeenAndPutBack", foreignChange},
		{"UnknownSetting", unknownSetting},
		{"ImpossibleValue", impossibleValue},
		{"NotEnforceableIsLeftOut", notEnforceable},
		{"SwallowedWriteIsReported", swallowedWrite},
		{"ForeignWriteAtTheSameTime", raceOfWrites},
		{"MissingRealm", missingRealm},
		{"RealmsAreListed", realmsAreListed},
		{"RealmOfSomebodyElseIsReached", strangersRealm},
		{"WrongAuthority", wrongAuthority},
		{"WrongServerName", wrongServerName},
		{"WrongPassword", wrongPassword},
		{"ServerDown", serverDown},
		{"Unwell", unwell},
		{"AccountsAreEnsuredOnce", accounts},
		{"LoginTellsWhatIsLive", loginTells},
		{"SystemAccountsTakeTurns", accountsTakeTurns},
		{"AdministratorsPasswordIsReplaced", passwordReplaced},
		{"RefusedPasswordIsToldApart", passwordRefused},
		{"Cancelled", cancelled},
		{"KeysArePublished", publishedKeys},
		{"KeysAdvance", advance},
		{"KeysFromNobodyElse", keysFromNobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
			defer cancel()
			c.run(newBench(ctx, t, s))
		})
	}
}

// spec declares the settings for each realm.
func spec(realms []string, settings tenant.RealmSettings) tenant.Spec {
	want := tenant.Spec{Namespace: "iam", Name: "contract", Product: tenant.WSO2IS}
	for _, realm := range realms {
		want.Realms = append(want.Realms, tenant.Realm{Name: realm, Settings: settings})
	}
	return want
}
