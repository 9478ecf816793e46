package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

const (
	// iterations is Java's default since JDK 16 for keys, certificates and MAC.
	// It is not what protects the store (the password is, see checkPassword),
	// and each start of a JVM pays for it once per key.
	iterations = 10_000
	// maxIterations bounds what a foreign store can make us compute.
	maxIterations = 100_000
	saltBytes     = 20 // as Java writes it
	keyBytes      = 32 // AES-256

	minPasswordLength = 16
	maxPasswordLength = 256
)

// Errors that concern the password and not an entry.
var (
	// ErrPassword is a password that we refuse to protect a store with.
	ErrPassword = fmt.Errorf("keystore: the password must be %d to %d printable ASCII characters without spaces; generate it",
		minPasswordLength, maxPasswordLength)
	// ErrWrongPassword is a store that the password does not open. It was made
	// with another password, or its bytes were changed.
	ErrWrongPassword = errors.New("keystore: wrong password, or the store was changed")
)

// checkPassword keeps to characters that every reader encodes alike (PBKDF2
// takes UTF-8, the MAC takes UTF-16), and that survive files and properties.
func checkPassword(password string) error {
	if len(password) < minPasswordLength || len(password) > maxPasswordLength {
		return ErrPassword
	}
	for _, c := range []byte(password) {
		if c <= ' ' || c > '~' {
			return ErrPassword
		}
	}
	return nil
}

// sealer encrypts under a password with derived salts, see EncodePKCS12.
type sealer struct {
	password string
	saltKey  []byte
}

func newSealer(password string) (*sealer, error) {
	if err := checkPassword(password); err != nil {
		return nil, err
	}
	// Stretched as the store is, or else a salt would be a faster test of a
	// guessed password than the store itself.
	saltKey, err := pbkdf2.Key(sha256.New, password, []byte("holdfast keystore salt v1"), iterations, sha256.Size)
	return &sealer{password: password, saltKey: saltKey}, err
}

// derive gives bytes that depend on the password, the purpose and the content,
// and that nobody without the password can compute, test or learn from.
func (s *sealer) derive(purpose string, content []byte) []byte {
	mac := hmac.New(sha256.New, s.saltKey)
	mac.Write(field(nil, []byte(purpose)))
	mac.Write(content)
	return mac.Sum(nil)
}

// encrypt seals content with PBES2: PBKDF2-HMAC-SHA256 and AES-256-CBC. The
// purpose sets equal content apart.
func (s *sealer) encrypt(purpose string, content []byte) (pkix.AlgorithmIdentifier, []byte, error) {
	salt := s.derive(purpose+" salt", content)[:saltBytes]
	iv := s.derive(purpose+" iv", content)[:aes.BlockSize]
	algorithm, err := pbes2(salt, iv)
	if err != nil {
		return algorithm, nil, err
	}
	block, err := contentCipher(s.password, salt, iterations)
	if err != nil {
		return algorithm, nil, err
	}
	padding := aes.BlockSize - len(content)%aes.BlockSize
	sealed := append(bytes.Clone(content), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return algorithm, sealed, nil
}

func pbes2(salt, iv []byte) (pkix.AlgorithmIdentifier, error) {
	derivation, err1 := algorithmWith(oidPBKDF2, pbkdf2Parameters{
		Salt: salt, Iterations: iterations, KeyLength: keyBytes,
		PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue},
	})
	encryption, err2 := algorithmWith(oidAES256CBC, iv)
	algorithm, err3 := algorithmWith(oidPBES2, pbes2Parameters{KeyDerivation: derivation, Encryption: encryption})
	return algorithm, errors.Join(err1, err2, err3)
}

func algorithmWith(algorithm asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: algorithm, Parameters: asn1.RawValue{FullBytes: der}}, err
}

// decrypt opens what encrypt sealed. It runs after the MAC was verified, so a
// padding error tells nobody anything.
func decrypt(what string, algorithm pkix.AlgorithmIdentifier, sealed []byte, password string) ([]byte, error) {
	var scheme pbes2Parameters
	var derivation pbkdf2Parameters
	var iv []byte
	if !algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("keystore: %s: encrypted with %s, want PBES2", what, algorithm.Algorithm)
	}
	if err := errors.Join(parse(what, algorithm.Parameters.FullBytes, &scheme),
		parse(what, scheme.KeyDerivation.Parameters.FullBytes, &derivation),
		parse(what, scheme.Encryption.Parameters.FullBytes, &iv)); err != nil {
		return nil, err
	}
	if !scheme.KeyDerivation.Algorithm.Equal(oidPBKDF2) || !derivation.PRF.Algorithm.Equal(oidHMACWithSHA256) ||
		!scheme.Encryption.Algorithm.Equal(oidAES256CBC) || len(iv) != aes.BlockSize {
		return nil, fmt.Errorf("keystore: %s: want PBKDF2 with HMAC-SHA256 and AES-256-CBC", what)
	}
	block, err := contentCipher(password, derivation.Salt, derivation.Iterations)
	if err != nil {
		return nil, fmt.Errorf("keystore: %s: %w", what, err)
	}
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("keystore: %s: %d bytes are no whole number of blocks", what, len(sealed))
	}
	content := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(content, sealed)
	return unpad(content)
}

func unpad(content []byte) ([]byte, error) {
	padding := int(content[len(content)-1])
	if padding == 0 || padding > aes.BlockSize || padding > len(content) {
		return nil, ErrWrongPassword
	}
	body, tail := content[:len(content)-padding], content[len(content)-padding:]
	if !bytes.Equal(tail, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrWrongPassword
	}
	return body, nil
}

func contentCipher(password string, salt []byte, rounds int) (cipher.Block, error) {
	if rounds < 1 || rounds > maxIterations {
		return nil, fmt.Errorf("%d iterations are not 1 to %d", rounds, maxIterations)
	}
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, keyBytes)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

// macOf is the store's MAC: HMAC-SHA256 under the key of RFC 7292 appendix B.2
// with ID 3. That key is one SHA-256 long, so the appendix's loop over blocks
// runs once and its addition step never.
func macOf(content []byte, password string, salt []byte, rounds int) []byte {
	const keyForMAC = 3
	input := bytes.Repeat([]byte{keyForMAC}, sha256.BlockSize)
	input = append(input, fill(salt)...)
	input = append(input, fill(append(bmpString(password), 0, 0))...)
	key := sha256.Sum256(input)
	for range rounds - 1 {
		key = sha256.Sum256(key[:])
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write(content)
	return mac.Sum(nil)
}

// fill repeats b up to the next whole number of hash blocks.
func fill(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	size := (len(b) + sha256.BlockSize - 1) / sha256.BlockSize * sha256.BlockSize
	return bytes.Repeat(b, size/len(b)+1)[:size]
}

func checkMAC(content []byte, mac macData, password string) error {
	algorithm := mac.Digest.Algorithm
	if !algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(algorithm.Parameters.FullBytes, asn1.NullBytes) {
		return fmt.Errorf("keystore: MAC with %s, want SHA-256 without parameters", algorithm.Algorithm)
	}
	if mac.Iterations < 1 || mac.Iterations > maxIterations {
		return fmt.Errorf("keystore: MAC with %d iterations, not 1 to %d", mac.Iterations, maxIterations)
	}
	if subtle.ConstantTimeCompare(macOf(content, password, mac.Salt, mac.Iterations), mac.Digest.Digest) != 1 {
		return ErrWrongPassword
	}
	return nil
}
