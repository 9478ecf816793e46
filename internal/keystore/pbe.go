package keystore

import (
	"bytes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // the cipher of legacy stores, written on request only
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the hash of legacy stores, written on request only
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
)

// What a key of RFC 7292 appendix B is for. The number goes into it.
const (
	forKey    = 1
	forVector = 2
	forMAC    = 3
)

const (
	tripleDESKeyBytes = 24
	rc2KeyBytes       = 5 // 40 bits, the export limit of its time
)

// pbeParameters is PBEParameter of RFC 8018, the whole scheme of appendix C.
type pbeParameters struct {
	Salt       []byte
	Iterations int
}

// passwordKey stretches a password by RFC 7292 appendix B.2.
func passwordKey(newHash func() hash.Hash, purpose byte, password string, salt []byte, rounds, size int) []byte {
	h := newHash()
	width := h.BlockSize()
	diversifier := bytes.Repeat([]byte{purpose}, width)
	input := append(fill(salt, width), fill(append(bmpString(password), 0, 0), width)...)
	var key, digest []byte
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		digest = h.Sum(digest[:0])
		for range rounds - 1 {
			h.Reset()
			h.Write(digest)
			digest = h.Sum(digest[:0])
		}
		if key = append(key, digest...); len(key) >= size {
			return key[:size]
		}
		addToEach(input, fill(digest, width)[:width])
	}
}

// fill repeats b up to the next multiple of width.
func fill(b []byte, width int) []byte {
	if len(b) == 0 {
		return nil
	}
	size := (len(b) + width - 1) / width * width
	return bytes.Repeat(b, size/len(b)+1)[:size]
}

// addToEach adds step and one to each part of input that is as long as step,
// both as big-endian numbers, and drops what runs over.
func addToEach(input, step []byte) {
	for len(input) > 0 {
		carry := 1
		for i := len(step) - 1; i >= 0; i-- {
			carry += int(input[i]) + int(step[i])
			input[i] = byte(carry)
			carry >>= 8
		}
		input = input[len(step):]
	}
}

// macOf is the store's MAC under a hash.
func macOf(newHash func() hash.Hash, content []byte, password string, salt []byte, rounds int) []byte {
	mac := hmac.New(newHash, passwordKey(newHash, forMAC, password, salt, rounds, newHash().Size()))
	mac.Write(content)
	return mac.Sum(nil)
}

func (o *opener) checkMAC(content []byte, mac macData) error {
	var newHash func() hash.Hash
	switch algorithm := mac.Digest.Algorithm; {
	case !bytes.Equal(algorithm.Parameters.FullBytes, asn1.NullBytes):
		return fmt.Errorf("keystore: MAC with %s and parameters; it has none", algorithm.Algorithm)
	case algorithm.Algorithm.Equal(oidSHA256):
		newHash = sha256.New
	case algorithm.Algorithm.Equal(oidSHA1):
		newHash = sha1.New
	default:
		return fmt.Errorf("keystore: MAC with %s, want SHA-256 or SHA-1", algorithm.Algorithm)
	}
	if err := o.spend("MAC", mac.Iterations); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(macOf(newHash, content, o.password, mac.Salt, mac.Iterations), mac.Digest.Digest) != 1 {
		return ErrWrongPassword
	}
	return nil
}

// encryptLegacy seals content with SHA-1 and 3DES.
func (s *sealer) encryptLegacy(purpose string, content []byte) (pkix.AlgorithmIdentifier, []byte, error) {
	salt := s.derive("legacy "+purpose+" salt", content)[:saltBytes]
	algorithm, err := algorithmWith(oidPBEWithSHA1And3DES, pbeParameters{Salt: salt, Iterations: iterations})
	if err != nil {
		return algorithm, nil, err
	}
	block, iv, err := tripleDES(s.password, salt, iterations)
	if err != nil {
		return algorithm, nil, err
	}
	return algorithm, seal(block, iv, content), nil
}

// decryptLegacy opens what old versions of Java, Windows and OpenSSL sealed:
// SHA-1 with 3DES, for certificates also with RC2.
func (o *opener) decryptLegacy(what string, algorithm pkix.AlgorithmIdentifier, sealed []byte) ([]byte, error) {
	var p pbeParameters
	if err := parse(what, algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	if err := o.spend(what, p.Iterations); err != nil {
		return nil, err
	}
	if err := wholeBlocks(what, sealed, des.BlockSize); err != nil {
		return nil, err
	}
	if algorithm.Algorithm.Equal(oidPBEWithSHA1AndRC2) {
		key := passwordKey(sha1.New, forKey, o.password, p.Salt, p.Iterations, rc2KeyBytes)
		iv := passwordKey(sha1.New, forVector, o.password, p.Salt, p.Iterations, des.BlockSize)
		return unpad(decryptRC2(key, iv, sealed), des.BlockSize)
	}
	block, iv, err := tripleDES(o.password, p.Salt, p.Iterations)
	if err != nil {
		return nil, err
	}
	content := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(content, sealed)
	return unpad(content, des.BlockSize)
}

func tripleDES(password string, salt []byte, rounds int) (cipher.Block, []byte, error) {
	block, err := des.NewTripleDESCipher(passwordKey(sha1.New, forKey, password, salt, rounds, tripleDESKeyBytes))
	return block, passwordKey(sha1.New, forVector, password, salt, rounds, des.BlockSize), err
}
