package keystore

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Fingerprint is the SHA-256 of a certificate as keytool and WSO2 print it:
// upper-case hexadecimal pairs with colons between (AA:BB:...).
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// KeyID names a key pair by its public half: the SHA-256 of the
// SubjectPublicKeyInfo (RFC 5280, as certificate pins of RFC 7469 use it) in
// base64url, 43 characters. It outlives a renewed certificate. It is not the
// `kid` of a JWKS, which the product chooses. The error is a kind of key that
// crypto/x509 does not know.
func KeyID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("keystore: key identifier: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// writerVersions are a part of the digest. Raise one when its writer comes to
// write other bytes for the same entries: each store is then made anew once.
var writerVersions = map[Format]string{
	PKCS12:       "holdfast keystore pkcs12 v1",
	PKCS12Legacy: "holdfast keystore pkcs12 legacy v1",
	JKS:          "holdfast keystore jks v1",
	PEM:          "holdfast keystore pem v1",
}

// Digest names the input of Encode in 64 lower-case hexadecimal digits: equal
// digests mean equal bytes. It spares the encoding and may be shown: it is an
// HMAC under a key stretched from the password, over format, aliases, chains and
// private keys, so it tells nothing about them to who lacks the password. The
// certificates alone would tell one store from another; the private keys are in
// it so that nobody can test a guessed password on what everybody may read. (A
// truststore has none; there it is the password that has to be long.) It wants a
// password for PEM too. The errors are those of Encode.
func Digest(format Format, entries []Entry, password string) (string, error) {
	s, err := newSealer(password)
	if err != nil {
		return "", err
	}
	switch format {
	case PKCS12, PKCS12Legacy:
		entries, err = normalise(entries)
	case JKS:
		entries, err = checked(entries)
	case PEM:
		entries, err = checkedForPEM(entries)
	default:
		err = unknown(format)
	}
	if err != nil {
		return "", err
	}
	var input []byte
	for _, e := range entries {
		var key []byte // stays empty for a trusted certificate
		if e.PrivateKey != nil {
			if key, err = x509.MarshalPKCS8PrivateKey(e.PrivateKey); err != nil {
				return "", &EntryError{Alias: e.Alias, Problem: "the private key cannot be written as PKCS#8"}
			}
		}
		input = field(field(input, []byte(e.Alias)), key)
		input = binary.AppendUvarint(input, uint64(len(e.Chain)))
		for _, certificate := range e.Chain {
			input = field(input, certificate.Raw)
		}
	}
	return hex.EncodeToString(s.derive(writerVersions[format], input)), nil
}

// field appends value with its length before it, so that no two lists of values
// read alike.
func field(to, value []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(value))), value...)
}
