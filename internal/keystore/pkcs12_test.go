package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	gopkcs12 "software.sslmate.com/src/go-pkcs12"
)

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	entries := mixed(t, rsaKey(t))
	decoded := mustDecode(t, mustEncode(t, entries))
	if diff := cmp.Diff(shape(t, entries), shape(t, decoded)); diff != "" {
		t.Fatalf("the store came back changed (-given +read):\n%s", diff)
	}
	for _, e := range decoded {
		given := entries[slices.IndexFunc(entries, func(g Entry) bool { return g.Alias == e.Alias })]
		if e.PrivateKey == nil {
			continue
		}
		if key := e.PrivateKey.(interface{ Equal(crypto.PrivateKey) bool }); !key.Equal(given.PrivateKey) {
			t.Errorf("%s: another private key came back", e.Alias)
		}
	}
	if again := mustEncode(t, decoded); !bytes.Equal(again, mustEncode(t, entries)) {
		t.Error("what was read is written with other bytes")
	}
}

func TestOrderOfEntriesDoesNotCount(t *testing.T) {
	entries := mixed(t, p256(t, "tls"))
	backwards := slices.Clone(entries)
	slices.Reverse(backwards)
	if !bytes.Equal(mustEncode(t, entries), mustEncode(t, backwards)) {
		t.Error("another order gives other bytes")
	}
	if mustDigest(t, entries, password) != mustDigest(t, backwards, password) {
		t.Error("another order gives another digest")
	}
	if backwards[0].Alias != entries[len(entries)-1].Alias {
		t.Error("the caller's slice was sorted")
	}
}

// saltsOf lists each salt and initialisation vector of a store.
func saltsOf(t *testing.T, store []byte) []string {
	t.Helper()
	var outer pfx
	var safe, data []byte
	var contents []contentInfo
	var certificates encryptedData
	var keys []safeBag
	if err := errors.Join(parse("store", store, &outer), unwrap("safe", outer.AuthSafe.Content, &safe), parse("contents", safe, &contents)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unwrap("data", contents[0].Content, &data), parse("keys", data, &keys), unwrap("certificates", contents[1].Content, &certificates)); err != nil {
		t.Fatal(err)
	}
	salts := []string{string(outer.MAC.Salt)}
	algorithms := []pkix.AlgorithmIdentifier{certificates.Content.Algorithm}
	for _, bag := range keys {
		var key encryptedPrivateKey
		if err := unwrap("key", bag.Value, &key); err != nil {
			t.Fatal(err)
		}
		algorithms = append(algorithms, key.Algorithm)
	}
	for _, algorithm := range algorithms {
		var scheme pbes2Parameters
		var derivation pbkdf2Parameters
		var iv []byte
		if err := errors.Join(parse("PBES2", algorithm.Parameters.FullBytes, &scheme), parse("PBKDF2", scheme.KeyDerivation.Parameters.FullBytes, &derivation),
			parse("IV", scheme.Encryption.Parameters.FullBytes, &iv)); err != nil {
			t.Fatal(err)
		}
		salts = append(salts, string(derivation.Salt), string(iv))
	}
	return salts
}

func TestNoSaltIsUsedTwice(t *testing.T) {
	base := mixed(t, p256(t, "tls"))
	otherContent := mixed(t, p256(t, "tls"))
	for i := range otherContent { // one letter in each alias
		otherContent[i].Alias += "x"
	}
	otherPassword, err := EncodePKCS12(base, password[1:]+"x")
	if err != nil {
		t.Fatal(err)
	}
	sameKeyTwice := []Entry{base[0], {Alias: "twin", PrivateKey: base[0].PrivateKey, Chain: base[0].Chain}}
	seen := map[string]string{}
	for _, store := range []struct {
		name  string
		bytes []byte
	}{{"base", mustEncode(t, base)}, {"other password", otherPassword}, {"other aliases", mustEncode(t, otherContent)}} {
		for _, salt := range saltsOf(t, store.bytes) {
			if where, found := seen[salt]; found {
				t.Errorf("a salt or vector of %q is in %q too", store.name, where)
			}
			seen[salt] = store.name
		}
	}
	salts := saltsOf(t, mustEncode(t, sameKeyTwice))
	slices.Sort(salts)
	if len(slices.Compact(salts)) != 7 { // MAC, and salt and vector of two keys and the certificates
		t.Error("one key under two aliases is sealed alike")
	}
}

func TestOneKeyUnderTwoAliasesKeepsItsCertificates(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "old")
	renewed := issue(t, f.middle, f.own.key, "new", leaf)
	entries := []Entry{
		f.entry("before"),
		{Alias: "after", PrivateKey: f.own.key, Chain: []*x509.Certificate{renewed.cert, f.middle.cert, f.root.cert}},
	}
	if diff := cmp.Diff(shape(t, entries), shape(t, mustDecode(t, mustEncode(t, entries)))); diff != "" {
		t.Errorf("-given +read:\n%s", diff)
	}
}

// keytool identifies entries by the millisecond, so two can share an identifier.
func TestSharedIdentifierIsToldApartByAlias(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "old")
	renewed := issue(t, f.middle, f.own.key, "new", leaf)
	of := func(alias string) label { return label{alias: alias, keyID: []byte("Time 1767323045000")} }
	entries, err := assemble(
		[]keyItem{{of("a"), f.own.key}, {of("b"), f.own.key}},
		[]certificateItem{{of("a"), f.own.cert}, {of("b"), renewed.cert}})
	if err != nil {
		t.Fatal(err)
	}
	if !entries[0].Chain[0].Equal(f.own.cert) || !entries[1].Chain[0].Equal(renewed.cert) {
		t.Error("an entry has the other's certificate")
	}
}

func TestIndependentReaderReadsKeyAndChain(t *testing.T) {
	f := newFamily(t, rsaKey(t), "tls")
	key, certificate, authorities, err := gopkcs12.DecodeChain(mustEncode(t, []Entry{f.entry("tls")}), password)
	if err != nil {
		t.Fatal(err)
	}
	if !rsaKey(t).Equal(key.(crypto.PrivateKey)) || !certificate.Equal(f.own.cert) || len(authorities) != 2 {
		t.Errorf("go-pkcs12 read another key or certificate, or %d authorities instead of 2", len(authorities))
	}
}

func TestIndependentReaderReadsTruststore(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	certificates, err := gopkcs12.DecodeTrustStore(mustEncode(t, []Entry{trusted("a", f.root.cert), trusted("b", f.middle.cert)}), password)
	if err != nil {
		t.Fatal(err)
	}
	if len(certificates) != 2 || !certificates[0].Equal(f.root.cert) || !certificates[1].Equal(f.middle.cert) {
		t.Errorf("go-pkcs12 read %d other certificates", len(certificates))
	}
}

func TestChangedBytesAreRefused(t *testing.T) {
	store := mustEncode(t, []Entry{newFamily(t, p256(t, "tls"), "tls").entry("tls")})
	if _, err := DecodePKCS12(store, password+"x"); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("wrong password: %v, want ErrWrongPassword", err)
	}
	for at := range store {
		if at%11 != 0 && at < len(store)-120 { // the end, with the MAC, is not under the MAC
			continue
		}
		changed := bytes.Clone(store)
		changed[at] ^= 0x10
		if _, err := DecodePKCS12(changed, password); err == nil {
			t.Errorf("byte %d of %d was changed and nobody noticed", at, len(store))
		}
	}
	for _, length := range []int{0, 1, len(store) / 2, len(store) - 1} {
		if _, err := DecodePKCS12(store[:length], password); err == nil {
			t.Errorf("the first %d bytes passed for a store", length)
		}
	}
	if _, err := DecodePKCS12(append(bytes.Clone(store), 0), password); err == nil {
		t.Error("a trailing byte passed")
	}
	if _, err := DecodePKCS12(make([]byte, MaxStoreBytes+1), password); err == nil {
		t.Error("a store too large passed")
	}
}

func TestForeignIterationCountsAreBounded(t *testing.T) {
	var outer pfx
	if err := parse("store", mustEncode(t, mixed(t, p256(t, "tls"))), &outer); err != nil {
		t.Fatal(err)
	}
	for _, rounds := range []int{-1, 0, maxIterations + 1, 10 * maxIterations} {
		outer.MAC.Iterations = rounds
		store, err := asn1.Marshal(outer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodePKCS12(store, password); err == nil || errors.Is(err, ErrWrongPassword) {
			t.Errorf("%d iterations: %v, want a refusal before the computing", rounds, err)
		}
	}
}
