package wso2is_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const root = tenant.RootRealm

func change(setting tenant.Setting, value string) tenant.Diff {
	return tenant.Diff{{Realm: root, Setting: setting, To: value}}
}

// What the product holds beside our words is not ours: validators, properties and
// strangers' names stay.
func TestConfigureLeavesTheRestOfTheSharedSet(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	set(t, state.SetPasswordRule(root, "NumeralValidator", "max.length", "9"))
	set(t, state.SetProperty(root, "Recovery.ReCaptcha.Password.Enable", "true"))
	set(t, state.SetProperty(root, "somebody.elses", "value"))
	admin := connect(t, home, server)
	configure(t, admin, tenant.Compare(tenant.Settings{root: hardened}, nil))
	stored, err := state.Properties(root)
	set(t, err)
	for name, want := range map[string]string{"Recovery.ReCaptcha.Password.Enable": "true", "somebody.elses": "value", "passwordExpiry.enforcementScope": "ORG_WIDE",
		"passwordHistory.enable": "true", "passwordHistory.count": "7",
		"account.lock.handler.lock.on.max.failed.attempts.enable": "true",
		"Recovery.CallbackRegex":                                  `(https://id\.acme\.example/.*|https://portal\.acme\.example:8443/done)`} {
		if stored[name] != want {
			t.Errorf("%s = %q, want %q", name, stored[name], want)
		}
	}
	for _, name := range []string{"Recovery.Notification.Password.smsOtp.Enable", "Recovery.Question.Password.Enable", "Recovery.AdminPasswordReset.OTP"} {
		if stored[name] != "false" {
			t.Errorf("%s = %q, want false: the link is the only way", name, stored[name])
		}
	}
	set(t, state.SetPasswordRule(root, "LengthValidator", "min.length", "4"))
	configure(t, admin, change(tenant.PasswordMinLength, "12"))
	// The property is not one of ours, so only the stand-in itself can tell.
	set(t, state.SetPasswordRule(root, "NumeralValidator", "min.length", "10"))
	refused(t, admin.Configure(t.Context(), change(tenant.PasswordMinLength, "13")), "NumeralValidator as min: 10 and max: 9")
}

// Drift that no setting spells is drift all the same.
func TestContradictingPropertiesAreDrift(t *testing.T) {
	for property, setting := range map[string]tenant.Setting{
		"account.lock.handler.lock.on.max.failed.attempts.enable": tenant.LockoutAttempts,
		"passwordHistory.enable":                                  tenant.PasswordHistory,
		"passwordExpiry.enablePasswordExpiry":                     tenant.PasswordMaxAgeDays,
		"Recovery.Notification.Password.Enable":                   tenant.RecoveryEmailLink,
		"SelfRegistration.Enable":                                 tenant.RegistrationSelf,
		"passwordExpiry.skipIfNoApplicableRules":                  tenant.PasswordMaxAgeDays,
		"Recovery.Notification.Password.smsOtp.Enable":            tenant.RecoveryEmailLink,
		"Recovery.Notification.Password.OTP.SendOTPInEmail":       tenant.RecoveryEmailLink,
		"Recovery.Question.Password.Enable":                       tenant.RecoveryEmailLink,
		"Recovery.AdminPasswordReset.Offline":                     tenant.ForcedResetLink,
		"Recovery.CallbackRegex":                                  tenant.RecoveryCallbacks,
		"LiteRegistration.CallbackRegex":                          tenant.RegistrationCallbacks,
		"account.lock.handler.Time":                               tenant.LockoutMinutes,
		"SelfRegistration.SendConfirmationOnCreation":             tenant.RegistrationConfirmEmail,
		"EmailVerification.LockOnCreation":                        tenant.Invitation,
	} {
		t.Run(property, func(t *testing.T) {
			home, state := hometest.New(t), standin.NewState()
			admin := connect(t, home, home.Start(t, state))
			want := tenant.Settings{root: hardened}
			configure(t, admin, tenant.Compare(want, nil))
			stored, err := state.Properties(root)
			set(t, err)
			spoiled := map[string]string{"true": "false", "false": "true"}[stored[property]]
			if spoiled == "" {
				spoiled = ".*" // or a time that is no number
			}
			set(t, state.SetProperty(root, property, spoiled))
			drift := tenant.Compare(want, observe(t, admin))
			if len(drift) != 1 || drift[0].Setting != setting {
				t.Fatalf("drift after %s = %s: %v; want one of %s", property, spoiled, drift, setting)
			}
			configure(t, admin, drift)
			if drift := tenant.Compare(want, observe(t, admin)); drift != nil {
				t.Errorf("it was not put back: %v", drift)
			}
		})
	}
}

// An expression excludes rules: declared rules take its place.
func TestRulesTakeTheExpressionsPlace(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	admin := connect(t, home, home.Start(t, state))
	set(t, state.SetPasswordExpression(root, "^.{4,}$"))
	seen := observe(t, admin)[root]
	for _, setting := range []tenant.Setting{tenant.PasswordMinLength, tenant.PasswordLower, tenant.PasswordMaxRepeated} {
		if value, ok := seen[setting]; ok {
			t.Errorf("Observe reads %s = %q out of an expression", setting, value)
		}
	}
	want := tenant.Settings{root: {tenant.PasswordMinLength: "12", tenant.PasswordLower: "0"}}
	configure(t, admin, tenant.Compare(want, observe(t, admin)))
	if drift := tenant.Compare(want, observe(t, admin)); drift != nil {
		t.Errorf("still different: %v", drift)
	}
}

func TestBuildWithoutAConnector(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	options := home.Options(t, state)
	options.Without = []string{"lite-user-sign-up", "passwordHistory"}
	server, err := standin.Start(options)
	set(t, err)
	t.Cleanup(func() { _ = server.Close() })
	admin := connect(t, home, server)

	seen := observe(t, admin)[root]
	if seen[tenant.RegistrationLite] != "false" {
		t.Errorf("registration.lite is %q; what is not there is off", seen[tenant.RegistrationLite])
	}
	if value, ok := seen[tenant.PasswordHistory]; ok {
		t.Errorf("password.history is %q, though nobody can tell", value)
	}
	configure(t, admin, change(tenant.RegistrationCallbacks, "https://id.acme.example/*"))
	refused(t, admin.Configure(t.Context(), change(tenant.RegistrationLite, "true")), "no connector lite-user-sign-up")
	refused(t, admin.Configure(t.Context(), change(tenant.PasswordHistory, "5")), "no connector passwordHistory")
	for _, request := range server.Requests() {
		if strings.HasPrefix(request, "PATCH") && !strings.Contains(request, "c2VsZi1zaWduLXVw") { // self-sign-up
			t.Errorf("a connector was written that GET did not list: %s", request)
		}
	}
}

// A property that GET does not list is never sent: the server would store any name.
func TestBuildWithoutAProperty(t *testing.T) {
	const sms = "Recovery.AdminPasswordReset.SMSOTP"
	home, state := hometest.New(t), standin.NewState()
	options := home.Options(t, state)
	options.Without = []string{"account.lock.handler.Time", "Recovery.ExpiryTime", sms}
	server, err := standin.Start(options)
	set(t, err)
	t.Cleanup(func() { _ = server.Close() })
	admin := connect(t, home, server)
	if value, ok := observe(t, admin)[root][tenant.RecoveryLinkMinutes]; ok {
		t.Errorf("recovery.linkLifetime.minutes is %q, though nobody can tell", value)
	}
	both := append(change(tenant.RecoveryLinkMinutes, "15"), change(tenant.LockoutMinutes, "15")...)
	err = admin.Configure(t.Context(), both)
	refused(t, err, "does not list Recovery.ExpiryTime", "does not list account.lock.handler.Time")
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the message has more than one line: %v", err)
	}
	for _, request := range server.Requests() {
		if strings.HasPrefix(request, "PATCH") {
			t.Errorf("a write was sent: %s", request)
		}
	}
	set(t, state.SetProperty(root, sms, "stays"))
	configure(t, admin, change(tenant.ForcedResetLink, "true"))
	stored, err := state.Properties(root)
	set(t, err)
	if stored[sms] != "stays" {
		t.Errorf("%s was sent although GET did not list it", sms)
	}
}

// A build without a document is told apart, and what a server does not tell is what it does
// by itself.
func TestBuildWithoutAConfiguration(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	options := home.Options(t, state)
	options.Without = []string{"enableTokenReuse", "preserveCurrentSessionAtPasswordUpdate"}
	server, err := standin.Start(options)
	set(t, err)
	t.Cleanup(func() { _ = server.Close() })
	admin := connect(t, home, server)
	seen := observe(t, admin)[root]
	if value, ok := seen[tenant.AssertionReuse]; ok {
		t.Errorf("assertions.reuse is %q, though nobody can tell", value)
	}
	if seen[tenant.SessionOutlivesPassword] != "false" {
		t.Errorf("sessions.outlivePassword is %q; an older server ends them all", seen[tenant.SessionOutlivesPassword])
	}
	refused(t, admin.Configure(t.Context(), change(tenant.AssertionReuse, "false")), "this server has no /configs/jwt-key-validator")
	refused(t, admin.Configure(t.Context(), change(tenant.SessionOutlivesPassword, "true")), "preserveCurrentSessionAtPasswordUpdate")
	configure(t, admin, change(tenant.SessionOutlivesPassword, "false"))
}

// A number stays while its switch is off, for whoever turns it on again; one request writes
// all that differs of a document.
func TestSessionsAreWrittenAtOnce(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	admin := connect(t, home, server)
	before := len(server.Requests())
	configure(t, admin, append(change(tenant.SessionMaximumMinutes, "480"), change(tenant.SessionIdleMinutes, "10")...))
	writes := 0
	for _, request := range server.Requests()[before:] {
		if strings.HasPrefix(request, "PATCH") {
			writes++
		}
	}
	if writes != 1 {
		t.Errorf("%d writes, want 1", writes)
	}
	configure(t, admin, change(tenant.SessionMaximumMinutes, "0"))
	stored, err := state.Configs(root)
	set(t, err)
	if stored["/enableMaximumSessionTimeoutPeriod"] != "false" || stored["/maximumSessionTimeoutPeriod"] != "480" {
		t.Errorf("stored: %v", stored)
	}
	set(t, state.SetConfig(root, "/maximumSessionTimeoutPeriod", "soon"))
	set(t, state.SetConfig(root, "/enableMaximumSessionTimeoutPeriod", "true"))
	if seen := observe(t, admin)[root][tenant.SessionMaximumMinutes]; seen != "text:soon" {
		t.Errorf("a foreign value is read as %q", seen)
	}
}

// One refusal does not keep the rest from being written, and says what the server said.
func TestRefusalNamesSettingAndReason(t *testing.T) {
	home := hometest.New(t)
	admin := connect(t, home, home.Start(t, standin.NewState()))
	wish := append(change(tenant.PasswordMaxLength, "65"), change(tenant.LockoutAttempts, "3")...)
	refused(t, admin.Configure(t.Context(), wish), "realm root: password.length.max", "max: 65")
	if got := observe(t, admin)[root][tenant.LockoutAttempts]; got != "3" {
		t.Errorf("lockout.attempts is %q; the refusal of another setting held it up", got)
	}
	configure(t, admin, change(tenant.ForcedResetLink, "true"))
	refused(t, admin.Configure(t.Context(), change(tenant.ForcedResetLink, "false")), "realm root: forcedReset.link", "Disabling all")
}

func TestShortestAboveLongest(t *testing.T) {
	home := hometest.New(t)
	server := home.Start(t, standin.NewState())
	admin := connect(t, home, server)
	wish := append(change(tenant.PasswordMinLength, "30"), change(tenant.PasswordMaxLength, "20")...)
	refused(t, admin.Configure(t.Context(), wish), "30", "20", "password.length.min", "password.length.max")
	for _, request := range server.Requests() {
		if strings.HasPrefix(request, "PUT") {
			t.Errorf("the server was asked to hold it: %s", request)
		}
	}
}

func TestRequestsPerLook(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	admin := connect(t, home, server)
	configure(t, admin, tenant.Compare(tenant.Settings{root: hardened}, nil))
	before := len(server.Requests())
	observe(t, admin)
	if n := len(server.Requests()) - before; n != 8 {
		t.Errorf("Observe of a realm makes %d requests, want 8", n)
	}
}

// The error of a call about accounts says nothing of what was sent or answered.
func TestAccountErrorsSayNothingOfTheBody(t *testing.T) {
	home := hometest.New(t)
	server := home.Start(t, standin.NewState())
	access := home.Access(server)
	access.System.Password = "weak-77" // the server repeats it in its answer
	admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	set(t, err)
	defer func() { _ = admin.Close() }()
	_, err = admin.EnsureAccounts(t.Context())
	if err == nil {
		t.Fatal("a password that the server refuses was taken")
	}
	if strings.Contains(err.Error(), "weak-77") || !strings.Contains(err.Error(), "400") {
		t.Errorf("the error should say 400 and no password: %v", err)
	}
}

func TestLockedSystemAccountIsTerminal(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	admin := connect(t, home, server)
	if _, err := admin.EnsureAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, state.LockAccount("system", true))
	_, err := admin.EnsureAccounts(t.Context())
	if f := fault.Of(err, ""); err == nil || !fault.IsTerminal(err) || f.Reason != idp.ReasonServerRefusedLogin || !strings.Contains(err.Error(), "unlock") {
		t.Errorf("a locked account: %v", err)
	}
}

// The server holds our own accounts to its rules and its history: what is made for a tenant
// passes them, and what does not is told apart.
func TestPasswordsOfAccountsMeetWhatTheTenantDeclares(t *testing.T) {
	want := tenant.Spec{Realms: []tenant.Realm{{Name: root, Settings: hardened}}}
	home, state := hometest.New(t), standin.NewState()
	admin := connect(t, home, home.Start(t, state))
	configure(t, admin, tenant.Compare(want.Settings(), observe(t, admin)))
	for _, material := range (wso2is.Driver{}).Materials(want) {
		var value map[string]string
		for range 3 {
			next, err := material.Generate(value)
			set(t, err)
			if value = next; value[idp.FieldUsername] == "" {
				continue
			}
			account := idp.UsernamePassword{Username: value[idp.FieldUsername], Password: value[idp.FieldPassword]}
			if _, err := admin.OpenAccount(t.Context(), account); err != nil {
				t.Errorf("%s: %v", material.Name, err)
			}
		}
	}
	system := home.Access(home.Start(t, state)).System
	for _, refused := range []string{"short-1A", strings.Repeat("Aa1-", 10) + "---", "lettersANDdigits1234567890only"} {
		_, err := admin.OpenAccount(t.Context(), idp.UsernamePassword{Username: system.Username, Password: refused})
		if !fault.IsTerminal(err) || fault.Of(err, "").Reason != idp.ReasonPasswordRefused || strings.Contains(err.Error(), refused) {
			t.Errorf("a password against the rules: %v", err)
		}
	}
	first := idp.UsernamePassword{Username: system.Username, Password: "FirstA-1-of-7-in-history-24"}
	second := idp.UsernamePassword{Username: system.Username, Password: "SecondA-1-of-7-in-history-24"}
	for _, account := range []idp.UsernamePassword{first, second} {
		if _, err := admin.OpenAccount(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.SetPassword(t.Context(), first); fault.Of(err, "").Reason != idp.ReasonPasswordRefused {
		t.Errorf("a password of the history: %v", err)
	}
}

// A server that does not look at locks does not keep a closed account open.
func TestAccountIsClosedWhereLocksAreNotLookedAt(t *testing.T) {
	const password = "Old-1-password"
	var scrambled atomic.Bool
	admin, err := hostile(t, healthThen(func(w http.ResponseWriter, r *http.Request) {
		name, given, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/scim2/Me" && (name != "old" || given != password || scrambled.Load()):
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPatch:
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `"password"`) {
				scrambled.Store(true)
			}
			fmt.Fprint(w, `{}`)
		default:
			fmt.Fprint(w, `{"Resources":[{"id":"1"}]}`)
		}
	}))
	set(t, err)
	account := idp.UsernamePassword{Username: "old", Password: password}
	if changed, err := admin.CloseAccount(t.Context(), account); !changed || err != nil || !scrambled.Load() {
		t.Errorf("changed %t, error %v, password replaced %t", changed, err, scrambled.Load())
	}
}

// An account without rights is not a good login.
func TestLoginWithoutRights(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	if _, err := connect(t, home, server).EnsureAccounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	access := home.Access(server)
	access.Bootstrap = access.System
	admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	set(t, err)
	defer func() { _ = admin.Close() }()
	health, err := admin.Probe(t.Context())
	if health.LoggedIn || !fault.IsTerminal(err) || !strings.Contains(err.Error(), "role") {
		t.Errorf("logged in %t, error %v", health.LoggedIn, err)
	}
}

// Where deployment.toml does not open a server tenant yet, the fault says so, and waits.
func TestClosedServerTenant(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	text := string(home.Files["conf/deployment.toml"].Data)
	home.Files["conf/deployment.toml"].Data = []byte(strings.ReplaceAll(text, "cross_tenant = true", "cross_tenant = false"))
	set(t, state.AddServerTenant("second.example"))
	admin := connect(t, home, home.Start(t, state))
	_, err := admin.Observe(t.Context(), []string{"second.example"})
	if err == nil || fault.IsTerminal(err) || !strings.Contains(err.Error(), "second.example") || !strings.Contains(err.Error(), "cross_tenant") {
		t.Errorf("error %v", err)
	}
}

// A dialler of ours changes where bytes go, not whom we trust.
func TestDialIsUsedAndTLSVerified(t *testing.T) {
	home := hometest.New(t)
	server := home.Start(t, standin.NewState())
	access := home.Access(server)
	access.Address = "acme-0.acme.iam.svc:9443"
	var dialled atomic.Value
	access.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Store(address)
		return (&net.Dialer{}).DialContext(ctx, network, server.Address())
	}
	admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	set(t, err)
	defer func() { _ = admin.Close() }()
	if dialled.Load() != access.Address {
		t.Errorf("dialled %v, want %s", dialled.Load(), access.Address)
	}
	access.ServerName = "other.iam.svc"
	if _, err := (wso2is.Driver{}).Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access); err == nil {
		t.Error("the dialler made another name acceptable")
	}
}

// hostile is a server with the right certificate and bad manners.
func hostile(t *testing.T, answer http.HandlerFunc) (idp.Admin, error) {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	certificate := server.Certificate()
	access := idp.Access{
		Address: server.Listener.Addr().String(), ServerName: certificate.DNSNames[0],
		CA:        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
		Bootstrap: idp.UsernamePassword{Username: "bootstrap", Password: "Bootstrap-1-secret"},
	}
	admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	if err == nil {
		t.Cleanup(func() { _ = admin.Close() })
	}
	return admin, err
}

func healthThen(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "health-check") {
			fmt.Fprint(w, `{"health":[]}`)
			return
		}
		answer(w, r)
	}
}

func TestBadAnswers(t *testing.T) {
	var elsewhere, sent atomic.Int64
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		terminal bool
		waiting  bool
	}{
		"endless": {answer: func(w http.ResponseWriter, _ *http.Request) {
			n, _ := io.Copy(w, io.LimitReader(zeros{}, 256<<20))
			sent.Store(n)
		}},
		"no JSON": {answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>login</html>") }},
		"redirect": {answer: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				elsewhere.Add(1)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}},
		"internal error": {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusInternalServerError) }},
		"unavailable":    {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusServiceUnavailable) }, waiting: true},
		"too many":       {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusTooManyRequests) }, waiting: true},
		"hangs up":       {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, waiting: true},
		"unauthorized":   {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "{}", http.StatusUnauthorized) }, terminal: true},
		"log injection": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code":"1","description":"first\nlevel=error msg=forged\u001b[31m\u2028next`+strings.Repeat("x", 5000)+`"}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			admin, err := hostile(t, healthThen(c.answer))
			set(t, err)
			_, err = admin.Observe(t.Context(), []string{root})
			if err == nil {
				t.Fatal("it was taken for an answer")
			}
			if fault.IsTerminal(err) != c.terminal || fault.IsWaiting(err) != c.waiting {
				t.Errorf("terminal %t, waiting %t: %v", fault.IsTerminal(err), fault.IsWaiting(err), err)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b\u2028") || len(err.Error()) > 1000 {
				t.Errorf("the message carries what the server wants into our log: %q", err)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of an endless answer were taken", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Nothing reaches a server that does not prove who it is.
func TestNothingIsSentToAStranger(t *testing.T) {
	home, stranger := hometest.New(t), hometest.New(t)
	server := home.Start(t, standin.NewState())
	access := home.Access(server)
	access.CA = stranger.CA
	_, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
	if !fault.IsWaiting(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
	if got := server.Requests(); len(got) != 0 {
		t.Errorf("requests reached the server: %v", got)
	}
}

func set(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func configure(t *testing.T, admin idp.Admin, change tenant.Diff) {
	t.Helper()
	if err := admin.Configure(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

func observe(t *testing.T, admin idp.Admin) tenant.Settings {
	t.Helper()
	seen, err := admin.Observe(t.Context(), []string{root})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func refused(t *testing.T, err error, names ...string) {
	t.Helper()
	if err == nil || !fault.IsTerminal(err) || fault.Of(err, "").Reason != idp.ReasonSettingRefused {
		t.Fatalf("error %v; want a Terminal SettingRefused", err)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the message does not say %q: %v", name, err)
		}
	}
}

func TestNotEnforceable(t *testing.T) {
	settings := maps.Clone(hardened)
	settings[tenant.PasswordNotCommon], settings[tenant.PasswordNotUsername] = "true", "false"
	settings["a.word.of.tomorrow"] = "1"
	got := wso2is.Driver{}.NotEnforceable(tenant.Spec{Realms: []tenant.Realm{{Name: root, Settings: settings}, {Name: "other", Settings: hardened}}})
	if len(got) != 1 || len(got[root]) != 2 || !strings.HasPrefix(got[root][0], "a.word.of.tomorrow: ") || !strings.HasPrefix(got[root][1], "password.notCommon: ") {
		t.Errorf("NotEnforceable = %q", got)
	}
	if diff := cmp.Diff(hardened, without(idp.Enforceable(tenant.Settings{root: settings}, got)[root], tenant.PasswordNotUsername)); diff != "" {
		t.Errorf("Enforceable (-want +got):\n%s", diff)
	}
}

func without(settings tenant.RealmSettings, setting tenant.Setting) tenant.RealmSettings {
	delete(settings, setting)
	return settings
}
