package keystore

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
)

// maxCommonName is the upper bound ub-common-name of RFC 5280.
const maxCommonName = 64

// SelfSignTemplate is what a self-signed certificate says.
type SelfSignTemplate struct {
	// CommonName is subject and issuer: 1 to 64 characters, no control ones.
	CommonName string
	// DNSNames are the subject alternative names; order and repetition do not
	// count. May be empty: a signing certificate needs none.
	DNSNames []string
	// NotBefore and NotAfter bound the validity, in whole seconds of UTC.
	NotBefore, NotAfter time.Time
}

// SelfSign makes the certificate of a key that no authority vouches for: token
// signing and encryption, where the other side knows the key itself. Key usage
// is digital signature, and for RSA key and data encipherment.
//
// It is a pure function. The serial number is derived from the public key and
// the template: a repeated call gives the same certificate, and a renewal of the
// key gets another number, as RFC 5280 asks of one issuer. Signatures use
// RSA PKCS#1 v1.5 or deterministic ECDSA (RFC 6979), with SHA-256 or longer.
func SelfSign(key crypto.Signer, t SelfSignTemplate) (*x509.Certificate, error) {
	t, err := t.normalise()
	if err != nil {
		return nil, err
	}
	if problem := checkPublicKey(key.Public()); problem != "" {
		return nil, fmt.Errorf("keystore: self-signed certificate: %s", problem)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: t.CommonName},
		DNSNames:              t.DNSNames,
		NotBefore:             t.NotBefore,
		NotAfter:              t.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	if _, isRSA := key.Public().(*rsa.PublicKey); isRSA {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment
	}
	if template.SerialNumber, err = serialOf(key.Public(), t); err != nil {
		return nil, err
	}
	// Without a source of randomness the signature is deterministic.
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("keystore: self-signed certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

func (t SelfSignTemplate) normalise() (SelfSignTemplate, error) {
	if t.CommonName == "" || len(t.CommonName) > maxCommonName || strings.ContainsFunc(t.CommonName, unicode.IsControl) {
		return t, fmt.Errorf("keystore: self-signed certificate: the common name must be 1 to %d characters without control characters", maxCommonName)
	}
	t.NotBefore, t.NotAfter = t.NotBefore.UTC().Truncate(time.Second), t.NotAfter.UTC().Truncate(time.Second)
	if !t.NotAfter.After(t.NotBefore) {
		return t, errors.New("keystore: self-signed certificate: it must end after it begins")
	}
	t.DNSNames = slices.Compact(slices.Sorted(slices.Values(t.DNSNames)))
	return t, nil
}

// serialOf is positive and of at most 16 bytes, where RFC 5280 allows 20.
func serialOf(public crypto.PublicKey, t SelfSignTemplate) (*big.Int, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("keystore: self-signed certificate: %w", err)
	}
	input := field(field(nil, der), []byte(t.CommonName))
	for _, text := range append([]string{t.NotBefore.Format(time.RFC3339), t.NotAfter.Format(time.RFC3339)}, t.DNSNames...) {
		input = field(input, []byte(text))
	}
	sum := sha256.Sum256(input)
	sum[0] = sum[0]&0x7f | 0x40 // never negative, never zero, always 16 bytes
	return new(big.Int).SetBytes(sum[:16]), nil
}
