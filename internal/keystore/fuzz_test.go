package keystore

import (
	"bytes"
	"encoding/asn1"
	"os"
	"testing"
)

// Run longer with: go test -run '^$' -fuzz FuzzDecodePKCS12 -fuzzminimizetime 5x
// (the default spends a minute on making each new input smaller).

// FuzzDecodePKCS12: no bytes make the reader panic or run away, and what it
// takes for a store is written and read again alike, or refused by policy.
func FuzzDecodePKCS12(f *testing.F) {
	golden, err := os.ReadFile("testdata/mixed.p12")
	if err != nil {
		f.Fatal(err)
	}
	truststore := mustEncode(f, []Entry{newFamily(f, p256(f, "tls"), "tls").entry("tls")})
	for _, seed := range [][]byte{golden, truststore, golden[:len(golden)/2], nil, {0x30, 0x80}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := DecodePKCS12(data, password)
		if err != nil {
			return
		}
		store, err := EncodePKCS12(entries, password)
		if err != nil {
			return
		}
		if again := mustEncode(t, mustDecode(t, store)); !bytes.Equal(again, store) {
			t.Error("a store that was read is not written alike twice")
		}
	})
}

// FuzzBags goes where FuzzDecodePKCS12 cannot: behind MAC and encryption.
func FuzzBags(f *testing.F) {
	entries, err := normalise(mixed(f, p256(f, "tls")))
	if err != nil {
		f.Fatal(err)
	}
	s, err := newSealer(password)
	if err != nil {
		f.Fatal(err)
	}
	safe, err := authenticatedSafe(entries, s)
	if err != nil {
		f.Fatal(err)
	}
	certificates, err := certificateBags(entries)
	if err != nil {
		f.Fatal(err)
	}
	bags, err := asn1.Marshal(certificates)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(safe)
	f.Add(bags)
	f.Fuzz(func(_ *testing.T, data []byte) {
		o := &opener{password: password}
		if found, err := o.openSafe(data); err == nil {
			_, _ = o.readBags(found)
		}
		var found []safeBag
		if parse("bags", data, &found) == nil {
			_, _ = o.readBags(found)
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
