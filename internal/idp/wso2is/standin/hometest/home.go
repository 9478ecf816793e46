// Package hometest makes what a stand-in server starts from, for tests that need a
// server and not the operator's own rendering of it.
package hometest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"testing"
	"testing/fstest"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// ServerName is what the TLS certificate of a Home is for.
const ServerName = "acme.iam.svc"

// Home is a product home: files, and the environment that they refer to.
type Home struct {
	Files fstest.MapFS
	// Environment of the process.
	Environment map[string]string
	// CA signed the TLS certificate, in PEM.
	CA []byte
	// Bootstrap is the account that the first start makes.
	Bootstrap idp.UsernamePassword
}

const deployment = `
[server]
hostname = "id.acme.example"
[super_admin]
username = "bootstrap"
password = "$env{BOOTSTRAP_PASSWORD}"
create_admin_account = true
[keystore.primary]
file_name = "primary.p12"
type = "PKCS12"
password = "$env{PRIMARY_PASSWORD}"
alias = "federation"
key_password = "$env{PRIMARY_PASSWORD}"
[keystore.internal]
file_name = "internal.p12"
type = "PKCS12"
password = "$env{INTERNAL_PASSWORD}"
alias = "internal"
key_password = "$env{INTERNAL_PASSWORD}"
[keystore.tls]
file_name = "tls.p12"
type = "PKCS12"
password = "$env{TLS_PASSWORD}"
alias = "tls"
key_password = "$ref{keystore.tls.password}"
[[keystore.custom]]
file_name = "signing.p12"
type = "PKCS12"
password = "$env{SIGNING_PASSWORD}"
alias = "current"
key_password = "$env{SIGNING_PASSWORD}"
[keystore.mapping.oauth]
keystore_file_name = "signing.p12"
use_in_all_tenants = true
[truststore]
file_name = "trust.p12"
type = "PKCS12"
password = "$env{TRUST_PASSWORD}"
[encryption]
key = "$env{DATA_KEY}"
[transport.http]
enabled = false
[transport.https.properties]
server = "-"
[transport.https.sslHostConfig.properties]
protocols = "TLSv1.2+TLSv1.3"
ciphers = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_AES_256_GCM_SHA384"
certificateVerification = "want"
[[resource.access_control]]
context = "(.*)/api/server/v1/validation-rules(.*)"
secure = true
http_method = "PUT"
cross_tenant = true
cross_access_allowed_tenants = "carbon.super"
scopes = ["internal_validation_rule_mgt_update"]
[[resource.access_control]]
context = "(.*)/api/server/v1/(identity-governance|configs)(.*)"
secure = true
http_method = "GET, PATCH"
cross_tenant = true
cross_access_allowed_tenants = "carbon.super"
scopes = ["internal_config_update"]
`

// New makes a home. Each has keys and passwords of its own.
func New(t testing.TB) Home {
	t.Helper()
	authority := NewAuthority(t)
	h := Home{
		Files:     fstest.MapFS{"conf/deployment.toml": {Data: []byte(deployment)}},
		CA:        authority.PEM(),
		Bootstrap: idp.UsernamePassword{Username: "bootstrap", Password: keystore.GeneratePassword()},
	}
	h.Environment = map[string]string{"BOOTSTRAP_PASSWORD": h.Bootstrap.Password, "DATA_KEY": keystore.GenerateDataKey()}
	h.Store(t, "primary.p12", "PRIMARY_PASSWORD", authority.Key(t, "federation"))
	h.Store(t, "internal.p12", "INTERNAL_PASSWORD", authority.Key(t, "internal"))
	h.Store(t, "tls.p12", "TLS_PASSWORD", authority.Key(t, "tls"))
	h.Store(t, "signing.p12", "SIGNING_PASSWORD", authority.Key(t, "current"), authority.Key(t, "next"))
	h.Store(t, "trust.p12", "TRUST_PASSWORD", authority.Trusted())
	return h
}

// Authority signs the certificates of a Home.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) Authority {
	t.Helper()
	c, key := certificate(t, "authority", nil, nil)
	return Authority{c, key}
}

// PEM is its certificate.
func (a Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Key is a fresh key with a certificate for ServerName and localhost.
func (a Authority) Key(t testing.TB, alias string) keystore.Entry {
	t.Helper()
	leaf, key := certificate(t, alias, a.certificate, a.key)
	return keystore.Entry{Alias: alias, PrivateKey: key, Chain: []*x509.Certificate{leaf, a.certificate}}
}

// Trusted is its certificate as an entry of a trust store.
func (a Authority) Trusted() keystore.Entry {
	return keystore.Entry{Alias: "authority", Chain: []*x509.Certificate{a.certificate}}
}

// Store puts a store into the home, under a fresh password.
func (h Home) Store(t testing.TB, name, variable string, entries ...keystore.Entry) {
	t.Helper()
	password := keystore.GeneratePassword()
	data, err := keystore.EncodePKCS12(entries, password)
	if err != nil {
		t.Fatal(err)
	}
	h.Files["security/"+name], h.Environment[variable] = &fstest.MapFile{Data: data}, password
}

// Signing are the certificates of the keys that sign tokens.
func (h Home) Signing(t testing.TB) []*x509.Certificate {
	t.Helper()
	entries, err := keystore.DecodePKCS12(h.Files["security/signing.p12"].Data, h.Environment["SIGNING_PASSWORD"])
	if err != nil {
		t.Fatal(err)
	}
	var certificates []*x509.Certificate
	for _, entry := range entries {
		certificates = append(certificates, entry.Chain[0])
	}
	return certificates
}

// Clone is a home that can be changed apart, as the next pod's.
func (h Home) Clone() Home {
	h.Files, h.Environment = maps.Clone(h.Files), maps.Clone(h.Environment)
	return h
}

// Options to start a server on loopback.
func (h Home) Options(t testing.TB, state *standin.State) standin.Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return standin.Options{Home: h.Files, State: state, Listener: listener, Environment: func(name string) (string, bool) {
		value, ok := h.Environment[name]
		return value, ok
	}}
}

// Start runs a server until the test ends.
func (h Home) Start(t testing.TB, state *standin.State) *standin.Server {
	t.Helper()
	server, err := standin.Start(h.Options(t, state))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// Access reaches a server that was started from the home.
func (h Home) Access(server *standin.Server) idp.Access {
	return idp.Access{Address: server.Address(), ServerName: ServerName, CA: h.CA, Bootstrap: h.Bootstrap,
		System: idp.UsernamePassword{Username: "system", Password: h.Bootstrap.Password + "-system"}}
}

func certificate(t testing.TB, name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("%s %d", name, serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{ServerName, "localhost"},
	}
	if parent == nil {
		parent, parentKey, template.IsCA, template.BasicConstraintsValid = template, key, true, true
		template.KeyUsage, template.DNSNames = x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, key
}
