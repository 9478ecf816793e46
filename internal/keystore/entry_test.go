package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRefusedEntriesAreNamed(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	alias := func(alias string) []Entry { return []Entry{f.entry(alias)} }
	chain := func(key crypto.Signer, chain ...*x509.Certificate) []Entry {
		return []Entry{{Alias: "tls", PrivateKey: key, Chain: chain}}
	}
	smallKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	small := issue(t, nil, smallKey, "small")
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	odd := issue(t, nil, p224, "odd")
	edwards := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signed := issue(t, nil, edwards, "edwards")
	shipped := issue(t, nil, p256(t, "shipped"), "localhost", func(c *x509.Certificate) { c.Subject.Organization = []string{"WSO2"} })
	stranger := issue(t, nil, p256(t, "stranger"), "Acme Issuing")
	notAuthority := issue(t, f.root, p256(t, "plain"), "Plain", leaf)
	below := issue(t, &issued{notAuthority.key, notAuthority.cert}, p256(t, "below"), "below", leaf)

	for name, c := range map[string]struct {
		entries []Entry
		alias   string
		want    string
	}{
		"empty alias":        {alias(""), "", "empty"},
		"upper case":         {alias("Tls"), "Tls", "lower-case"},
		"leading hyphen":     {alias("-tls"), "-tls", "lower-case"},
		"trailing newline":   {alias("tls\n"), "tls\n", "lower-case"},
		"path":               {alias("../tls"), "../tls", "lower-case"},
		"64 characters":      {alias(strings.Repeat("a", 64)), strings.Repeat("a", 64), "1 to 63"},
		"vendor's alias":     {alias("wso2carbon"), "wso2carbon", "DEF-02"},
		"vendor's key":       {[]Entry{trusted("partner", shipped.cert)}, "partner", "DEF-02"},
		"alias twice":        {[]Entry{f.entry("tls"), trusted("tls", f.root.cert)}, "tls", "twice"},
		"another's key":      {chain(f.root.key, f.chain()...), "tls", "does not belong"},
		"nil RSA key":        {chain((*rsa.PrivateKey)(nil), f.chain()...), "tls", "does not belong"},
		"no chain":           {chain(f.own.key), "tls", "not 0"},
		"nil certificate":    {chain(f.own.key, f.own.cert, nil), "tls", "empty certificate"},
		"chain too long":     {chain(f.own.key, slices.Repeat(f.chain(), 4)...), "tls", "not 12"},
		"order reversed":     {chain(f.own.key, f.own.cert, f.root.cert, f.middle.cert), "tls", "was not issued by"},
		"issuer left out":    {chain(f.own.key, f.own.cert, f.root.cert), "tls", "was not issued by"},
		"namesake of issuer": {chain(f.own.key, f.own.cert, stranger.cert), "tls", "does not verify"},
		"issuer no CA":       {chain(below.key, below.cert, notAuthority.cert), "tls", "does not verify"},
		"RSA 1024":           {chain(smallKey, small.cert), "tls", "1024 bits"},
		"RSA 1024 trusted":   {[]Entry{trusted("ca", small.cert)}, "ca", "1024 bits"},
		"P-224":              {chain(p224, odd.cert), "tls", "P-224"},
		"Ed25519 key":        {chain(edwards, signed.cert), "tls", "use RSA or ECDSA"},
		"two trusted in one": {[]Entry{{Alias: "ca", Chain: f.chain()}}, "ca", "not 3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := EncodePKCS12(c.entries, password)
			var refused *EntryError
			if !errors.As(err, &refused) || refused.Alias != c.alias || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an EntryError for %q with %q", err, c.alias, c.want)
			}
			if _, err := Digest(PKCS12, c.entries, password); err == nil {
				t.Error("Digest took it")
			}
		})
	}
}

// A key that the vendor has published stays refused under every name.
func TestVendorKeyIsKnownByItself(t *testing.T) {
	certificate := issue(t, nil, p256(t, "pinned"), "Innocent").cert
	if _, err := EncodePKCS12([]Entry{trusted("ca", certificate)}, password); err != nil {
		t.Fatal(err)
	}
	id, err := KeyID(certificate.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	before := vendorKeys
	t.Cleanup(func() { vendorKeys = before })
	vendorKeys = append(slices.Clone(before), id)
	if _, err := EncodePKCS12([]Entry{trusted("ca", certificate)}, password); err == nil || !strings.Contains(err.Error(), "DEF-02") {
		t.Errorf("got %v, want a refusal with DEF-02", err)
	}
}

func TestWeakSignatureIsRefused(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	old := *f.own.cert // crypto/x509 signs nothing with SHA-1 any more
	old.SignatureAlgorithm = x509.ECDSAWithSHA1
	_, err := EncodePKCS12([]Entry{{Alias: "tls", PrivateKey: f.own.key, Chain: []*x509.Certificate{&old}}}, password)
	if err == nil || !strings.Contains(err.Error(), "PROD-02") {
		t.Errorf("got %v, want a refusal with PROD-02", err)
	}
}

func TestRefusedStores(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	if _, err := EncodePKCS12(nil, password); err == nil {
		t.Error("a store without entries was written")
	}
	if _, err := EncodePKCS12(slices.Repeat([]Entry{trusted("ca", f.root.cert)}, MaxEntries+1), password); err == nil {
		t.Error("a store with too many entries was written")
	}
	for _, weak := range []string{"", "changeit", "fifteen-letters", "line break at end\n", "with space 1234567", "Passwörter-sind-schwer", strings.Repeat("a", 257)} {
		if _, err := EncodePKCS12([]Entry{f.entry("tls")}, weak); !errors.Is(err, ErrPassword) {
			t.Errorf("password %q: %v, want ErrPassword", weak, err)
		}
		if _, err := Digest(PKCS12, []Entry{f.entry("tls")}, weak); !errors.Is(err, ErrPassword) {
			t.Errorf("digest with password %q: %v, want ErrPassword", weak, err)
		}
	}
}

func TestRootFromTruststoreCompletesTheChain(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	entries := []Entry{{Alias: "tls", PrivateKey: f.own.key, Chain: f.chain()[:2]}, trusted("root", f.root.cert)}
	store := mustEncode(t, entries)
	decoded := mustDecode(t, store)
	if len(decoded[1].Chain) != 3 {
		t.Errorf("%d certificates in the chain; Java shows 3", len(decoded[1].Chain))
	}
	if mustDigest(t, entries, password) != mustDigest(t, decoded, password) {
		t.Error("the store that was read has another digest than its input")
	}
	if string(mustEncode(t, decoded)) != string(store) {
		t.Error("the store that was read gives other bytes")
	}
}

func TestRenewedAuthorityIsSharedByBothChains(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	renewed := issue(t, f.root, f.middle.key, "Acme Issuing", until(end.Add(time.Hour)))
	next := issue(t, renewed, p256(t, "next"), "next", leaf)
	entries := []Entry{f.entry("old"), {Alias: "new", PrivateKey: next.key, Chain: []*x509.Certificate{next.cert, renewed.cert, f.root.cert}}}
	for _, e := range mustDecode(t, mustEncode(t, entries)) {
		if !e.Chain[1].Equal(renewed.cert) {
			t.Errorf("%s does not come with the newer certificate of its authority", e.Alias)
		}
	}
}

// rekeyed is a second authority of the issuing one's name, with another key.
func rekeyed(t testing.TB, f family) (authority, own *issued) {
	t.Helper()
	authority = issue(t, f.root, p256(t, "middle 2"), "Acme Issuing", until(end.Add(time.Hour)))
	return authority, issue(t, authority, p256(t, "next"), "next", leaf)
}

func TestTwoAuthoritiesOfOneNameAreToldApartByKeyIdentifier(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	authority, next := rekeyed(t, f)
	entries := []Entry{f.entry("old"), {Alias: "new", PrivateKey: next.key, Chain: []*x509.Certificate{next.cert, authority.cert, f.root.cert}}}
	if diff := cmp.Diff(shape(t, entries), shape(t, mustDecode(t, mustEncode(t, entries)))); diff != "" {
		t.Errorf("-given +read:\n%s", diff)
	}
}

func TestTwoAuthoritiesOfOneNameWithoutKeyIdentifierAreRefused(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	authority, next := rekeyed(t, f)
	unmarked := *f.middle.cert
	unmarked.SubjectKeyId = nil // so the certificate below it names no authority key
	own := issue(t, &issued{f.middle.key, &unmarked}, f.own.key, "tls", leaf)
	_, err := EncodePKCS12([]Entry{
		{Alias: "old", PrivateKey: own.key, Chain: []*x509.Certificate{own.cert, f.middle.cert, f.root.cert}},
		{Alias: "new", PrivateKey: next.key, Chain: []*x509.Certificate{next.cert, authority.cert, f.root.cert}},
	}, password)
	var refused *EntryError
	if !errors.As(err, &refused) || refused.Alias != "old" || !strings.Contains(err.Error(), "distinct subjects") {
		t.Errorf("got %v, want a refusal of the entry that Java would show with a wrong chain", err)
	}
}

// Both keys of a rotation sign themselves under one name.
func TestTwoSelfSignedCertificatesOfOneName(t *testing.T) {
	entries := twins(t)
	if diff := cmp.Diff(shape(t, entries), shape(t, mustDecode(t, mustEncode(t, entries)))); diff != "" {
		t.Errorf("-given +read:\n%s", diff)
	}
}

func twins(t testing.TB) []Entry {
	t.Helper()
	var entries []Entry
	for _, alias := range []string{"previous", "current"} {
		key := p256(t, alias)
		certificate, err := SelfSign(key, SelfSignTemplate{CommonName: "acme token signing", NotBefore: begin, NotAfter: end})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{Alias: alias, PrivateKey: key, Chain: []*x509.Certificate{certificate}})
	}
	return entries
}

func TestNamesakeOfTheIssuerInTheTruststoreStaysOutOfTheChain(t *testing.T) {
	entries := withNamesake(t)
	if diff := cmp.Diff(shape(t, entries), shape(t, mustDecode(t, mustEncode(t, entries)))); diff != "" {
		t.Errorf("-given +read:\n%s", diff)
	}
}

// withNamesake is a key without its authority beside a trusted authority of that
// name and another key.
func withNamesake(t testing.TB) []Entry {
	t.Helper()
	f := newFamily(t, p256(t, "tls"), "tls")
	authority, _ := rekeyed(t, f)
	return []Entry{{Alias: "tls", PrivateKey: f.own.key, Chain: f.chain()[:1]}, trusted("namesake", authority.cert)}
}
