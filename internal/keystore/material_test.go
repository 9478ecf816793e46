package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"
)

func TestDigestFollowsEveryPartOfTheInput(t *testing.T) {
	base := mixed(t, p256(t, "tls"))
	seen := map[string]string{mustDigest(t, base, password): "base"}
	renamed := mixed(t, p256(t, "tls"))
	renamed[0].Alias = "tls-2"
	rootless := mixed(t, p256(t, "tls"))
	rootless[0].Chain, rootless[1].Chain = rootless[0].Chain[:2], rootless[1].Chain[:2]
	for name, entries := range map[string][]Entry{
		"alias": renamed, "key": mixed(t, p256(t, "other")), "chain": rootless, "fewer": base[1:],
		"key without chain and trusted": {base[0], trusted("self", base[2].Chain[0])},
		"trusted only":                  base[3:],
	} {
		digest := mustDigest(t, entries, password)
		if before, found := seen[digest]; found {
			t.Errorf("%s has the digest of %s", name, before)
		}
		seen[digest] = name
		if raw, err := hex.DecodeString(digest); err != nil || len(raw) != 32 || strings.ToLower(digest) != digest {
			t.Errorf("%s: %q is not 64 lower-case hexadecimal digits", name, digest)
		}
	}
	if _, found := seen[mustDigest(t, base, password+"x")]; found {
		t.Error("another password gives the same digest")
	}
}

// Without the private key in it, a digest that is shown would let everybody test
// guessed passwords. One key, written with its primes the other way round:
func TestDigestIsKeyedByThePrivateKey(t *testing.T) {
	f := newFamily(t, rsaKey(t), "tls")
	turned := &rsa.PrivateKey{PublicKey: rsaKey(t).PublicKey, D: rsaKey(t).D, Primes: []*big.Int{rsaKey(t).Primes[1], rsaKey(t).Primes[0]}}
	turned.Precompute()
	if mustDigest(t, []Entry{f.entry("tls")}, password) == mustDigest(t, []Entry{{Alias: "tls", PrivateKey: turned, Chain: f.chain()}}, password) {
		t.Error("the private key does not count")
	}
}

func TestGeneratedKeys(t *testing.T) {
	for _, c := range []struct {
		algorithm Algorithm
		size      int
	}{{RSA, 2048}, {ECDSA, 256}, {ECDSA, 384}, {ECDSA, 521}} {
		key, err := GenerateKey(c.algorithm, c.size)
		if err != nil {
			t.Fatal(err)
		}
		var size int
		switch public := key.Public().(type) {
		case *rsa.PublicKey:
			size = public.N.BitLen()
		case *ecdsa.PublicKey:
			size = public.Params().BitSize
		}
		if size != c.size {
			t.Errorf("%s %d: a key of %d bits", c.algorithm, c.size, size)
		}
		text, err := MarshalPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePrivateKey(text)
		if err != nil || !back.(interface{ Equal(crypto.PrivateKey) bool }).Equal(key) {
			t.Errorf("%s %d: another key came back from PEM: %v", c.algorithm, c.size, err)
		}
	}
	for _, c := range []struct {
		algorithm Algorithm
		size      int
	}{{RSA, 1024}, {RSA, 2047}, {RSA, 1 << 20}, {ECDSA, 224}, {ECDSA, 0}, {"DSA", 2048}, {"", 256}} {
		if _, err := GenerateKey(c.algorithm, c.size); err == nil {
			t.Errorf("%s %d was generated", c.algorithm, c.size)
		}
	}
}

// A modulo without rejection would favour eight letters by a quarter.
func TestPasswordLettersAreEquallyLikely(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1) // the same letters in each run
	const expected = 10_000
	counts := map[rune]int{}
	for range expected * len(alphabet) / passwordLength {
		for _, c := range GeneratePassword() {
			counts[c]++
		}
	}
	for _, c := range alphabet {
		if counts[c] < expected*93/100 || counts[c] > expected*107/100 {
			t.Errorf("%q came %d times, want about %d", c, counts[c], expected)
		}
	}
	if len(counts) != len(alphabet) {
		t.Errorf("%d different characters, want %d", len(counts), len(alphabet))
	}
}

func TestPasswordHasEachClassOfCharacter(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 2)
	for range 5_000 { // without the check about five of them would lack a digit
		p := GeneratePassword()
		if len(p) != 40 || !strings.ContainsAny(p, digits) || !strings.ContainsAny(p, lower) || !strings.ContainsAny(p, upper) {
			t.Fatalf("%d characters without one of the classes", len(p))
		}
	}
	if err := checkPassword(GeneratePassword()); err != nil {
		t.Error(err)
	}
}

func TestDataKey(t *testing.T) {
	key := GenerateDataKey()
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(key) || key == GenerateDataKey() {
		t.Error("not 64 lower-case hexadecimal digits, or the same twice")
	}
}

func TestPEMThatIsRefused(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	key, err := MarshalPrivateKey(f.own.key)
	if err != nil {
		t.Fatal(err)
	}
	edwards, err := MarshalPrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	bundle := EncodeCertificates(f.chain())
	broken := bytes.Replace(bundle, []byte("-----END CERTIFICATE-----"), nil, 1)
	for name, data := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("changeit"), "broken block": broken, "key among certificates": append(bytes.Clone(bundle), key...),
		"garbage in a block": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "too large": make([]byte, MaxStoreBytes+1),
	} {
		if _, err := ParseCertificates(data); err == nil {
			t.Errorf("certificates: %s was read", name)
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "certificate": bundle[:len(bundle)/3], "two keys": append(bytes.Clone(key), key...), "Ed25519": edwards,
		"encrypted": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}),
		"garbage":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hunter2")}),
	} {
		if _, err := ParsePrivateKey(data); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("private key: %s: %v", name, err)
		}
	}
}

func TestPEMThatIsRead(t *testing.T) {
	f := newFamily(t, p256(t, "tls"), "tls")
	text := append([]byte("# Acme bundle\n"), EncodeCertificates(f.chain())...)
	certificates, err := ParseCertificates(append(text, "\n# end\n"...))
	if err != nil || len(certificates) != 3 || !certificates[2].Equal(f.root.cert) {
		t.Errorf("%d certificates: %v", len(certificates), err)
	}
	sec1, err := x509.MarshalECPrivateKey(p256(t, "tls"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"EC PRIVATE KEY": sec1, "RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(rsaKey(t))} {
		if _, err := ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})); err != nil {
			t.Errorf("%s, as cert-manager writes it: %v", kind, err)
		}
	}
}

func TestSelfSignedCertificates(t *testing.T) {
	base := SelfSignTemplate{CommonName: "acme token signing", DNSNames: []string{"b.example", "a.example"}, NotBefore: begin, NotAfter: end}
	later := base
	later.NotAfter = end.Add(time.Hour)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey(t), "ECDSA": p256(t, "self")} {
		sign := func(template SelfSignTemplate) *x509.Certificate {
			certificate, err := SelfSign(key, template)
			if err != nil {
				t.Fatal(err)
			}
			return certificate
		}
		first := sign(base)
		base.DNSNames = []string{"a.example", "b.example", "a.example"}
		if again := sign(base); !again.Equal(first) {
			t.Errorf("%s: a repeated call gives another certificate", name)
		}
		if renewed := sign(later); renewed.SerialNumber.Cmp(first.SerialNumber) == 0 {
			t.Errorf("%s: a renewed certificate has the old serial number", name)
		}
		if err := first.CheckSignature(first.SignatureAlgorithm, first.RawTBSCertificate, first.Signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := first.VerifyHostname("b.example"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if first.IsCA || !first.NotBefore.Equal(begin) || !first.NotAfter.Equal(end) || first.SerialNumber.Sign() <= 0 || first.SerialNumber.BitLen() > 127 {
			t.Errorf("%s: wrong certificate: CA %v, %s to %s, serial %s", name, first.IsCA, first.NotBefore, first.NotAfter, first.SerialNumber)
		}
	}
}

func TestSelfSignRefusals(t *testing.T) {
	good := SelfSignTemplate{CommonName: "acme", NotBefore: begin, NotAfter: end}
	for name, change := range map[string]func(*SelfSignTemplate){
		"no name":     func(s *SelfSignTemplate) { s.CommonName = "" },
		"long name":   func(s *SelfSignTemplate) { s.CommonName = strings.Repeat("a", 65) },
		"line break":  func(s *SelfSignTemplate) { s.CommonName = "acme\nO=other" },
		"no validity": func(s *SelfSignTemplate) { s.NotAfter = s.NotBefore },
		"bad host":    func(s *SelfSignTemplate) { s.DNSNames = []string{"bücher.example"} },
	} {
		template := good
		change(&template)
		if _, err := SelfSign(p256(t, "self"), template); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
}

// Whatever a password policy of ours can declare, a generated password meets.
func TestAccountPasswordsMeetTheRules(t *testing.T) {
	count := func(p, class string) int {
		return len(strings.Map(func(c rune) rune {
			if strings.ContainsRune(class, c) {
				return c
			}
			return -1
		}, p))
	}
	for _, rules := range []PasswordRules{
		{}, {Min: 12, Max: 64, Lower: 1, Upper: 1, Digit: 1, Special: 1, MinUnique: 6},
		{Max: 32, Lower: 8, Upper: 8, Digit: 8, Special: 8, MinUnique: 12}, {Min: 64, Max: 64}, {Max: 16},
	} {
		seen := map[string]bool{}
		for range 200 {
			p, err := GenerateAccountPassword(rules)
			if err != nil {
				t.Fatalf("%+v: %v", rules, err)
			}
			for class, least := range map[string]int{lower: rules.Lower, upper: rules.Upper, digits: rules.Digit, special: rules.Special} {
				if count(p, class) < max(1, least) {
					t.Errorf("%+v: %d of %q", rules, count(p, class), class)
				}
			}
			if len(p) < rules.Min || rules.Max > 0 && len(p) > rules.Max || rules.Max == 0 && len(p) < 40 || checkPassword(p) != nil {
				t.Errorf("%+v: a password of %d characters", rules, len(p))
			}
			seen[p] = true
		}
		if len(seen) != 200 {
			t.Errorf("%+v: %d different passwords of 200", rules, len(seen))
		}
	}
	for _, rules := range []PasswordRules{{Max: 8, Lower: 8, Special: 8}, {Max: 10, MinUnique: 11}} {
		if p, err := GenerateAccountPassword(rules); err == nil {
			t.Errorf("%+v cannot be met, but a password of %d characters was made", rules, len(p))
		}
	}
}
