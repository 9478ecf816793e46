package standin_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// api calls a server as curl would.
type api struct {
	*testing.T
	server  *standin.Server
	client  *http.Client
	account idp.UsernamePassword
}

func caller(t *testing.T, home hometest.Home, server *standin.Server) api {
	transport := &http.Transport{TLSClientConfig: trusting(home)}
	t.Cleanup(transport.CloseIdleConnections)
	return api{t, server, &http.Client{Transport: transport}, home.Bootstrap}
}

func trusting(homes ...hometest.Home) *tls.Config {
	roots := x509.NewCertPool()
	for _, home := range homes {
		roots.AppendCertsFromPEM(home.CA)
	}
	return &tls.Config{RootCAs: roots, ServerName: hometest.ServerName, MinVersion: tls.VersionTLS12}
}

func (a api) as(name, password string) api {
	a.account = idp.UsernamePassword{Username: name, Password: password}
	return a
}

// call wants a status and gives the answer.
func (a api) call(status int, method, path, body string) map[string]any {
	a.Helper()
	request, err := http.NewRequest(method, "https://"+a.server.Address()+path, bytes.NewBufferString(body))
	if err != nil {
		a.Fatal(err)
	}
	if a.account.Username != "" {
		request.SetBasicAuth(a.account.Username, a.account.Password)
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		a.Fatal(err)
	}
	if response.StatusCode != status {
		a.Fatalf("%s %s: status %d, want %d: %s", method, path, response.StatusCode, status, data)
	}
	if got := response.Header.Get("Server"); got != "-" {
		a.Errorf("%s %s: Server header %q", method, path, got)
	}
	var out map[string]any
	_ = json.Unmarshal(data, &out)
	return out
}

const (
	base   = "/api/server/v1"
	rules  = base + "/validation-rules/password"
	server = base + "/configs"
)

func connectorPath(category, name string) string {
	id := base64.RawURLEncoding.EncodeToString
	return base + "/identity-governance/" + id([]byte(category)) + "/connectors/" + id([]byte(name))
}

var (
	lock     = connectorPath("Login Attempts Security", "account.lock.handler")
	recovery = connectorPath("Account Management", "account-recovery")
	reset    = connectorPath("Account Management", "admin-forced-password-reset")
)

// patch sends name, value, name, value.
func (a api) patch(status int, path string, pairs ...string) map[string]any {
	a.Helper()
	body := map[string]any{"operation": "UPDATE"}
	var properties []map[string]string
	for pair := range slices.Chunk(pairs, 2) {
		properties = append(properties, map[string]string{"name": pair[0], "value": pair[1]})
	}
	body["properties"] = properties
	encoded, err := json.Marshal(body)
	if err != nil {
		a.Fatal(err)
	}
	return a.call(status, http.MethodPatch, path, string(encoded))
}

// properties are what a connector lists.
func (a api) properties(path string) map[string]string {
	a.Helper()
	out := map[string]string{}
	list, _ := a.call(http.StatusOK, http.MethodGet, path, "")["properties"].([]any)
	for _, entry := range list {
		property := entry.(map[string]any)
		out[property["name"].(string)] = property["value"].(string)
	}
	return out
}

// A user has one password, and deployment.toml has a say before it exists only.
func TestOnePasswordPerUser(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	first := caller(t, home, home.Start(t, state))
	first.call(http.StatusOK, http.MethodGet, server, "")

	later := home.Clone()
	later.Environment["BOOTSTRAP_PASSWORD"] = "Another-1-password"
	second := caller(t, home, later.Start(t, state))
	second.call(http.StatusOK, http.MethodGet, server, "")
	second.as("bootstrap", "Another-1-password").call(http.StatusUnauthorized, http.MethodGet, server, "")

	if err := state.SetPassword("bootstrap", "Another-1-password"); err != nil {
		t.Fatal(err)
	}
	for _, pod := range []api{first, second} {
		pod.call(http.StatusUnauthorized, http.MethodGet, server, "")
		pod.as("bootstrap", "Another-1-password").call(http.StatusOK, http.MethodGet, server, "")
	}
	if err := state.LockAccount("bootstrap", true); err != nil {
		t.Fatal(err)
	}
	first.as("bootstrap", "Another-1-password").call(http.StatusUnauthorized, http.MethodGet, server, "")
}

func TestWhoIsLetIn(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	if err := state.AddServerTenant("second.example"); err != nil {
		t.Fatal(err)
	}
	a := caller(t, home, home.Start(t, state))
	password := home.Bootstrap.Password
	for _, c := range []struct {
		name, path string
		status     int
	}{
		{"", server, http.StatusUnauthorized},
		{"", rules, http.StatusOK}, // the pages for new accounts show them
		{"", "/t/second.example" + rules, http.StatusOK},
		{"", "/t/third.example" + rules, http.StatusNotFound},
		{"nobody", server, http.StatusUnauthorized},
		{"bootstrap@carbon.super", server, http.StatusOK},
		{"bootstrap", base + "/keystores/certs", http.StatusUnauthorized},
		{"bootstrap", "/carbon/admin", http.StatusUnauthorized},
		{"bootstrap", "/t/carbon.super" + server, http.StatusNotFound},
		{"bootstrap", "/t/third.example" + server, http.StatusNotFound},
		{"bootstrap", "/t/second.example" + server, http.StatusUnauthorized}, // there is no such user there
		{"bootstrap@carbon.super", "/t/second.example" + server, http.StatusOK},
		{"bootstrap@carbon.super", "/t/second.example/scim2/Users", http.StatusUnauthorized}, // not opened
	} {
		a.as(c.name, password).call(c.status, http.MethodGet, c.path, "")
	}
	a.call(http.StatusCreated, http.MethodPost, "/scim2/Users", `{"userName":"plain","password":"Plain-1-password"}`)
	plain := a.as("plain", "Plain-1-password")
	plain.call(http.StatusOK, http.MethodGet, "/scim2/Me", "")
	plain.call(http.StatusForbidden, http.MethodGet, server, "")
	plain.patch(http.StatusForbidden, lock, "account.lock.handler.Time", "0")

	closed := home.Clone()
	edit(t, closed, "GET, PATCH", "PATCH")
	caller(t, home, closed.Start(t, state)).as("bootstrap@carbon.super", password).
		call(http.StatusUnauthorized, http.MethodGet, "/t/second.example"+server, "")

	// A row takes the place of the product's own: without a right in it, a login is enough.
	careless := home.Clone()
	edit(t, careless, `scopes = ["internal_config_update"]`, "")
	caller(t, home, careless.Start(t, state)).as("plain", "Plain-1-password").call(http.StatusOK, http.MethodGet, server, "")
}

// Unknown names are stored and answered with 200; connectors list their own names,
// and strangers that begin with the connector's.
func TestUnknownPropertyIsAccepted(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	a := caller(t, home, home.Start(t, state))
	before := a.properties(lock)
	a.patch(http.StatusOK, lock, "no.such.property", "1", "account.lock.handler.stranger", "2")
	before["account.lock.handler.stranger"] = "2"
	if diff := cmp.Diff(before, a.properties(lock)); diff != "" {
		t.Errorf("what the connector lists (-want +got):\n%s", diff)
	}
	stored, err := state.Properties(tenant.RootRealm)
	if err != nil {
		t.Fatal(err)
	}
	if stored["no.such.property"] != "1" {
		t.Error("the unknown property is not stored")
	}
	if _, ok := stored["passwordHistory.count"]; !ok {
		t.Error("a PATCH of one connector did not write the whole shared set")
	}
	a.call(http.StatusNotFound, http.MethodGet, connectorPath("Login Attempts Security", "no.such.connector"), "")
	a.call(http.StatusNotFound, http.MethodGet, base+"/identity-governance/"+base64.RawURLEncoding.EncodeToString([]byte("No Such Category")), "")
}

// deployment.toml seeds defaults until anything of the realm is written.
func TestSeedsEndWithTheFirstWrite(t *testing.T) {
	const name = "Recovery.CallbackRegex"
	home, state := hometest.New(t), standin.NewState()
	start := func(seed string) api {
		changed := home.Clone()
		edit(t, changed, "[server]", "[identity_mgt.recovery]\ncallback_url = '"+seed+"'\n[server]")
		return caller(t, home, changed.Start(t, state))
	}
	if got := start("first").properties(recovery)[name]; got != "first" {
		t.Errorf("%s is %q, want the seed", name, got)
	}
	second := start("second")
	second.patch(http.StatusOK, lock, "account.lock.handler.Time", "30")
	if got := start("third").properties(recovery)[name]; got != "second" {
		t.Errorf("%s is %q; the write of another property should have stored the seed of that time", name, got)
	}
}

// Two writes at once: the later one takes the earlier one with it.
func TestConcurrentPatchesRace(t *testing.T) {
	home := hometest.New(t)
	a := caller(t, home, home.Start(t, standin.NewState()))
	a.server.BeforeCommit(func() { a.patch(http.StatusOK, lock, "account.lock.handler.Time", "30") })
	a.patch(http.StatusOK, lock, "account.lock.handler.On.Failure.Max.Attempts", "3")
	got := a.properties(lock)
	if got["account.lock.handler.On.Failure.Max.Attempts"] != "3" || got["account.lock.handler.Time"] != "5" {
		t.Errorf("the write in the gap survived: %v", got)
	}
}

func TestSwallowedWrite(t *testing.T) {
	home := hometest.New(t)
	a := caller(t, home, home.Start(t, standin.NewState()))
	a.server.SwallowWrites(true)
	a.patch(http.StatusOK, lock, "account.lock.handler.Time", "30")
	a.call(http.StatusOK, http.MethodPut, rules, `{"rules":[]}`)
	if got := a.properties(lock)["account.lock.handler.Time"]; got != "5" {
		t.Errorf("the write was kept: %s", got)
	}
	if list, _ := a.call(http.StatusOK, http.MethodGet, rules, "")["rules"].([]any); len(list) != 5 {
		t.Errorf("the rules were kept: %v", list)
	}
}

func TestRecoveryAndResetDependOnEachOther(t *testing.T) {
	const (
		enable, link = "Recovery.Notification.Password.Enable", "Recovery.Notification.Password.emailLink.Enable"
		sms, otp     = "Recovery.Notification.Password.smsOtp.Enable", "Recovery.Notification.Password.OTP.SendOTPInEmail"
		resetLink    = "Recovery.AdminPasswordReset.RecoveryLink"
	)
	home := hometest.New(t)
	a := caller(t, home, home.Start(t, standin.NewState()))
	expect := func(values ...string) {
		t.Helper()
		got := a.properties(recovery)
		if diff := cmp.Diff(values, []string{got[enable], got[link], got[sms], got[otp]}); diff != "" {
			t.Errorf("enable, link, sms, otp (-want +got):\n%s", diff)
		}
	}
	expect("false", "false", "false", "false")
	a.patch(http.StatusOK, recovery, enable, "true") // two channels come with it
	expect("true", "true", "true", "false")
	a.patch(http.StatusOK, recovery, sms, "false")
	expect("true", "true", "false", "false")
	a.patch(http.StatusOK, recovery, link, "false") // with the last channel goes the switch
	expect("false", "false", "false", "false")
	a.patch(http.StatusBadRequest, recovery, enable, "true", link, "false", sms, "false", otp, "false")
	a.patch(http.StatusBadRequest, recovery, enable, "false", link, "true")
	a.patch(http.StatusBadRequest, recovery, enable, "true", link, "true", otp, "true")

	a.patch(http.StatusOK, reset, resetLink, "true")
	a.patch(http.StatusBadRequest, reset, "Recovery.AdminPasswordReset.OTP", "true")
	a.patch(http.StatusBadRequest, reset, resetLink, "false")
}

func TestPasswordRules(t *testing.T) {
	home := hometest.New(t)
	a := caller(t, home, home.Start(t, standin.NewState()))
	for body, code := range map[string]string{
		`{"rules":[],"regEx":[]}`: "60020",
		`{}`:                      "60020",
		`{"rules":[{"validator":"DictionaryValidator","properties":[]}]}`:                                                                                          "60019",
		`{"rules":[{"validator":"JavaRegExValidator","properties":[{"key":"regex","value":"."}]}]}`:                                                                "60019",
		`{"rules":[{"validator":"LengthValidator","properties":[{"key":"length","value":"1"}]}]}`:                                                                  "60018",
		`{"rules":[{"validator":"LengthValidator","properties":[{"key":"min.length","value":"twelve"}]}]}`:                                                         "60017",
		`{"rules":[{"validator":"LengthValidator","properties":[{"key":"max.length","value":"65"}]}]}`:                                                             "60003",
		`{"rules":[{"validator":"LengthValidator","properties":[{"key":"min.length","value":"20"},{"key":"max.length","value":"10"}]}]}`:                           "60003",
		`{"regEx":[{"validator":"JavaRegExValidator","properties":[{"key":"java.regex","value":"."}]}]}`:                                                           "60018",
		`{"rules":[{"validator":"LowerCaseValidator","properties":[{"key":"min.length","value":"1"}]}],"regEx":[{"validator":"LengthValidator","properties":[]}]}`: "60020",
	} {
		if got := a.call(http.StatusBadRequest, http.MethodPut, rules, body)["code"]; got != code {
			t.Errorf("PUT %s: code %v, want %s", body, got, code)
		}
	}
	a.call(http.StatusOK, http.MethodPut, rules, `{"rules":[{"validator":"LowerCaseValidator","properties":[]},{"validator":"NumeralValidator","properties":[{"key":"min.length","value":"2"}]}]}`)
	want := map[string]any{"field": "password", "rules": []any{map[string]any{
		"validator": "NumeralValidator", "properties": []any{map[string]any{"key": "min.length", "value": "2"}}}}}
	if diff := cmp.Diff(want, a.call(http.StatusOK, http.MethodGet, rules, "")); diff != "" {
		t.Errorf("a validator without a property is stored (-want +got):\n%s", diff)
	}
	a.call(http.StatusOK, http.MethodPut, rules, `{"regEx":[{"validator":"JavaRegExValidator","properties":[{"key":"regex","value":"^.{12,}$"}]}]}`)
	if got := a.call(http.StatusOK, http.MethodGet, rules, ""); got["rules"] != nil || got["regEx"] == nil {
		t.Errorf("the expression did not take the rules' place: %v", got)
	}

	longer := home.Clone()
	edit(t, longer, "[server]", "[identity_mgt.password_policy]\nmax_password_allowed_length = 128\n[server]")
	caller(t, home, longer.Start(t, standin.NewState())).call(http.StatusOK, http.MethodPut, rules,
		`{"rules":[{"validator":"LengthValidator","properties":[{"key":"max.length","value":"128"}]}]}`)
}

// Every key of the signing store is published and no other.
func TestPublishedKeys(t *testing.T) {
	home := hometest.New(t)
	a := caller(t, home, home.Start(t, standin.NewState())).as("", "")
	keys, _ := a.call(http.StatusOK, http.MethodGet, "/oauth2/jwks", "")["keys"].([]any)
	var names []string
	for _, entry := range keys {
		der, err := base64.StdEncoding.DecodeString(entry.(map[string]any)["x5c"].([]any)[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(certificate.Subject.CommonName, " ")
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"current", "next"}, names); diff != "" {
		t.Errorf("published keys (-want +got):\n%s", diff)
	}
	document := a.call(http.StatusOK, http.MethodGet, "/oauth2/token/.well-known/openid-configuration", "")
	if document["jwks_uri"] != "https://id.acme.example/oauth2/jwks" {
		t.Errorf("discovery document: %v", document)
	}
	a.call(http.StatusOK, http.MethodGet, "/api/health-check/v1.0/health", "")
	a.server.Unwell(true)
	a.call(http.StatusServiceUnavailable, http.MethodGet, "/api/health-check/v1.0/health", "")
}

// A running server does not see that its files changed; the next start does.
func TestNothingIsReloaded(t *testing.T) {
	home, state, renewed := hometest.New(t), standin.NewState(), hometest.New(t)
	server := home.Start(t, state)
	served := func(s *standin.Server) string {
		t.Helper()
		connection, err := tls.Dial("tcp", s.Address(), trusting(home, renewed))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		return connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := served(server)
	home.Files["security/tls.p12"], home.Environment["TLS_PASSWORD"] = renewed.Files["security/tls.p12"], renewed.Environment["TLS_PASSWORD"]
	if after := served(server); after != before {
		t.Error("the running server serves the new certificate")
	}
	if after := served(home.Start(t, state)); after == before {
		t.Error("the restarted server serves the old certificate")
	}
}

func TestProtocols(t *testing.T) {
	home := hometest.New(t)
	server := home.Start(t, standin.NewState())
	for version, works := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := trusting(home)
		config.MinVersion, config.MaxVersion = version, version
		connection, err := tls.Dial("tcp", server.Address(), config)
		if err == nil {
			connection.Close()
		}
		if (err == nil) != works {
			t.Errorf("TLS version %x: error %v, want it to work: %t", version, err, works)
		}
	}
	response, err := http.Get("http://" + server.Address() + "/oauth2/jwks")
	if err == nil {
		response.Body.Close()
		if response.StatusCode < 400 {
			t.Errorf("clear HTTP is answered with %d", response.StatusCode)
		}
	}
}

// Without cluster messages another pod's write is seen late, one's own at once.
func TestCacheDelay(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	var minutes atomic.Int64
	start := func() api {
		options := home.Options(t, state)
		options.CacheFor, options.Now = 5*time.Minute, func() time.Time { return time.Unix(60*minutes.Load(), 0) }
		server, err := standin.Start(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		return caller(t, home, server)
	}
	one, other := start(), start()
	const name = "account.lock.handler.Time"
	other.properties(lock)
	one.patch(http.StatusOK, lock, name, "30")
	if got := one.properties(lock)[name]; got != "30" {
		t.Errorf("the pod that wrote sees %s", got)
	}
	if got := other.properties(lock)[name]; got != "5" {
		t.Errorf("the other pod sees %s at once", got)
	}
	minutes.Add(6)
	if got := other.properties(lock)[name]; got != "30" {
		t.Errorf("the other pod still sees %s when its cache has expired", got)
	}
}
