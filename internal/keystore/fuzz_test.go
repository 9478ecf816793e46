package keystore

import (
	"bytes"
	"crypto/sha1"
	"maps"
	"os"
	"testing"
)

// Run longer with: go test -run '^$' -fuzz FuzzDecodePKCS12 -fuzzminimizetime 5x
// (the default spends a minute on making each new input smaller).

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzDecodePKCS12: no bytes make the reader panic or run away, and what it
// takes for a store is written and read again alike, or refused by policy.
func FuzzDecodePKCS12(f *testing.F) {
	golden := readFile(f, "testdata/mixed.p12")
	truststore := mustEncode(f, []Entry{newFamily(f, p256(f, "tls"), "tls").entry("tls")})
	for _, seed := range [][]byte{golden, truststore, golden[:len(golden)/2], nil, {0x30, 0x80}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		readFile(f, "testdata/mixed-legacy.p12"), readFile(f, "testdata/keytool-17.p12"), readFile(f, "testdata/keytool-17-legacy.p12")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if entries, err := DecodePKCS12(data, password); err == nil {
			writtenAlikeTwice(t, PKCS12, entries)
		}
	})
}

// writtenAlikeTwice takes entries that were read, which policy may refuse.
func writtenAlikeTwice(t *testing.T, format Format, entries []Entry) {
	t.Helper()
	files, err := Encode(format, entries, password)
	if err != nil {
		return
	}
	if again := mustEncodeAs(t, format, mustDecodeAs(t, format, files)); !maps.EqualFunc(files, again, bytes.Equal) {
		t.Errorf("%s that was read is not written alike twice", format)
	}
}

// FuzzBags goes where FuzzDecodePKCS12 cannot: behind MAC and encryption.
func FuzzBags(f *testing.F) {
	for _, name := range []string{"testdata/mixed.p12", "testdata/mixed-legacy.p12", "testdata/keytool-17.p12", "testdata/keytool-17-legacy.p12"} {
		safe, err := (&opener{password: password}).openStore(readFile(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(safe)
		var contents []contentInfo
		if err := parse("safe", safe, &contents); err != nil {
			f.Fatal(err)
		}
		for _, content := range contents {
			bags, err := (&opener{password: password}).openContent(content)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(bags)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := &opener{password: password}
		if found, err := o.openSafe(data); err == nil {
			if entries, err := o.readBags(found); err == nil {
				writtenAlikeTwice(t, PKCS12Legacy, entries)
			}
		}
		var found []safeBag
		if parse("bags", data, &found) == nil {
			_, _ = o.readBags(found)
		}
	})
}

// FuzzDecodeJKS also takes the bytes for what stands between magic and sum,
// which it could not come to by chance.
func FuzzDecodeJKS(f *testing.F) {
	for _, name := range []string{"testdata/mixed.jks", "testdata/keytool-17.jks"} {
		store := readFile(f, name)
		f.Add(store)
		f.Add(store[4 : len(store)-sha1.Size])
	}
	f.Add([]byte{0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, entries := range [][]Entry{first(DecodeJKS(data, password)), first(readJKS(data, password))} {
			if entries != nil {
				writtenAlikeTwice(t, JKS, entries)
			}
		}
	})
}

func first(entries []Entry, _ error) []Entry { return entries }

// FuzzDecodePEM reads a Secret of PEM files.
func FuzzDecodePEM(f *testing.F) {
	files := mustEncodeAs(f, PEM, mixed(f, p256(f, "tls")))
	f.Add(files["tls.crt"], files["tls.key"], files["db-ca.crt"], files["db-ca.crt"])
	f.Add(files["self.crt"], files["self.key"], files["db-ca.crt"], files["ca.crt"])
	f.Fuzz(func(t *testing.T, chain, key, trusted, bundle []byte) {
		entries, err := DecodePEM(map[string][]byte{"tls.crt": chain, "tls.key": key, "db-ca.crt": trusted, "ca.crt": bundle})
		if err == nil {
			writtenAlikeTwice(t, PEM, entries)
		}
	})
}

// FuzzPEM reads what a user put into a ConfigMap or Secret.
func FuzzPEM(f *testing.F) {
	family := newFamily(f, p256(f, "tls"), "tls")
	key, err := MarshalPrivateKey(family.own.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(EncodeCertificates(family.chain()))
	f.Add(key)
	f.Fuzz(func(t *testing.T, data []byte) {
		if certificates, err := ParseCertificates(data); err == nil {
			if _, err := ParseCertificates(EncodeCertificates(certificates)); err != nil {
				t.Errorf("certificates that were read are not read again: %v", err)
			}
		}
		if key, err := ParsePrivateKey(data); err == nil {
			if _, err := MarshalPrivateKey(key); err != nil {
				t.Errorf("a key that was read cannot be written: %v", err)
			}
		}
	})
}
