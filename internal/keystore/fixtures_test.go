package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

const password = "Zq7wT3nKx9Bv5LmR2cHs8YdF4gJp6AeU1oXi0NbM"

var (
	begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	end   = begin.AddDate(1, 0, 0)
)

// fixedKey is an ECDSA key that is the same in each run.
func fixedKey(t testing.TB, curve elliptic.Curve, name string) *ecdsa.PrivateKey {
	t.Helper()
	sum := sha512.Sum512([]byte(name))
	scalar := append(make([]byte, 2), sum[:]...) // 66 bytes, as P-521 takes them
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar[:(curve.Params().BitSize+7)/8])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func p256(t testing.TB, name string) *ecdsa.PrivateKey { return fixedKey(t, elliptic.P256(), name) }

var generateRSA = sync.OnceValues(func() (crypto.Signer, error) { return GenerateKey(RSA, 2048) })

// rsaKey is one RSA key for the whole run: making one is slow.
func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := generateRSA()
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

// issued is a certificate with its key.
type issued struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// issue signs a certificate by parent, or by itself where parent is nil.
func issue(t testing.TB, parent *issued, key crypto.Signer, name string, change ...func(*x509.Certificate)) *issued {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name)) + 1000), Subject: pkix.Name{CommonName: name},
		NotBefore: begin, NotAfter: end, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	for _, f := range change {
		f(template)
	}
	signer, issuer := key, template
	if parent != nil {
		signer, issuer = parent.key, parent.cert
	}
	der, err := x509.CreateCertificate(nil, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{key, certificate}
}

func leaf(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }

func until(notAfter time.Time) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotAfter = notAfter }
}

// family is a root, an authority below it and a key's own certificate.
type family struct{ root, middle, own *issued }

func newFamily(t testing.TB, key crypto.Signer, name string) family {
	t.Helper()
	root := issue(t, nil, p256(t, "root"), "Acme Root")
	middle := issue(t, root, p256(t, "middle"), "Acme Issuing")
	return family{root, middle, issue(t, middle, key, name, leaf)}
}

func (f family) chain() []*x509.Certificate {
	return []*x509.Certificate{f.own.cert, f.middle.cert, f.root.cert}
}

func (f family) entry(alias string) Entry {
	return Entry{Alias: alias, PrivateKey: f.own.key, Chain: f.chain()}
}

func trusted(alias string, certificate *x509.Certificate) Entry {
	return Entry{Alias: alias, Chain: []*x509.Certificate{certificate}}
}

// mixed is a store with all that a store can have: two keys that share their
// authorities, one that signs itself, and two trusted certificates.
func mixed(t testing.TB, first crypto.Signer) []Entry {
	t.Helper()
	tls, signing := newFamily(t, first, "tls"), newFamily(t, fixedKey(t, elliptic.P384(), "signing"), "signing")
	self := p256(t, "self")
	certificate, err := SelfSign(self, SelfSignTemplate{CommonName: "self", NotBefore: begin, NotAfter: end})
	if err != nil {
		t.Fatal(err)
	}
	return []Entry{
		tls.entry("tls"), signing.entry("signing"),
		{Alias: "self", PrivateKey: self, Chain: []*x509.Certificate{certificate}},
		trusted("db-ca", issue(t, nil, p256(t, "db"), "Database Root").cert),
		trusted("ldap-ca", issue(t, nil, fixedKey(t, elliptic.P521(), "ldap"), "Directory Root").cert),
	}
}

func mustEncode(t testing.TB, entries []Entry) []byte {
	t.Helper()
	store, err := EncodePKCS12(entries, password)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func mustDecode(t testing.TB, store []byte) []Entry {
	t.Helper()
	entries, err := DecodePKCS12(store, password)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func mustDigest(t testing.TB, entries []Entry, password string) string {
	t.Helper()
	digest, err := Digest(PKCS12, entries, password)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// shape is what a user sees of entries, in a form that cmp can show.
func shape(t testing.TB, entries []Entry) map[string][]string {
	t.Helper()
	shapes := map[string][]string{}
	for _, e := range entries {
		lines := []string{"trusted"}
		if e.PrivateKey != nil {
			id, err := KeyID(e.PrivateKey.Public())
			if err != nil {
				t.Fatal(err)
			}
			lines = []string{"key " + id}
		}
		for _, certificate := range e.Chain {
			lines = append(lines, Fingerprint(certificate))
		}
		shapes[e.Alias] = lines
	}
	return shapes
}
