package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
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
	// maxIterations is what Java takes for the MAC of a legacy store, and
	// maxTotalIterations bounds what a foreign one can make us compute: seconds.
	maxIterations      = 100_000
	maxTotalIterations = 10_000_000
	saltBytes          = 20 // as Java writes it
	keyBytes           = 32 // AES-256

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
	legacy   bool
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

// encrypt seals content with PBES2 (PBKDF2-HMAC-SHA256 and AES-256-CBC) unless
// the store is to be a legacy one. The purpose sets equal content apart.
func (s *sealer) encrypt(purpose string, content []byte) (pkix.AlgorithmIdentifier, []byte, error) {
	if s.legacy {
		return s.encryptLegacy(purpose, content)
	}
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
	return algorithm, seal(block, iv, content), nil
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

// seal pads content to whole blocks and encrypts it in CBC mode.
func seal(block cipher.Block, iv, content []byte) []byte {
	padding := block.BlockSize() - len(content)%block.BlockSize()
	sealed := append(bytes.Clone(content), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return sealed
}

// opener decrypts under a password, and counts what that costs.
type opener struct {
	password string
	spent    int
}

// spend bounds the work that a foreign store can ask for.
func (o *opener) spend(what string, rounds int) error {
	if rounds < 1 || rounds > maxIterations {
		return fmt.Errorf("keystore: %s: %d iterations are not 1 to %d", what, rounds, maxIterations)
	}
	if o.spent += rounds; o.spent > maxTotalIterations {
		return fmt.Errorf("keystore: %s: the store asks for more than %d iterations in all; use more than one store", what, maxTotalIterations)
	}
	return nil
}

// decrypt opens what encrypt sealed, or an older writer. It runs after the MAC
// was verified, so a padding error tells nobody anything.
func (o *opener) decrypt(what string, algorithm pkix.AlgorithmIdentifier, sealed []byte) ([]byte, error) {
	switch kind := algorithm.Algorithm; {
	case kind.Equal(oidPBES2):
		return o.decryptPBES2(what, algorithm, sealed)
	case kind.Equal(oidPBEWithSHA1And3DES), kind.Equal(oidPBEWithSHA1AndRC2):
		return o.decryptLegacy(what, algorithm, sealed)
	default:
		return nil, fmt.Errorf("keystore: %s: encrypted with %s, want PBES2, or SHA-1 with 3DES or 40-bit RC2", what, kind)
	}
}

func (o *opener) decryptPBES2(what string, algorithm pkix.AlgorithmIdentifier, sealed []byte) ([]byte, error) {
	var scheme pbes2Parameters
	var derivation pbkdf2Parameters
	var iv []byte
	if err := errors.Join(parse(what, algorithm.Parameters.FullBytes, &scheme),
		parse(what, scheme.KeyDerivation.Parameters.FullBytes, &derivation),
		parse(what, scheme.Encryption.Parameters.FullBytes, &iv)); err != nil {
		return nil, err
	}
	if !scheme.KeyDerivation.Algorithm.Equal(oidPBKDF2) || !derivation.PRF.Algorithm.Equal(oidHMACWithSHA256) ||
		!scheme.Encryption.Algorithm.Equal(oidAES256CBC) || len(iv) != aes.BlockSize {
		return nil, fmt.Errorf("keystore: %s: want PBKDF2 with HMAC-SHA256 and AES-256-CBC", what)
	}
	if err := errors.Join(o.spend(what, derivation.Iterations), wholeBlocks(what, sealed, aes.BlockSize)); err != nil {
		return nil, err
	}
	block, err := contentCipher(o.password, derivation.Salt, derivation.Iterations)
	if err != nil {
		return nil, fmt.Errorf("keystore: %s: %w", what, err)
	}
	content := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(content, sealed)
	return unpad(content, aes.BlockSize)
}

func wholeBlocks(what string, sealed []byte, size int) error {
	if len(sealed) == 0 || len(sealed)%size != 0 {
		return fmt.Errorf("keystore: %s: %d bytes are no whole number of blocks", what, len(sealed))
	}
	return nil
}

func unpad(content []byte, size int) ([]byte, error) {
	padding := int(content[len(content)-1])
	if padding == 0 || padding > size || padding > len(content) {
		return nil, ErrWrongPassword
	}
	body, tail := content[:len(content)-padding], content[len(content)-padding:]
	if !bytes.Equal(tail, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrWrongPassword
	}
	return body, nil
}

func contentCipher(password string, salt []byte, rounds int) (cipher.Block, error) {
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, keyBytes)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}
