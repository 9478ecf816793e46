package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// aliasOfTrusted would give its file the name of FileTrusted.
var aliasOfTrusted = strings.TrimSuffix(FileTrusted, ChainSuffix)

// EncodePEM writes entries as files for applications without a JVM, which do not
// know stores:
//
//	ALIAS.key  the private key, PKCS#8 without encryption
//	ALIAS.crt  its chain, the key's own certificate first; or a trusted certificate
//	ca.crt     every trusted certificate, by alias; absent where there is none
//
// Such keys lie open to whoever may read the Secret; with a store the password
// lies beside it there. The alias ca is refused: its file would be ca.crt. Other
// errors are an *EntryError, or files that are too large together.
func EncodePEM(entries []Entry) (map[string][]byte, error) {
	entries, err := checkedForPEM(entries)
	if err != nil {
		return nil, err
	}
	files, size := map[string][]byte{}, 0
	for _, e := range entries {
		files[e.Alias+ChainSuffix] = EncodeCertificates(e.Chain)
		if e.PrivateKey == nil {
			continue
		}
		if files[e.Alias+KeySuffix], err = MarshalPrivateKey(e.PrivateKey); err != nil {
			return nil, &EntryError{Alias: e.Alias, Problem: "the private key cannot be written as PKCS#8"}
		}
	}
	if bundle := bundleOf(entries); bundle != nil {
		files[FileTrusted] = bundle
	}
	for _, content := range files {
		size += len(content)
	}
	if size > MaxStoreBytes {
		return nil, tooLarge(size)
	}
	return files, nil
}

func checkedForPEM(entries []Entry) ([]Entry, error) {
	for _, e := range entries {
		if e.Alias == aliasOfTrusted {
			return nil, &EntryError{Alias: e.Alias, Problem: "in PEM, " + FileTrusted + " holds every trusted certificate; choose another alias"}
		}
	}
	return checked(entries)
}

// DecodePEM reads what EncodePEM wrote and returns the entries sorted by alias.
// Files of other names are left alone. A key without its chain, several
// certificates without a key, and a ca.crt that holds anything but the trusted
// certificates are errors, so that nothing is lost in silence.
func DecodePEM(files map[string][]byte) ([]Entry, error) {
	var entries []Entry
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if alias, isKey := strings.CutSuffix(name, KeySuffix); isKey && files[alias+ChainSuffix] == nil {
			return nil, &EntryError{Alias: alias, Problem: name + " has no " + alias + ChainSuffix + " beside it"}
		}
		alias, isChain := strings.CutSuffix(name, ChainSuffix)
		if !isChain || name == FileTrusted {
			continue
		}
		e, err := readPEM(alias, files)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 || len(entries) > MaxEntries {
		return nil, fmt.Errorf("keystore: %d entries in PEM are not 1 to %d", len(entries), MaxEntries)
	}
	entries, err := byAlias(entries)
	if err == nil && !bytes.Equal(bundleOf(entries), files[FileTrusted]) {
		err = errors.New("keystore: " + FileTrusted + " does not hold exactly the trusted certificates, by alias")
	}
	return entries, err
}

func bundleOf(sorted []Entry) []byte {
	var bundle []byte
	for _, e := range sorted {
		if e.PrivateKey == nil {
			bundle = append(bundle, EncodeCertificates(e.Chain)...)
		}
	}
	return bundle
}

func readPEM(alias string, files map[string][]byte) (Entry, error) {
	e := Entry{Alias: alias}
	var err error
	if e.Chain, err = ParseCertificates(files[alias+ChainSuffix]); err != nil {
		return e, &EntryError{Alias: alias, Problem: err.Error()}
	}
	key, hasKey := files[alias+KeySuffix]
	if !hasKey {
		if len(e.Chain) != 1 {
			return e, &EntryError{Alias: alias, Problem: fmt.Sprintf("%d certificates without a key; a trusted entry is exactly one", len(e.Chain))}
		}
		return e, nil
	}
	if e.PrivateKey, err = ParsePrivateKey(key); err != nil {
		return e, &EntryError{Alias: alias, Problem: err.Error()}
	}
	if problem := checkPrivateKey(e.PrivateKey, e.Chain[0]); problem != "" {
		return e, &EntryError{Alias: alias, Problem: problem}
	}
	return e, nil
}
