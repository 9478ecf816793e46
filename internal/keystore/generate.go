package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"strings"
)

// This file is the one that draws from the system's randomness (crypto/rand,
// which ends the program rather than fail). From Go 1.26 on the generators take
// no other source, so none is asked for.

// Algorithm is a kind of private key.
type Algorithm string

// The algorithms that a JVM and the product's token and TLS code both take.
const (
	RSA   Algorithm = "RSA"
	ECDSA Algorithm = "ECDSA"
)

// GenerateKey makes a private key: RSA of 2048, 3072 or 4096 bits, or ECDSA of
// 256, 384 or 521 (NIST curves). RSA takes from tenths of a second to seconds of
// one core, so callers bound how many run at a time.
func GenerateKey(algorithm Algorithm, size int) (crypto.Signer, error) {
	switch algorithm {
	case RSA:
		if size == 2048 || size == 3072 || size == 4096 {
			return rsa.GenerateKey(rand.Reader, size)
		}
		return nil, fmt.Errorf("keystore: RSA of %d bits; use 2048, 3072 or 4096", size)
	case ECDSA:
		curves := map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}
		if curve, known := curves[size]; known {
			return ecdsa.GenerateKey(curve, rand.Reader)
		}
		return nil, fmt.Errorf("keystore: ECDSA of %d bits; use 256, 384 or 521", size)
	default:
		return nil, fmt.Errorf("keystore: unknown algorithm %q; use RSA or ECDSA", clip(string(algorithm)))
	}
}

const (
	passwordLength = 40
	upper          = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower          = "abcdefghijklmnopqrstuvwxyz"
	digits         = "0123456789"
	alphabet       = upper + lower + digits
)

// GeneratePassword makes 40 letters and digits, about 238 bits. Nothing else,
// because such values end in XML, properties files and shells (G-04). At least
// one of each class is in it, for policies that count classes.
func GeneratePassword() string {
	for {
		password := drawPassword()
		if strings.ContainsAny(password, upper) && strings.ContainsAny(password, lower) && strings.ContainsAny(password, digits) {
			return password
		}
	}
}

// drawPassword leaves out the bytes at the top that would make the first
// letters of the alphabet more likely than the last.
func drawPassword() string {
	const fair = 256 - 256%len(alphabet)
	password := make([]byte, 0, passwordLength)
	for len(password) < passwordLength {
		draw := make([]byte, passwordLength)
		_, _ = rand.Read(draw)
		for _, b := range draw {
			if int(b) < fair && len(password) < passwordLength {
				password = append(password, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(password)
}

// GenerateDataKey makes an AES-256 key as 64 lower-case hexadecimal digits. The
// product decodes 48 and 64 digits only; of any other length it would take the
// text's own bytes for the key (PROD-02d).
func GenerateDataKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key)
	return hex.EncodeToString(key)
}
