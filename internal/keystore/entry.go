// Package keystore turns key material into the bytes of PKCS#12, JKS and PEM,
// into fingerprints and digests, and back.
//
// A store holds private keys and trusted certificates under chosen aliases, as
// a JVM expects them: several keys in one store, each with its chain, and one
// password for the store and every key (PKCS#12 in Java knows no other way).
// Encode and Decode are the way in; see Format for which to choose.
//
// Everything but generate.go is pure: no clock, no network, no randomness.
// Equal entries and an equal password give equal bytes, see EncodePKCS12.
package keystore

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

const (
	// MaxEntries bounds a store. A truststore of every public root has about 150.
	MaxEntries = 512
	// MaxChainLength bounds a given chain, leaf and root included.
	MaxChainLength = 10
	// MaxStoreBytes is what a Secret can hold (1 MiB for all its keys together).
	MaxStoreBytes = 1 << 20
	// MaxAliasLength is that of a DNS label, so that an alias can name a Secret key.
	MaxAliasLength = 63

	minRSABits = 2048 // PROD-02
	maxRSABits = 8192 // what crypto/tls and Java's default provider verify
)

// Entry is one alias of a store.
type Entry struct {
	// Alias is what the application asks for. Lower-case letters, digits and
	// inner hyphens, at most 63: Java lower-cases aliases when it reads them, so
	// another spelling would be another name than the one in the configuration.
	Alias string
	// PrivateKey is an *rsa.PrivateKey (2048 to 8192 bits) or an
	// *ecdsa.PrivateKey (P-256, P-384, P-521). Nil makes a trusted certificate.
	PrivateKey crypto.Signer
	// Chain begins with the certificate of PrivateKey, each one issued by the
	// next; the root may be left out. A trusted certificate stands alone.
	Chain []*x509.Certificate
}

// EntryError is input that no repetition will heal: a person has to change the
// entry. Its text names the alias and what to do, and never quotes a key.
type EntryError struct {
	Alias   string
	Problem string
}

// Error implements error.
func (e *EntryError) Error() string {
	return fmt.Sprintf("keystore entry %q: %s", clip(e.Alias), e.Problem)
}

var aliasPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// normalise checks entries and returns them sorted by alias, with the chains
// that Java will show of a PKCS#12 store.
func normalise(entries []Entry) ([]Entry, error) {
	sorted, err := checked(entries)
	if err != nil {
		return nil, err
	}
	return rebuildChains(sorted)
}

// checked returns entries sorted by alias unless one of them is refused.
func checked(entries []Entry) ([]Entry, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("keystore: no entries; give at least one key or trusted certificate")
	}
	if len(entries) > MaxEntries {
		return nil, fmt.Errorf("keystore: %d entries are more than %d; use more than one store", len(entries), MaxEntries)
	}
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return cmp.Compare(a.Alias, b.Alias) })
	for i, e := range sorted {
		if problem := checkEntry(e); problem != "" {
			return nil, &EntryError{Alias: e.Alias, Problem: problem}
		}
		if i > 0 && sorted[i-1].Alias == e.Alias {
			return nil, &EntryError{Alias: e.Alias, Problem: "the alias is used twice; aliases are unique in a store"}
		}
	}
	return sorted, nil
}

func checkEntry(e Entry) string {
	if problem := checkAlias(e.Alias); problem != "" {
		return problem
	}
	if slices.Contains(e.Chain, nil) {
		return "the chain holds an empty certificate"
	}
	for i, certificate := range e.Chain {
		if problem := checkCertificate(certificate); problem != "" {
			return fmt.Sprintf("certificate %d (%s): %s", i+1, subjectOf(certificate), problem)
		}
	}
	if e.PrivateKey == nil {
		if len(e.Chain) != 1 {
			return fmt.Sprintf("a trusted entry is exactly one certificate, not %d; give each its own alias", len(e.Chain))
		}
		return ""
	}
	if len(e.Chain) == 0 || len(e.Chain) > MaxChainLength {
		return fmt.Sprintf("a private key needs a chain of 1 to %d certificates, not %d", MaxChainLength, len(e.Chain))
	}
	if problem := checkPrivateKey(e.PrivateKey, e.Chain[0]); problem != "" {
		return problem
	}
	return checkOrder(e.Chain)
}

func checkAlias(alias string) string {
	switch {
	case alias == "":
		return "the alias is empty"
	case len(alias) > MaxAliasLength || !aliasPattern.MatchString(alias):
		return fmt.Sprintf("the alias must be 1 to %d lower-case letters, digits or inner hyphens", MaxAliasLength)
	case alias == vendorAlias:
		return "the alias is the vendor's default (DEF-02); choose another name"
	}
	return ""
}

func checkCertificate(certificate *x509.Certificate) string {
	if problem := checkPublicKey(certificate.PublicKey); problem != "" {
		return problem
	}
	if isVendorCertificate(certificate) {
		return "its private key is shipped with the product and known to everybody (DEF-02); use a key of your own"
	}
	return ""
}

func checkPublicKey(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Sprintf("an RSA key of %d bits; use %d to %d", bits, minRSABits, maxRSABits)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
			return fmt.Sprintf("an unsupported curve %s; use P-256, P-384 or P-521", key.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return "an unsupported kind of public key; use RSA or ECDSA"
	}
	return ""
}

func checkPrivateKey(key crypto.Signer, leaf *x509.Certificate) string {
	var matches bool
	switch k := key.(type) {
	case *rsa.PrivateKey:
		matches = k != nil && k.PublicKey.Equal(leaf.PublicKey)
	case *ecdsa.PrivateKey:
		matches = k != nil && k.PublicKey.Equal(leaf.PublicKey)
	default:
		return "an unsupported kind of private key; use RSA or ECDSA"
	}
	if !matches {
		return fmt.Sprintf("the private key does not belong to the first certificate (%s); "+
			"put the key's own certificate first", subjectOf(leaf))
	}
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		return fmt.Sprintf("the first certificate is signed with %s; have it issued again with SHA-256 or better (PROD-02)",
			leaf.SignatureAlgorithm)
	}
	return ""
}

// RingAlias is the alias of one key of a ring: that of the ring, and the key's generation.
func RingAlias(alias string, generation int) string { return alias + "-" + strconv.Itoa(generation) }

// clip keeps foreign text from flooding a message.
func clip(text string) string {
	const longest = 100
	if len(text) > longest {
		return text[:longest] + "..."
	}
	return text
}

func subjectOf(certificate *x509.Certificate) string {
	return fmt.Sprintf("subject %q", clip(certificate.Subject.String()))
}
