// Package keycloaktest starts a real Keycloak with a real PostgreSQL, for tests of the
// driver against the server itself.
package keycloaktest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/localenv"
)

const (
	// ServerName is what the server's certificate is for.
	ServerName = "acme.iam.svc"
	// Version is that of the server.
	Version = "26.7.3"
)

// Server is a running Keycloak with the database that it alone uses.
type Server struct {
	Keycloak *localenv.Keycloak
	Postgres *localenv.Postgres
	// CA signed the server's certificate, in PEM.
	CA []byte
	// First is the account of the first start.
	First idp.UsernamePassword

	address string
}

const configuration = `
db=postgres
db-url=jdbc:postgresql://127.0.0.1:%d/` + localenv.PostgresDatabase + `?sslmode=verify-full&sslrootcert=${kc.home.dir}/conf/db-ca.crt
db-username=keycloak
hostname=https://id.acme.example
http-enabled=false
https-protocols=TLSv1.3,TLSv1.2
https-key-store-file=${kc.home.dir}/conf/tls.p12
spi-password-policy--password-blacklist--blacklists-path=${kc.home.dir}/conf/
`

// Start starts both. It takes about half a minute.
func Start(ctx context.Context, log io.Writer) (*Server, error) {
	postgres, err := localenv.StartPostgres(ctx, log)
	if err != nil {
		return nil, err
	}
	s := &Server{Postgres: postgres, First: idp.UsernamePassword{Username: "first", Password: keystore.GeneratePassword()}}
	if err := s.start(ctx, log); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, log io.Writer) error {
	ofDatabase, ofStore := keystore.GeneratePassword(), keystore.GeneratePassword()
	if err := s.Postgres.Role(ctx, "keycloak", ofDatabase); err != nil {
		return err
	}
	store, err := s.store(ofStore)
	if err != nil {
		return err
	}
	s.Keycloak, err = localenv.StartKeycloak(ctx, localenv.KeycloakOptions{Log: log,
		Files: map[string][]byte{
			"keycloak.conf": fmt.Appendf(nil, configuration, s.Postgres.Port()), "db-ca.crt": s.Postgres.CA(), "tls.p12": store,
			keycloak.CommonPasswordsFile: keycloak.CommonPasswords(),
		},
		Environment: map[string]string{"KC_DB_PASSWORD": ofDatabase, "KC_HTTPS_KEY_STORE_PASSWORD": ofStore,
			"KC_BOOTSTRAP_ADMIN_USERNAME": s.First.Username, "KC_BOOTSTRAP_ADMIN_PASSWORD": s.First.Password}})
	if err != nil {
		return err
	}
	s.address = s.Keycloak.Address()
	return nil
}

// store is a PKCS#12 store with a certificate for ServerName, of an authority of its own.
func (s *Server) store(password string) ([]byte, error) {
	authority, authorityKey, err := certificate("authority", nil, nil)
	if err != nil {
		return nil, err
	}
	leaf, key, err := certificate(ServerName, authority, authorityKey)
	if err != nil {
		return nil, err
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	return keystore.EncodePKCS12([]keystore.Entry{{Alias: "tls", PrivateKey: key, Chain: []*x509.Certificate{leaf, authority}}}, password)
}

func certificate(name string, parent *x509.Certificate, parentKey crypto.Signer) (*x509.Certificate, crypto.Signer, error) {
	key, err := keystore.GenerateKey(keystore.ECDSA, 256)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{name, "localhost"}}
	if parent == nil {
		parent, parentKey, template.IsCA, template.BasicConstraintsValid = template, key, true, true
		template.KeyUsage, template.DNSNames = x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return parsed, key, err
}

// Access reaches the server as the account.
func (s *Server) Access(account idp.UsernamePassword) idp.Access {
	return idp.Access{Address: s.address, ServerName: ServerName, CA: s.CA, Bootstrap: account}
}

// Close ends both and removes what they kept.
func (s *Server) Close() {
	if s.Keycloak != nil {
		s.Keycloak.Close()
	}
	s.Postgres.Close()
}
