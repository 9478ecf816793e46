package keystore

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
)

// pool is what FuzzRoundTrip makes stores of: entries without an alias.
func pool(t testing.TB) []Entry {
	t.Helper()
	var entries []Entry
	for i, key := range []crypto.Signer{
		rsaKey(t), p256(t, "1"), p256(t, "2"), fixedKey(t, elliptic.P384(), "3"), fixedKey(t, elliptic.P521(), "4"),
	} {
		f := newFamily(t, key, fmt.Sprint("own ", i))
		self, err := SelfSign(key, SelfSignTemplate{CommonName: "signing", NotBefore: begin.AddDate(-60, 0, 0), NotAfter: end})
		if err != nil {
			t.Fatal(err)
		}
		renewed := issue(t, f.root, f.middle.key, "Acme Issuing", until(end.AddDate(0, i, 0)))
		again := issue(t, renewed, key, fmt.Sprint("own ", i), leaf)
		for _, chain := range [][]*x509.Certificate{f.chain(), f.chain()[:2], f.chain()[:1], {self}, {again.cert, renewed.cert, f.root.cert}} {
			entries = append(entries, Entry{PrivateKey: key, Chain: chain})
		}
		for _, certificate := range []*x509.Certificate{self, f.middle.cert, f.root.cert, f.own.cert} {
			entries = append(entries, Entry{Chain: []*x509.Certificate{certificate}})
		}
	}
	return entries
}

// drawEntries makes entries of the bytes, four for each, and a password of the rest.
func drawEntries(from []Entry, data []byte) (entries []Entry, password string) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	for len(data) >= 4 && len(entries) < 6 && data[0] != 0 {
		e := from[int(data[0])%len(from)]
		for _, b := range data[1:4] {
			e.Alias += string(letters[int(b)%len(letters)])
		}
		entries, data = append(entries, e), data[4:]
	}
	secret := []byte("0123456789abcdef")
	for _, b := range data {
		secret = append(secret, '!'+b%('~'-'!'+1))
	}
	return entries, string(secret)
}

// FuzzRoundTrip: whatever the entries, the format and the password, reading
// gives back what was written, with the chains that Java shows, and has the same
// digest; what is refused is refused in both places, by name.
func FuzzRoundTrip(f *testing.F) {
	from := pool(f)
	for i := range formats {
		f.Add(byte(i), []byte("\x01one\x0atwo\x15tre\x06ca-\x2d-b-"))
		f.Add(byte(i), []byte("\x05a-b\x06a--\x00more of a password"))
		f.Add(byte(i), []byte("\x01one\x04two\x0dtre\x16for\x1ffiv\x28six"))
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		format := formats[int(kind)%len(formats)]
		entries, password := drawEntries(from, data)
		files, err := Encode(format, entries, password)
		digest, digestErr := Digest(format, entries, password)
		if err != nil {
			var refused *EntryError
			if !errors.As(err, &refused) && !errors.Is(err, ErrPassword) && len(entries) > 0 {
				t.Errorf("%s is refused without a name: %v", format, err)
			}
			if digestErr == nil && format != PEM {
				t.Errorf("%s is refused and has a digest: %v", format, err)
			}
			return
		}
		read, err := Decode(format, files, password)
		if err != nil {
			t.Fatalf("%s that was written is not read: %v", format, err)
		}
		want := entries
		if format == PKCS12 || format == PKCS12Legacy {
			if want, err = normalise(entries); err != nil {
				t.Fatal(err)
			}
		}
		if diff := differ(t, want, read); diff != "" || len(read) != len(entries) {
			t.Errorf("%s, %d entries (-written +read):\n%s", format, len(entries), diff)
		}
		if again, err := Digest(format, read, password); again != digest || err != digestErr { //nolint:errorlint // both nil, or both ErrPassword
			t.Errorf("%s: the digest changed from %s (%v) to %s (%v)", format, digest, digestErr, again, err)
		}
		if other, err := Decode(format, files, password+"x"); format != PEM && len(password) < maxPasswordLength && err == nil {
			t.Errorf("%s: another password opens it: %v", format, other)
		}
	})
}
