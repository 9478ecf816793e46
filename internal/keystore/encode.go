package keystore

import (
	"crypto/sha1" //nolint:gosec // the hash of legacy stores, written on request only
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// EncodePKCS12 writes entries, in any order, as a PKCS#12 store under password:
// 16 to 256 printable ASCII characters, used for the store and for every key.
//
// Keys and certificates are encrypted with PBES2 (PBKDF2-HMAC-SHA256, 10,000
// iterations, AES-256-CBC), and the whole carries an HMAC-SHA256. OpenJDK reads
// that since 11.0.12 (HmacPBESHA256 came to 11 with that update); PBMAC1 would
// need 26.
//
// It is a pure function: salts and initialisation vectors are derived from the
// password and the content. A random salt would make other bytes from the same
// keys at each call, and a controller that compares bytes, or names Secrets by
// their content, would write and roll for ever. The derivation is safe because
//   - the salt key is stretched from the password as the store's own keys are,
//     so salts and vectors show nothing of the content and give no quicker test
//     of a guessed password than the store gives;
//   - other content or another password gives another salt and so another AES
//     key: a (key, vector) pair returns only with the same plaintext, and what
//     that shows is that nothing has changed, which is the purpose;
//   - what a random salt adds, that two users of one password differ and that
//     tables do not pay, is nothing to a generated password of 200 bits and
//     more. This is why short ones are refused, and why a person should not
//     choose one.
//
// Errors are ErrPassword, an *EntryError that names the alias, or a store that
// is too large; none is healed by another try. See rebuildChains for why two
// authorities of one name do not fit into one store.
func EncodePKCS12(entries []Entry, password string) ([]byte, error) {
	return encodePKCS12(entries, password, false)
}

// EncodePKCS12Legacy writes what EncodePKCS12 writes, with the algorithms of
// 1999: keys and certificates under SHA-1 and 3DES, an HMAC with SHA-1. It is
// for Java 8 before 8u301 and 11 before 11.0.12, and for Windows before Windows
// 10 1709 and Server 2019, which read no PBES2.
//
// It is never the default: SHA-1 and 3DES are retired, the latter has 112 bits
// of strength at most, and a system in FIPS mode refuses both. 40-bit RC2, which
// the same programs wrote for certificates, is read and not written: all of them
// read 3DES in its place.
func EncodePKCS12Legacy(entries []Entry, password string) ([]byte, error) {
	return encodePKCS12(entries, password, true)
}

func encodePKCS12(entries []Entry, password string, legacy bool) ([]byte, error) {
	s, err := newSealer(password)
	if err != nil {
		return nil, err
	}
	s.legacy = legacy
	entries, err = normalise(entries)
	if err != nil {
		return nil, err
	}
	safe, err := authenticatedSafe(entries, s)
	if err != nil {
		return nil, fmt.Errorf("keystore: write PKCS#12: %w", err)
	}
	store, err := withMAC(safe, s)
	if err != nil {
		return nil, fmt.Errorf("keystore: write PKCS#12: %w", err)
	}
	return sized(store)
}

// authenticatedSafe is what the MAC covers: the key bags, each encrypted by
// itself, and the certificate bags, encrypted together.
func authenticatedSafe(entries []Entry, s *sealer) ([]byte, error) {
	var contents []contentInfo
	keys, err := keyBags(entries, s)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		bags, err := asn1.Marshal(keys)
		if err != nil {
			return nil, err
		}
		content, err := newContent(oidData, bags)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	certificates, err := certificateBags(entries)
	if err != nil {
		return nil, err
	}
	bags, err := asn1.Marshal(certificates)
	if err != nil {
		return nil, err
	}
	algorithm, sealed, err := s.encrypt("certificates", bags)
	if err != nil {
		return nil, err
	}
	content, err := newContent(oidEncryptedData, encryptedData{Content: encryptedContent{Type: oidData, Algorithm: algorithm, Data: sealed}})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(append(contents, content))
}

func withMAC(safe []byte, s *sealer) ([]byte, error) {
	content, err := newContent(oidData, safe)
	if err != nil {
		return nil, err
	}
	algorithm, newHash, purpose := oidSHA256, sha256.New, "mac salt"
	if s.legacy {
		algorithm, newHash, purpose = oidSHA1, sha1.New, "legacy mac salt"
	}
	salt := s.derive(purpose, safe)[:saltBytes]
	digest := digestInfo{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: algorithm, Parameters: asn1.NullRawValue},
		Digest:    macOf(newHash, safe, s.password, salt, iterations),
	}
	return asn1.Marshal(pfx{Version: 3, AuthSafe: content, MAC: macData{Digest: digest, Salt: salt, Iterations: iterations}})
}

func keyBags(entries []Entry, s *sealer) ([]safeBag, error) {
	var bags []safeBag
	for _, e := range entries {
		if e.PrivateKey == nil {
			continue
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(e.PrivateKey)
		if err != nil {
			return nil, err
		}
		algorithm, sealed, err := s.encrypt("key "+e.Alias, pkcs8)
		if err != nil {
			return nil, err
		}
		bag, err := newBag(oidKeyBag, encryptedPrivateKey{Algorithm: algorithm, Data: sealed}, e.named, e.identified)
		if err != nil {
			return nil, err
		}
		bags = append(bags, bag)
	}
	return bags, nil
}

// certificateBags writes each key's own certificate with the key's alias and
// identifier, the trusted ones with theirs, and those in between bare and once.
func certificateBags(entries []Entry) ([]safeBag, error) {
	var own, between, trusted []safeBag
	add := func(list *[]safeBag, certificate *x509.Certificate, attributes ...func() (attribute, error)) error {
		bag, err := newBag(oidCertificateBag, certificateBag{Type: oidX509, Data: certificate.Raw}, attributes...)
		*list = append(*list, bag)
		return err
	}
	for _, e := range entries {
		var err error
		if e.PrivateKey != nil {
			err = add(&own, e.Chain[0], e.named, e.identified)
		} else {
			err = add(&trusted, e.Chain[0], e.named, trustedForAll)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, issuer := range issuers(entries) {
		if err := add(&between, issuer); err != nil {
			return nil, err
		}
	}
	return append(append(own, between...), trusted...), nil
}

func newBag(kind asn1.ObjectIdentifier, value any, attributes ...func() (attribute, error)) (safeBag, error) {
	der, err := asn1.Marshal(value)
	if err != nil {
		return safeBag{}, err
	}
	bag := safeBag{Type: kind, Value: explicit(der)}
	for _, make := range attributes {
		a, err := make()
		if err != nil {
			return safeBag{}, err
		}
		bag.Attributes = append(bag.Attributes, a)
	}
	return bag, nil
}

// named carries the alias.
func (e Entry) named() (attribute, error) {
	return newAttribute(oidFriendlyName, asn1.RawValue{Tag: asn1.TagBMPString, Bytes: bmpString(e.Alias)})
}

// identified ties the key to its certificate. The alias goes in, so that one
// key under two aliases keeps its two certificates apart.
func (e Entry) identified() (attribute, error) {
	id := sha256.Sum256(append(field(nil, []byte(e.Alias)), e.Chain[0].Raw...))
	return newAttribute(oidLocalKeyID, id[:saltBytes])
}

func trustedForAll() (attribute, error) {
	return newAttribute(oidTrustedKeyUsage, oidAnyExtendedKeyUsage)
}
