package keystore

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	keystorego "github.com/pavlo-v-chernykh/keystore-go/v4"
	gopkcs12 "software.sslmate.com/src/go-pkcs12"
)

var update = flag.Bool("update", false, "write the golden files anew")

var formats = []Format{PKCS12, PKCS12Legacy, JKS, PEM}

func mustEncodeAs(t testing.TB, format Format, entries []Entry) map[string][]byte {
	t.Helper()
	files, err := Encode(format, entries, password)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return files
}

func mustDecodeAs(t testing.TB, format Format, files map[string][]byte) []Entry {
	t.Helper()
	entries, err := Decode(format, files, password)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return entries
}

// differ tells how two lists of entries differ, private keys included.
func differ(t testing.TB, want, got []Entry) string {
	t.Helper()
	if diff := cmp.Diff(shape(t, want), shape(t, got)); diff != "" {
		return diff
	}
	for _, w := range want {
		at := slices.IndexFunc(got, func(g Entry) bool { return g.Alias == w.Alias })
		if w.PrivateKey != nil && !w.PrivateKey.(interface{ Equal(crypto.PrivateKey) bool }).Equal(got[at].PrivateKey) {
			return w.Alias + ": another private key"
		}
	}
	return ""
}

func TestEveryFormatGivesBackWhatWasWritten(t *testing.T) {
	entries := mixed(t, rsaKey(t))
	backwards := slices.Clone(entries)
	slices.Reverse(backwards)
	for _, format := range formats {
		files := mustEncodeAs(t, format, entries)
		decoded := mustDecodeAs(t, format, files)
		if diff := differ(t, entries, decoded); diff != "" {
			t.Errorf("%s came back changed (-given +read):\n%s", format, diff)
		}
		for name, again := range map[string][]Entry{"another order": backwards, "what was read": decoded} {
			if !maps.EqualFunc(files, mustEncodeAs(t, format, again), bytes.Equal) {
				t.Errorf("%s: %s gives other bytes", format, name)
			}
		}
	}
}

// An operator that writes other bytes than its predecessor rolls every pod. If
// this fails on purpose, raise the format's writer version and run with -update.
func TestBytesStayTheSameBetweenReleases(t *testing.T) {
	entries := mixed(t, p256(t, "tls"))
	for format, golden := range map[Format]struct{ file, stored string }{
		PKCS12: {FilePKCS12, "testdata/mixed.p12"}, PKCS12Legacy: {FilePKCS12, "testdata/mixed-legacy.p12"}, JKS: {FileJKS, "testdata/mixed.jks"},
	} {
		store := mustEncodeAs(t, format, entries)[golden.file]
		if *update {
			if err := os.WriteFile(golden.stored, store, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(golden.stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(store, data) {
			t.Errorf("the same entries give other bytes than %s", golden.stored)
		}
		if diff := differ(t, entries, mustDecodeAs(t, format, map[string][]byte{golden.file: data})); diff != "" {
			t.Errorf("%s reads differently (-want +got):\n%s", golden.stored, diff)
		}
	}
	// Keys in PEM do not belong into a repository; their sum does.
	var all []byte
	files := mustEncodeAs(t, PEM, entries)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, files[name]...)
	}
	const want = "3ae7173b5579469672b69d4b42d9a677a54bcdef2cfee9f03b5244ddad6481bb"
	if sum := fmt.Sprintf("%x", sha256.Sum256(all)); sum != want {
		t.Errorf("the same entries give other PEM files, with the sum %s", sum)
	}
}

func TestDigestTellsFormatsApart(t *testing.T) {
	seen := map[string]Format{}
	for _, format := range formats {
		digest, err := Digest(format, mixed(t, p256(t, "tls")), password)
		if err != nil {
			t.Fatal(err)
		}
		if other, found := seen[digest]; found {
			t.Errorf("%s and %s share a digest", format, other)
		}
		seen[digest] = format
	}
}

func TestFilesOfPEM(t *testing.T) {
	files := mustEncodeAs(t, PEM, mixed(t, rsaKey(t)))
	want := []string{"ca.crt", "db-ca.crt", "ldap-ca.crt", "self.crt", "self.key", "signing.crt", "signing.key", "tls.crt", "tls.key"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if pair, err := tls.X509KeyPair(files["tls.crt"], files["tls.key"]); err != nil || len(pair.Certificate) != 3 {
		t.Errorf("crypto/tls reads %d certificates: %v", len(pair.Certificate), err)
	}
	if bundle := slices.Concat(files["db-ca.crt"], files["ldap-ca.crt"]); !bytes.Equal(bundle, files["ca.crt"]) {
		t.Error("ca.crt is not the trusted certificates by alias")
	}
	if _, found := mustEncodeAs(t, PEM, []Entry{newFamily(t, p256(t, "tls"), "tls").entry("tls")})["ca.crt"]; found {
		t.Error("a ca.crt is written where nothing is trusted")
	}
}

func TestFormatsRefuse(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	entries := []Entry{f.entry("tls")}
	for _, format := range formats {
		for name, bad := range map[string][]Entry{"none": nil, "alias": {f.entry("TLS")}, "another's key": {{Alias: "tls", PrivateKey: f.root.key, Chain: f.chain()}}} {
			if _, err := Encode(format, bad, password); err == nil {
				t.Errorf("%s: %s was written", format, name)
			}
			if _, err := Digest(format, bad, password); err == nil {
				t.Errorf("%s: %s has a digest", format, name)
			}
		}
		if _, err := Decode(format, map[string][]byte{"password": []byte(password)}, password); err == nil {
			t.Errorf("%s: a store was read where none is", format)
		}
		if _, err := Encode(format, entries, "changeit"); errors.Is(err, ErrPassword) == (format == PEM) {
			t.Errorf("%s with a short password: %v", format, err)
		}
	}
	var refused *EntryError
	for _, f := range []func() error{
		func() error { _, err := Encode(PEM, []Entry{trusted("ca", f.root.cert)}, ""); return err },
		func() error { _, err := Digest(PEM, []Entry{trusted("ca", f.root.cert)}, password); return err },
	} {
		if err := f(); !errors.As(err, &refused) || refused.Alias != "ca" {
			t.Errorf("alias ca in PEM: %v", err)
		}
	}
	if _, err := Encode("PKCS11", entries, password); err == nil || !strings.Contains(err.Error(), "use PKCS12, PKCS12Legacy, JKS or PEM") {
		t.Errorf("unknown format: %v", err)
	}
	if _, err := Decode("", nil, password); err == nil {
		t.Error("no format was read")
	}
}

func TestChangedFilesOfPEMAreRefused(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	good := func() map[string][]byte {
		return mustEncodeAs(t, PEM, []Entry{f.entry("tls"), trusted("a", f.root.cert), trusted("a-b", f.middle.cert)})
	}
	mustDecodeAs(t, PEM, good())
	for name, c := range map[string]struct {
		change func(files map[string][]byte)
		want   string
	}{
		"no chain":         {func(files map[string][]byte) { delete(files, "tls.crt") }, "tls.key has no tls.crt"},
		"no key":           {func(files map[string][]byte) { delete(files, "tls.key") }, "3 certificates without a key"},
		"bundle too short": {func(files map[string][]byte) { files["ca.crt"] = files["a.crt"] }, "ca.crt does not hold"},
		"bundle gone":      {func(files map[string][]byte) { delete(files, "ca.crt") }, "ca.crt does not hold"},
		"trusted gone":     {func(files map[string][]byte) { delete(files, "a.crt") }, "ca.crt does not hold"},
		"another's key": {func(files map[string][]byte) {
			files["tls.key"], _ = MarshalPrivateKey(p256(t, "other"))
		}, "does not belong"},
		"certificate as key": {func(files map[string][]byte) { files["tls.key"] = files["a.crt"] }, `"tls": keystore: a certificate where`},
		"no alias":           {func(files map[string][]byte) { files[".crt"], files[".key"] = files["tls.crt"], files["tls.key"] }, "alias is missing"},
	} {
		files := good()
		c.change(files)
		if _, err := Decode(PEM, files, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestStoresTooLargeForASecretAreRefused(t *testing.T) {
	certificate := newFamily(t, p256(t, "tls"), "tls").root.cert
	large := *certificate
	large.Raw = make([]byte, 800<<10) // PEM makes a third more of it, twice
	for format, raw := range map[Format]int{PKCS12: MaxStoreBytes, PKCS12Legacy: MaxStoreBytes, JKS: MaxStoreBytes, PEM: MaxStoreBytes / 2} {
		large.Raw = make([]byte, raw)
		if _, err := Encode(format, []Entry{trusted("large", &large)}, password); err == nil || !strings.Contains(err.Error(), "use more than one store") {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, format := range []Format{PKCS12, JKS} {
		for name := range mustEncodeAs(t, format, []Entry{trusted("ca", certificate)}) {
			if _, err := Decode(format, map[string][]byte{name: make([]byte, MaxStoreBytes+1)}, password); err == nil || !strings.Contains(err.Error(), "more than") {
				t.Errorf("%s: read of too many bytes: %v", format, err)
			}
		}
	}
}

// Old readers give up at the first algorithm that they do not know.
func TestLegacyStoreHasLegacyAlgorithmsOnly(t *testing.T) {
	store := mustEncodeAs(t, PKCS12Legacy, mixed(t, rsaKey(t)))[FilePKCS12]
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
	if !outer.MAC.Digest.Algorithm.Algorithm.Equal(oidSHA1) || !certificates.Content.Algorithm.Algorithm.Equal(oidPBEWithSHA1And3DES) {
		t.Errorf("MAC with %s, certificates with %s", outer.MAC.Digest.Algorithm.Algorithm, certificates.Content.Algorithm.Algorithm)
	}
	for _, bag := range keys {
		var key encryptedPrivateKey
		if err := unwrap("key", bag.Value, &key); err != nil || !key.Algorithm.Algorithm.Equal(oidPBEWithSHA1And3DES) {
			t.Errorf("a key with %s (%v)", key.Algorithm.Algorithm, err)
		}
	}
}

func TestIndependentReaderReadsLegacyStore(t *testing.T) {
	f := newFamily(t, rsaKey(t), "tls")
	store := mustEncodeAs(t, PKCS12Legacy, []Entry{f.entry("tls")})[FilePKCS12]
	key, certificate, authorities, err := gopkcs12.DecodeChain(store, password)
	if err != nil || !rsaKey(t).Equal(key.(crypto.PrivateKey)) || !certificate.Equal(f.own.cert) || len(authorities) != 2 {
		t.Errorf("go-pkcs12 read another key or certificate, or %d authorities instead of 2: %v", len(authorities), err)
	}
}

func TestIndependentReaderReadsJKS(t *testing.T) {
	entries := mixed(t, rsaKey(t))
	store := keystorego.New()
	if err := store.Load(bytes.NewReader(mustEncodeAs(t, JKS, entries)[FileJKS]), []byte(password)); err != nil {
		t.Fatal(err)
	}
	if len(store.Aliases()) != len(entries) {
		t.Errorf("keystore-go lists %v", store.Aliases())
	}
	for _, e := range entries {
		if e.PrivateKey == nil {
			if got, err := store.GetTrustedCertificateEntry(e.Alias); err != nil || !bytes.Equal(got.Certificate.Content, e.Chain[0].Raw) {
				t.Errorf("%s: another certificate (%v)", e.Alias, err)
			}
			continue
		}
		got, err := store.GetPrivateKeyEntry(e.Alias, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		key, err := parsePKCS8(got.PrivateKey)
		if err != nil || !e.PrivateKey.(interface{ Equal(crypto.PrivateKey) bool }).Equal(key) || len(got.CertificateChain) != len(e.Chain) || !got.CreationTime.Equal(begin) {
			t.Errorf("%s: another key, %d certificates or made at %s (%v)", e.Alias, len(got.CertificateChain), got.CreationTime, err)
		}
	}
}
