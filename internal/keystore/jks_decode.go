package keystore

import (
	"crypto"
	"crypto/sha1" //nolint:gosec // the only hash that JKS has
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errShort ends the reading of a store that says less than it promises.
var errShort = errors.New("keystore: JKS: the store ends too early, or a length in it is wrong")

// DecodeJKS reads what EncodeJKS or keytool wrote and returns the entries sorted
// by alias, with their chains as they are stored. ErrWrongPassword tells a wrong
// password or changed bytes; an *EntryError names a key with a password of its
// own; every other error means that the bytes are no store that we read.
func DecodeJKS(data []byte, password string) ([]Entry, error) {
	if len(data) > MaxStoreBytes {
		return nil, fmt.Errorf("keystore: %d bytes are more than the %d of a Secret", len(data), MaxStoreBytes)
	}
	if len(password) > maxPasswordLength {
		return nil, ErrPassword
	}
	if len(data) < jksFrame || binary.BigEndian.Uint32(data) != jksMagic {
		return nil, errors.New("keystore: these bytes are no JKS store; a file of this name may well hold PKCS#12")
	}
	body, sum := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	if subtle.ConstantTimeCompare(jksSum(body, password), sum) != 1 {
		return nil, ErrWrongPassword
	}
	return readJKS(body[4:], password)
}

// readJKS reads what stands between magic and sum.
func readJKS(body []byte, password string) ([]Entry, error) {
	r := &jksReader{rest: body}
	version, count := r.number(), r.number()
	switch {
	case r.failed:
		return nil, errShort
	case version != jksVersion:
		return nil, fmt.Errorf("keystore: JKS: version %d, want %d", version, jksVersion)
	case count > MaxEntries:
		return nil, fmt.Errorf("keystore: JKS: %d entries are more than %d", count, MaxEntries)
	}
	var entries []Entry
	for range count {
		e, err := r.entry(password)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if r.failed || len(r.rest) > 0 {
		return nil, errShort
	}
	return byAlias(entries)
}

// jksReader takes values off the front. After a failure it gives nothing more.
type jksReader struct {
	rest   []byte
	failed bool
}

func (r *jksReader) bytes(length int) []byte {
	if r.failed || length > len(r.rest) {
		r.failed = true
		return nil
	}
	taken := r.rest[:length]
	r.rest = r.rest[length:]
	return taken
}

func (r *jksReader) number() int {
	if taken := r.bytes(4); taken != nil {
		return int(binary.BigEndian.Uint32(taken))
	}
	return 0
}

func (r *jksReader) text() string {
	if taken := r.bytes(2); taken != nil {
		return string(r.bytes(int(binary.BigEndian.Uint16(taken))))
	}
	return ""
}

func (r *jksReader) entry(password string) (Entry, error) {
	kind := r.number()
	e := Entry{Alias: strings.ToLower(r.text())}
	r.bytes(8) // when it was made
	if r.failed || !utf8.ValidString(e.Alias) {
		return e, errShort
	}
	certificates := 1
	switch kind {
	case jksTrusted:
	case jksKey:
		var err error
		if e.PrivateKey, err = readJKSKey(r.bytes(r.number()), e.Alias, password); err != nil {
			return e, err
		}
		if certificates = r.number(); certificates < 1 || certificates > MaxChainLength {
			return e, &EntryError{Alias: e.Alias, Problem: fmt.Sprintf("its chain has %d certificates, not 1 to %d", certificates, MaxChainLength)}
		}
	default:
		return e, fmt.Errorf("keystore: JKS: an entry of unknown kind %d", kind)
	}
	for range certificates {
		certificate, err := r.certificate()
		if err != nil {
			return e, err
		}
		e.Chain = append(e.Chain, certificate)
	}
	if e.PrivateKey != nil {
		if problem := checkPrivateKey(e.PrivateKey, e.Chain[0]); problem != "" {
			return e, &EntryError{Alias: e.Alias, Problem: problem}
		}
	}
	return e, nil
}

func (r *jksReader) certificate() (*x509.Certificate, error) {
	if kind := r.text(); !r.failed && kind != jksX509 {
		return nil, fmt.Errorf("keystore: JKS: a certificate of unknown kind %q", clip(kind))
	}
	der := r.bytes(r.number())
	if r.failed {
		return nil, errShort
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("keystore: JKS: %w", err)
	}
	return certificate, nil
}

func readJKSKey(der []byte, alias, password string) (crypto.Signer, error) {
	var hidden encryptedPrivateKey
	if err := parse("JKS key", der, &hidden); err != nil {
		return nil, err
	}
	if !hidden.Algorithm.Algorithm.Equal(oidJKSKey) || len(hidden.Data) < saltBytes+sha1.Size {
		return nil, &EntryError{Alias: alias, Problem: "its key is not hidden as JKS hides keys"}
	}
	end := len(hidden.Data) - sha1.Size
	pkcs8 := jksMask(hidden.Data[saltBytes:end], password, hidden.Data[:saltBytes])
	if subtle.ConstantTimeCompare(jksKeySum(pkcs8, password), hidden.Data[end:]) != 1 {
		return nil, &EntryError{Alias: alias, Problem: "its key has another password than the store; keytool -keypasswd makes them alike"}
	}
	return parsePKCS8(pkcs8)
}
