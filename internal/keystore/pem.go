package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	blockCertificate = "CERTIFICATE"
	blockPKCS8       = "PRIVATE KEY"
	blockPKCS1       = "RSA PRIVATE KEY" // cert-manager's default for tls.key
	blockEC          = "EC PRIVATE KEY"
)

// MarshalPrivateKey writes an RSA or ECDSA key as one PKCS#8 PEM block.
func MarshalPrivateKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("keystore: the private key cannot be written as PKCS#8; use RSA or ECDSA")
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockPKCS8, Bytes: der}), nil
}

// ParsePrivateKey reads exactly one PEM block with an unencrypted RSA or ECDSA
// key: PKCS#8, PKCS#1 or SEC 1. Errors never quote the input.
func ParsePrivateKey(data []byte) (crypto.Signer, error) {
	blocks, err := pemBlocks(data)
	if err != nil {
		return nil, err
	}
	if len(blocks) != 1 {
		return nil, fmt.Errorf("keystore: %d PEM blocks where one private key is wanted", len(blocks))
	}
	switch block := blocks[0]; block.Type {
	case blockPKCS8:
		return parsePKCS8(block.Bytes)
	case blockPKCS1:
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		return signer(key, err)
	case blockEC:
		key, err := x509.ParseECPrivateKey(block.Bytes)
		return signer(key, err)
	case blockCertificate:
		return nil, errors.New("keystore: a certificate where a private key is wanted")
	default:
		return nil, errors.New("keystore: no readable private key; give an unencrypted PKCS#8 block (BEGIN PRIVATE KEY)")
	}
}

func parsePKCS8(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	return signer(key, err)
}

// signer drops the parser's own text: it comes too near to the key.
func signer(key any, err error) (crypto.Signer, error) {
	if err != nil {
		return nil, errors.New("keystore: the private key cannot be parsed; write it again as PKCS#8 PEM")
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	default:
		return nil, errors.New("keystore: an unsupported kind of private key; use RSA or ECDSA")
	}
}

// EncodeCertificates writes certificates as PEM in the given order.
func EncodeCertificates(certificates []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, certificate := range certificates {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: certificate.Raw}))
	}
	return out.Bytes()
}

// ParseCertificates reads one to MaxEntries PEM certificates in their order.
// Text between them is left out, as bundles have it; a block of another type or
// one that cannot be read is an error, never skipped.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	blocks, err := pemBlocks(data)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 || len(blocks) > MaxEntries {
		return nil, fmt.Errorf("keystore: %d PEM certificates are not 1 to %d", len(blocks), MaxEntries)
	}
	certificates := make([]*x509.Certificate, len(blocks))
	for i, block := range blocks {
		if block.Type != blockCertificate {
			return nil, fmt.Errorf("keystore: PEM block %d is not a certificate; keep keys and certificates apart", i+1)
		}
		if certificates[i], err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("keystore: certificate %d: %w", i+1, err)
		}
	}
	return certificates, nil
}

// pemBlocks reads all blocks. encoding/pem leaves out what it cannot read; here
// that is an error, so that no certificate is lost by a slip of the pen.
func pemBlocks(data []byte) ([]*pem.Block, error) {
	if len(data) > MaxStoreBytes {
		return nil, fmt.Errorf("keystore: %d bytes of PEM are more than %d", len(data), MaxStoreBytes)
	}
	var blocks []*pem.Block
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block)
	}
	if begun := bytes.Count(data, []byte("-----BEGIN ")); begun != len(blocks) {
		return nil, fmt.Errorf("keystore: %d of %d PEM blocks cannot be read; look for missing lines or END marks", begun-len(blocks), begun)
	}
	return blocks, nil
}
