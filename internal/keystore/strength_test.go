package keystore

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"
)

func TestChangedBytesOfJKSAndLegacyAreRefused(t *testing.T) {
	entries := []Entry{newFamily(t, p256(t, "tls"), "tls").entry("tls")}
	for format, file := range map[Format]string{JKS: FileJKS, PKCS12Legacy: FilePKCS12} {
		store := mustEncodeAs(t, format, entries)[file]
		read := func(store []byte, password string) error {
			_, err := Decode(format, map[string][]byte{file: store}, password)
			return err
		}
		if err := read(store, password+"x"); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("%s: wrong password: %v, want ErrWrongPassword", format, err)
		}
		for at := 0; at < len(store); at += 7 {
			changed := bytes.Clone(store)
			changed[at] ^= 0x10
			if read(changed, password) == nil {
				t.Errorf("%s: byte %d of %d was changed and nobody noticed", format, at, len(store))
			}
		}
		for _, length := range []int{0, 1, 11, 31, len(store) / 2, len(store) - 1} {
			if read(store[:length], password) == nil {
				t.Errorf("%s: the first %d bytes passed for a store", format, length)
			}
		}
		if read(append(bytes.Clone(store), 0), password) == nil {
			t.Errorf("%s: a trailing byte passed", format)
		}
	}
}

// Under one salt JKS would add the same bytes to both keys, and the difference
// of the two would lie open.
func TestNoSaltOfJKSAndLegacyIsUsedTwice(t *testing.T) {
	key, other := p256(t, "tls"), p256(t, "other")
	f, g := newFamily(t, key, "tls"), newFamily(t, other, "other")
	entries := []Entry{f.entry("one"), f.entry("two"), g.entry("three")}
	for format, c := range map[Format]struct {
		file  string
		kind  asn1.ObjectIdentifier
		after int // bytes between the algorithm's name and the salt
		count int
	}{JKS: {FileJKS, oidJKSKey, 5, 3}, PKCS12Legacy: {FilePKCS12, oidPBEWithSHA1And3DES, 4, 4}} {
		name, err := asn1.Marshal(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for range 2 { // the second time under another password
			files, err := Encode(format, entries, password[len(seen):])
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range bytes.Split(files[c.file], name)[1:] {
				seen[string(part[c.after:c.after+saltBytes])] = true
			}
		}
		if len(seen) != 2*c.count {
			t.Errorf("%s: %d salts, want %d", format, len(seen), 2*c.count)
		}
	}
}

func TestWorkOfAForeignStoreIsBounded(t *testing.T) {
	o := &opener{password: password}
	for range maxTotalIterations / maxIterations {
		if err := o.spend("key bag", maxIterations); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.spend("key bag", 1); err == nil {
		t.Error("a store may ask for any number of keys")
	}
}
