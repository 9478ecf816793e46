package keystore

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the only hash that JKS has
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
)

// The layout of a JKS file: magic, version and number of entries, then the
// entries, then a SHA-1 over the password, a phrase and all before it. Numbers
// are big endian, and a text carries its length in two bytes.
const (
	jksMagic    = 0xfeedfeed
	jksVersion  = 2
	jksKey      = 1
	jksTrusted  = 2
	jksWhitener = "Mighty Aphrodite"
	jksX509     = "X.509"

	// jksFrame is what stands around the entries.
	jksFrame = 12 + sha1.Size
)

// EncodeJKS writes entries, in any order, as a JKS store under password: 16 to
// 256 printable ASCII characters, used for the store and for every key.
//
// JKS is for applications that read nothing else. Each key is hidden under one
// round of SHA-1 for 20 bytes, certificates not at all, and a guess at the
// password costs one SHA-1: the generated password is all that protects it, so
// it is never the default. Java has called it outdated since JDK 9 and reads it
// in all versions. Unlike PKCS#12 it holds each chain as it is given.
//
// It is a pure function, see EncodePKCS12. The creation date of an entry, which
// Java shows, is the day from which its first certificate is valid. The errors
// are those of EncodePKCS12.
func EncodeJKS(entries []Entry, password string) ([]byte, error) {
	s, err := newSealer(password)
	if err != nil {
		return nil, err
	}
	entries, err = checked(entries)
	if err != nil {
		return nil, err
	}
	store := appendNumbers(nil, jksMagic, jksVersion, len(entries))
	for _, e := range entries {
		if store, err = s.appendJKS(store, e); err != nil {
			return nil, fmt.Errorf("keystore: write JKS: %w", err)
		}
	}
	return sized(append(store, jksSum(store, password)...))
}

func (s *sealer) appendJKS(store []byte, e Entry) ([]byte, error) {
	created := uint64(e.Chain[0].NotBefore.UnixMilli()) // before 1970 too: Java reads the sign back
	if e.PrivateKey == nil {
		store = appendText(appendNumbers(store, jksTrusted), e.Alias)
		return appendCertificate(binary.BigEndian.AppendUint64(store, created), e.Chain[0]), nil
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(e.PrivateKey)
	if err != nil {
		return nil, err
	}
	salt := s.derive("jks key "+e.Alias+" salt", pkcs8)[:saltBytes]
	hidden, err := asn1.Marshal(encryptedPrivateKey{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidJKSKey, Parameters: asn1.NullRawValue},
		Data:      append(append(bytes.Clone(salt), jksMask(pkcs8, s.password, salt)...), jksKeySum(pkcs8, s.password)...),
	})
	if err != nil {
		return nil, err
	}
	store = appendText(appendNumbers(store, jksKey), e.Alias)
	store = appendNumbers(binary.BigEndian.AppendUint64(store, created), len(hidden))
	store = appendNumbers(append(store, hidden...), len(e.Chain))
	for _, certificate := range e.Chain {
		store = appendCertificate(store, certificate)
	}
	return store, nil
}

func appendCertificate(store []byte, certificate *x509.Certificate) []byte {
	store = appendNumbers(appendText(store, jksX509), len(certificate.Raw))
	return append(store, certificate.Raw...)
}

func appendNumbers(store []byte, numbers ...int) []byte {
	for _, n := range numbers {
		store = binary.BigEndian.AppendUint32(store, uint32(n))
	}
	return store
}

func appendText(store []byte, text string) []byte {
	store = binary.BigEndian.AppendUint16(store, uint16(len(text))) // an alias has 63 bytes at most
	return append(store, text...)
}

// jksMask hides a key, or shows it again: the same bytes are added to it each
// time, which is why no salt may serve two keys.
func jksMask(key []byte, password string, salt []byte) []byte {
	prefix := bmpString(password)
	masked, mask := bytes.Clone(key), [sha1.Size]byte(salt)
	for at := range masked {
		if at%sha1.Size == 0 {
			mask = sha1.Sum(append(bytes.Clone(prefix), mask[:]...))
		}
		masked[at] ^= mask[at%sha1.Size]
	}
	return masked
}

// jksKeySum tells whether a key was shown under its own password.
func jksKeySum(key []byte, password string) []byte {
	sum := sha1.Sum(append(bmpString(password), key...))
	return sum[:]
}

// jksSum is the end of a store.
func jksSum(store []byte, password string) []byte {
	sum := sha1.Sum(append(append(bmpString(password), jksWhitener...), store...))
	return sum[:]
}
