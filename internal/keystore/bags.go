package keystore

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// label is what a bag's attributes say.
type label struct {
	alias   string
	keyID   []byte
	trusted bool
}

type keyItem struct {
	label
	key crypto.Signer
}

type certificateItem struct {
	label
	certificate *x509.Certificate
}

func (o *opener) readBags(bags []safeBag) ([]Entry, error) {
	var keys []keyItem
	var certificates []certificateItem
	if len(bags) > MaxEntries*MaxChainLength {
		return nil, fmt.Errorf("keystore: %d bags are too many", len(bags))
	}
	for _, bag := range bags {
		label, err := readAttributes(bag.Attributes)
		if err != nil {
			return nil, err
		}
		switch {
		case bag.Type.Equal(oidKeyBag):
			key, err := o.readKey(bag)
			if err != nil {
				return nil, err
			}
			keys = append(keys, keyItem{label, key})
		case bag.Type.Equal(oidCertificateBag):
			certificate, err := readCertificate(bag)
			if err != nil {
				return nil, err
			}
			certificates = append(certificates, certificateItem{label, certificate})
		default:
			return nil, fmt.Errorf("keystore: a bag of unknown type %s", bag.Type)
		}
	}
	return assemble(keys, certificates)
}

func (o *opener) readKey(bag safeBag) (crypto.Signer, error) {
	var sealed encryptedPrivateKey
	if err := unwrap("key bag", bag.Value, &sealed); err != nil {
		return nil, err
	}
	pkcs8, err := o.decrypt("key bag", sealed.Algorithm, sealed.Data)
	if err != nil {
		return nil, err
	}
	return parsePKCS8(pkcs8)
}

func readCertificate(bag safeBag) (*x509.Certificate, error) {
	var value certificateBag
	if err := unwrap("certificate bag", bag.Value, &value); err != nil {
		return nil, err
	}
	if !value.Type.Equal(oidX509) {
		return nil, fmt.Errorf("keystore: certificate bag: unknown type %s", value.Type)
	}
	certificate, err := x509.ParseCertificate(value.Data)
	if err != nil {
		return nil, fmt.Errorf("keystore: certificate bag: %w", err)
	}
	return certificate, nil
}

func readAttributes(attributes []attribute) (label, error) {
	var read label
	for _, a := range attributes {
		var err error
		switch {
		case a.Type.Equal(oidFriendlyName):
			read.alias, err = readFriendlyName(a.Values.Bytes)
		case a.Type.Equal(oidLocalKeyID):
			err = parse("localKeyId", a.Values.Bytes, &read.keyID)
		case a.Type.Equal(oidTrustedKeyUsage):
			read.trusted = true
		}
		if err != nil {
			return label{}, err
		}
	}
	return read, nil
}

func readFriendlyName(der []byte) (string, error) {
	var value asn1.RawValue
	if err := parse("friendlyName", der, &value); err != nil {
		return "", err
	}
	if value.Class != asn1.ClassUniversal || value.Tag != asn1.TagBMPString || len(value.Bytes)%2 != 0 {
		return "", fmt.Errorf("keystore: friendlyName: not a BMPString")
	}
	units := make([]uint16, 0, len(value.Bytes)/2)
	for pair := range slices.Chunk(value.Bytes, 2) {
		units = append(units, uint16(pair[0])<<8|uint16(pair[1]))
	}
	return strings.ToLower(string(utf16.Decode(units))), nil
}

// assemble joins keys and certificates by the rules of Java's reader.
func assemble(keys []keyItem, certificates []certificateItem) ([]Entry, error) {
	var entries []Entry
	var read []*x509.Certificate
	for _, c := range certificates {
		read = append(read, c.certificate)
		if c.trusted {
			entries = append(entries, Entry{Alias: c.alias, Chain: []*x509.Certificate{c.certificate}})
		}
	}
	all := bySubject(read)
	for _, k := range keys {
		leaf := certificateOf(k, certificates)
		if leaf == nil {
			return nil, &EntryError{Alias: k.alias, Problem: "no certificate of the store belongs to this key"}
		}
		if problem := checkPrivateKey(k.key, leaf); problem != "" {
			return nil, &EntryError{Alias: k.alias, Problem: problem}
		}
		entries = append(entries, Entry{Alias: k.alias, PrivateKey: k.key, Chain: all.chainOf(leaf)})
	}
	return byAlias(entries)
}

// byAlias sorts what was read.
func byAlias(entries []Entry) ([]Entry, error) {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Alias, b.Alias) })
	for i, e := range entries {
		if e.Alias == "" || (i > 0 && entries[i-1].Alias == e.Alias) {
			return nil, &EntryError{Alias: e.Alias, Problem: "the alias is missing or used twice"}
		}
	}
	return entries, nil
}

// certificateOf prefers the certificate with the key's identifier and alias,
// then with its identifier.
func certificateOf(key keyItem, certificates []certificateItem) *x509.Certificate {
	var match *x509.Certificate
	for _, c := range certificates {
		if c.trusted || key.keyID == nil || !bytes.Equal(c.keyID, key.keyID) {
			continue
		}
		if match == nil || c.alias == key.alias {
			match = c.certificate
		}
	}
	return match
}
