package keystore

import (
	"errors"
	"fmt"
)

// Format is what the entries of a store are written as. Its values are those of
// the API.
type Format string

const (
	// PKCS12 is what every current JVM takes by default, see EncodePKCS12.
	PKCS12 Format = "PKCS12"
	// PKCS12Legacy is for readers that know no PBES2, see EncodePKCS12Legacy.
	PKCS12Legacy Format = "PKCS12Legacy"
	// JKS is Java's own older format, see EncodeJKS.
	JKS Format = "JKS"
	// PEM is one file for each key and chain, without encryption, see EncodePEM.
	PEM Format = "PEM"
)

// The names under which Encode gives its bytes: the keys of a Secret. For PEM
// see also KeySuffix and ChainSuffix.
const (
	// FilePKCS12 holds a store of either encryption.
	FilePKCS12 = "keystore.p12"
	// FileJKS holds a JKS store.
	FileJKS = "keystore.jks"
	// FileTrusted holds every trusted certificate of a store in PEM.
	FileTrusted = "ca.crt"
	// KeySuffix after an alias is a private key in PEM.
	KeySuffix = ".key"
	// ChainSuffix after an alias is a chain, or a trusted certificate, in PEM.
	ChainSuffix = ".crt"
)

// Encode writes entries, in any order, in a format, and gives the bytes by file
// name. It is a pure function: equal entries, format and password give equal
// bytes. Errors are ErrPassword (never with PEM, which uses no password), an
// *EntryError that names the alias, an unknown format, or a store that is too
// large; none is healed by another try.
func Encode(format Format, entries []Entry, password string) (map[string][]byte, error) {
	switch format {
	case PKCS12:
		return oneFile(FilePKCS12)(EncodePKCS12(entries, password))
	case PKCS12Legacy:
		return oneFile(FilePKCS12)(EncodePKCS12Legacy(entries, password))
	case JKS:
		return oneFile(FileJKS)(EncodeJKS(entries, password))
	case PEM:
		return EncodePEM(entries)
	}
	return nil, unknown(format)
}

// Decode reads what Encode wrote: the entries by alias, each with the chain that
// an application sees. Files that the format does not use are left alone. A
// PKCS#12 store is read in either encryption.
func Decode(format Format, files map[string][]byte, password string) ([]Entry, error) {
	switch format {
	case PKCS12, PKCS12Legacy:
		data, err := fileOf(files, FilePKCS12)
		if err != nil {
			return nil, err
		}
		return DecodePKCS12(data, password)
	case JKS:
		data, err := fileOf(files, FileJKS)
		if err != nil {
			return nil, err
		}
		return DecodeJKS(data, password)
	case PEM:
		return DecodePEM(files)
	}
	return nil, unknown(format)
}

func oneFile(name string) func([]byte, error) (map[string][]byte, error) {
	return func(data []byte, err error) (map[string][]byte, error) {
		if err != nil {
			return nil, err
		}
		return map[string][]byte{name: data}, nil
	}
}

func fileOf(files map[string][]byte, name string) ([]byte, error) {
	data, found := files[name]
	if !found {
		return nil, errors.New("keystore: there is no " + name)
	}
	return data, nil
}

func unknown(format Format) error {
	return fmt.Errorf("keystore: unknown format %q; use %s, %s, %s or %s", clip(string(format)), PKCS12, PKCS12Legacy, JKS, PEM)
}

// sized makes sure that a Secret can hold what was written.
func sized(store []byte) ([]byte, error) {
	if len(store) > MaxStoreBytes {
		return nil, tooLarge(len(store))
	}
	return store, nil
}

func tooLarge(bytes int) error {
	return fmt.Errorf("keystore: the store has %d bytes, more than the %d of a Secret; use more than one store", bytes, MaxStoreBytes)
}
