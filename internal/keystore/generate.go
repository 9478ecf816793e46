package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"math/big"
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
		password := draw(alphabet, passwordLength)
		if strings.ContainsAny(password, upper) && strings.ContainsAny(password, lower) && strings.ContainsAny(password, digits) {
			return password
		}
	}
}

// draw leaves out the bytes at the top that would make the first characters more likely
// than the last.
func draw(characters string, length int) string {
	fair := 256 - 256%len(characters)
	password := make([]byte, 0, length)
	for len(password) < length {
		drawn := make([]byte, length)
		_, _ = rand.Read(drawn)
		for _, b := range drawn {
			if int(b) < fair && len(password) < length {
				password = append(password, characters[int(b)%len(characters)])
			}
		}
	}
	return string(password)
}

// special are characters that servers count as special and that stand for themselves
// in XML, properties files, addresses and shells.
const special = "-._~"

// PasswordRules are what a server asks of an account's password. Zero asks for nothing.
type PasswordRules struct {
	// Min and Max are lengths in characters.
	Min, Max int
	// Lower, Upper, Digit and Special are how many of a class there have to be.
	Lower, Upper, Digit, Special int
	// MinUnique is how many different characters there have to be.
	MinUnique int
}

// tries is how many passwords are drawn for what chance alone must meet.
const tries = 1000

// GenerateAccountPassword makes a password for an account that a server holds to rules:
// 40 characters where the rules leave the choice, of letters, digits and -._~, with at
// least one of each class and never one character twice in a row. An error means that
// no password of ours can meet the rules.
func GenerateAccountPassword(rules PasswordRules) (string, error) {
	length := max(passwordLength, rules.Min)
	if rules.Max > 0 {
		length = min(length, rules.Max)
	}
	var demanded string
	for _, class := range []struct {
		characters string
		least      int
	}{{lower, rules.Lower}, {upper, rules.Upper}, {digits, rules.Digit}, {special, rules.Special}} {
		demanded += draw(class.characters, max(1, class.least))
	}
	for range tries {
		if len(demanded) > length {
			break
		}
		password := shuffled(demanded + draw(alphabet+special, length-len(demanded)))
		if orderly(password, rules.MinUnique) {
			return password, nil
		}
	}
	return "", fmt.Errorf("keystore: no password of %d letters, digits and %s meets the rules that are declared for accounts", length, special)
}

// shuffled puts characters into an order that chance alone decides.
func shuffled(text string) string {
	characters := []byte(text)
	for i := len(characters) - 1; i > 0; i-- {
		j, _ := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		characters[i], characters[j.Int64()] = characters[j.Int64()], characters[i]
	}
	return string(characters)
}

// orderly tells whether a password begins with a letter, has no character twice in a row,
// and enough different ones.
func orderly(password string, unique int) bool {
	seen := map[byte]bool{}
	for i := range len(password) {
		if i > 0 && password[i] == password[i-1] {
			return false
		}
		seen[password[i]] = true
	}
	return len(seen) >= unique && strings.ContainsAny(password[:1], upper+lower)
}

// GenerateDataKey makes an AES-256 key as 64 lower-case hexadecimal digits. The
// product decodes 48 and 64 digits only; of any other length it would take the
// text's own bytes for the key (PROD-02d).
func GenerateDataKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key)
	return hex.EncodeToString(key)
}
