package keystore

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"unicode/utf16"
)

// The ASN.1 of RFC 7292 (PKCS#12), RFC 8018 (PBES2) and RFC 2315 (PKCS#7), as
// far as a store needs it.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MAC      macData
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue // [0] EXPLICIT
	}
	encryptedData struct {
		Version int
		Content encryptedContent
	}
	encryptedContent struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte `asn1:"tag:0"`
	}
	encryptedPrivateKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	safeBag struct {
		Type       asn1.ObjectIdentifier
		Value      asn1.RawValue // [0] EXPLICIT
		Attributes []attribute   `asn1:"set,optional"`
	}
	certificateBag struct {
		Type asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
	attribute struct {
		Type   asn1.ObjectIdentifier
		Values asn1.RawValue // SET OF
	}
	macData struct {
		Digest     digestInfo
		Salt       []byte
		Iterations int
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	pbes2Parameters struct {
		KeyDerivation pkix.AlgorithmIdentifier
		Encryption    pkix.AlgorithmIdentifier
	}
	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier
	}
)

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}

	oidKeyBag         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2} // pkcs8ShroudedKeyBag
	oidCertificateBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}

	oidFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidLocalKeyID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	// Java's own: without it a certificate without key is not listed at all.
	oidTrustedKeyUsage     = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	oidAnyExtendedKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37, 0}

	// PKCS#12 v1.0 (RFC 7292 appendix C).
	oidPBEWithSHA1And3DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidPBEWithSHA1AndRC2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}
	oidJKSKey             = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1} // Sun's own
	oidSHA1               = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}

	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidSHA256         = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// parse reads exactly one DER value into target and names it in the error.
func parse(what string, der []byte, target any) error {
	rest, err := asn1.Unmarshal(der, target)
	if err != nil {
		return fmt.Errorf("keystore: %s: %w", what, err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("keystore: %s: %d bytes too many", what, len(rest))
	}
	return nil
}

// explicit wraps DER in the context tag [0].
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

// unwrap reads the one value within the context tag [0].
func unwrap(what string, wrapped asn1.RawValue, target any) error {
	if wrapped.Class != asn1.ClassContextSpecific || wrapped.Tag != 0 || !wrapped.IsCompound {
		return fmt.Errorf("keystore: %s: no [0] around it", what)
	}
	return parse(what, wrapped.Bytes, target)
}

// newContent makes the ContentInfo of kind around a value.
func newContent(kind asn1.ObjectIdentifier, value any) (contentInfo, error) {
	der, err := asn1.Marshal(value)
	return contentInfo{Type: kind, Content: explicit(der)}, err
}

// newAttribute makes an attribute with one value.
func newAttribute(kind asn1.ObjectIdentifier, value any) (attribute, error) {
	der, err := asn1.Marshal(value)
	set := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: der}
	return attribute{Type: kind, Values: set}, err
}

// bmpString is UTF-16, big endian: the only string that a friendlyName can be.
func bmpString(text string) []byte {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = append(encoded, byte(unit>>8), byte(unit))
	}
	return encoded
}
