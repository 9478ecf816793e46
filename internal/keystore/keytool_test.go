package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keytool runs the JVM's own tool, in English and with the password kept out of
// the arguments.
func keytool(t *testing.T, secret string, arguments ...string) (string, error) {
	t.Helper()
	return keytoolOf(t, runtimes(t)[0], secret, arguments...)
}

func keytoolOf(t *testing.T, runtime, secret string, arguments ...string) (string, error) {
	t.Helper()
	tool := filepath.Join(runtime, "keytool")
	if _, err := os.Stat(tool); err != nil {
		t.Fatalf("%v, and %s", err, installJava)
	}
	command := exec.Command(tool, append([]string{"-J-Duser.language=en", "-J-XX:TieredStopAtLevel=1"}, arguments...)...)
	command.Env = append(os.Environ(), "STORE_PASSWORD="+secret, "LC_ALL=C")
	out, err := command.CombinedOutput()
	return string(out), err
}

func writeStore(t *testing.T, entries []Entry) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.p12")
	if err := os.WriteFile(file, mustEncode(t, entries), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// listed is what keytool says of one alias.
type listed struct {
	Type         string
	ChainLength  int
	Fingerprints []string
}

func list(t *testing.T, file string) map[string]listed {
	t.Helper()
	out, err := keytool(t, password, "-list", "-v", "-storetype", "PKCS12", "-keystore", file, "-storepass:env", "STORE_PASSWORD")
	if err != nil {
		t.Fatalf("keytool does not read the store: %v\n%s", err, out)
	}
	entries, alias := map[string]listed{}, ""
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "Alias name" {
			alias = value
		}
		e := entries[alias]
		switch key {
		case "Entry type":
			e.Type = value
		case "Certificate chain length":
			e.ChainLength, err = strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
		case "SHA256":
			e.Fingerprints = append(e.Fingerprints, strings.TrimSpace(value))
		default:
			continue
		}
		entries[alias] = e
	}
	return entries
}

func fingerprints(chain []*x509.Certificate) []string {
	var prints []string
	for _, certificate := range chain {
		prints = append(prints, Fingerprint(certificate))
	}
	return prints
}

func keyEntry(chain []*x509.Certificate) listed {
	return listed{Type: "PrivateKeyEntry", ChainLength: len(chain), Fingerprints: fingerprints(chain)}
}

func trustedEntry(certificate *x509.Certificate) listed {
	return listed{Type: "trustedCertEntry", Fingerprints: []string{Fingerprint(certificate)}}
}

func TestJavaListsStores(t *testing.T) {
	rsaFamily, ecdsaFamily := newFamily(t, rsaKey(t), "tls"), newFamily(t, p256(t, "signing"), "signing")
	database, partner := issue(t, nil, p256(t, "db"), "Database Root").cert, issue(t, nil, p256(t, "partner"), "Partner Root").cert
	renewed := issue(t, rsaFamily.root, rsaFamily.middle.key, "Acme Issuing", until(end.Add(time.Hour)))
	again := issue(t, renewed, rsaKey(t), "tls", leaf)
	renewedChain := []*x509.Certificate{again.cert, renewed.cert, rsaFamily.root.cert}
	authority, next := rekeyed(t, ecdsaFamily)
	nextChain := []*x509.Certificate{next.cert, authority.cert, ecdsaFamily.root.cert}
	respelled := issue(t, rsaFamily.root, rsaFamily.middle.key, " ACME  issuing")
	respelledChain := []*x509.Certificate{rsaFamily.own.cert, respelled.cert, rsaFamily.root.cert}
	rollover := issue(t, rsaFamily.root, p256(t, "root 2"), "Acme Root")
	crossed := issue(t, rollover, p256(t, "crossed"), "crossed", leaf)
	crossedChain := []*x509.Certificate{crossed.cert, rollover.cert, rsaFamily.root.cert}
	self, namesake := twins(t), withNamesake(t)
	for name, c := range map[string]struct {
		entries []Entry
		want    map[string]listed
	}{
		"one RSA key with a chain of three": {
			[]Entry{rsaFamily.entry("tls-2026")},
			map[string]listed{"tls-2026": keyEntry(rsaFamily.chain())},
		},
		"RSA and ECDSA keys that share their authorities": {
			[]Entry{rsaFamily.entry("current"), ecdsaFamily.entry("next")},
			map[string]listed{"current": keyEntry(rsaFamily.chain()), "next": keyEntry(ecdsaFamily.chain())},
		},
		"truststore": {
			[]Entry{trusted("acme", rsaFamily.root.cert), trusted("database", database), trusted("partner", partner)},
			map[string]listed{"acme": trustedEntry(rsaFamily.root.cert), "database": trustedEntry(database), "partner": trustedEntry(partner)},
		},
		"key completed by a trusted root": {
			[]Entry{{Alias: "tls", PrivateKey: rsaKey(t), Chain: rsaFamily.chain()[:2]}, trusted("root", rsaFamily.root.cert)},
			map[string]listed{"tls": keyEntry(rsaFamily.chain()), "root": trustedEntry(rsaFamily.root.cert)},
		},
		"one key twice, under a renewed authority": {
			[]Entry{rsaFamily.entry("old"), {Alias: "new", PrivateKey: rsaKey(t), Chain: renewedChain}},
			map[string]listed{
				"old": keyEntry([]*x509.Certificate{rsaFamily.own.cert, renewed.cert, rsaFamily.root.cert}),
				"new": keyEntry(renewedChain),
			},
		},
		"two authorities of one name": {
			[]Entry{ecdsaFamily.entry("old"), {Alias: "new", PrivateKey: next.key, Chain: nextChain}},
			map[string]listed{"old": keyEntry(ecdsaFamily.chain()), "new": keyEntry(nextChain)},
		},
		"two keys that sign themselves under one name": {
			self, map[string]listed{"previous": keyEntry(self[0].Chain), "current": keyEntry(self[1].Chain)},
		},
		"namesake of the issuer": {
			namesake, map[string]listed{"tls": keyEntry(namesake[0].Chain), "namesake": trustedEntry(namesake[1].Chain[0])},
		},
		"authority in another spelling": {
			[]Entry{{Alias: "tls", PrivateKey: rsaKey(t), Chain: respelledChain}},
			map[string]listed{"tls": keyEntry(respelledChain)},
		},
		"new root signed by the old one": {
			[]Entry{{Alias: "tls", PrivateKey: crossed.key, Chain: crossedChain}},
			map[string]listed{"tls": keyEntry(crossedChain)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, list(t, writeStore(t, c.entries))); diff != "" {
				t.Errorf("keytool shows other entries (-want +keytool):\n%s", diff)
			}
		})
	}
}

// written is a kind of store that keytool writes.
type written struct {
	kind      string
	arguments []string
	format    Format
	file      string
	golden    string
}

var keytoolWrites = map[string]written{
	"PKCS12":        {"PKCS12", nil, PKCS12, FilePKCS12, "testdata/keytool-17.p12"},
	"legacy PKCS12": {"PKCS12", []string{"-J-Dkeystore.pkcs12.legacy"}, PKCS12, FilePKCS12, "testdata/keytool-17-legacy.p12"},
	"JKS":           {"JKS", nil, JKS, FileJKS, "testdata/keytool-17.jks"},
}

func (w written) read(t *testing.T, file string) []Entry {
	t.Helper()
	store, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return mustDecodeAs(t, w.format, map[string][]byte{w.file: store})
}

// Importing decrypts and encrypts each key, so Java has proven that it opens
// them; reading the copy proves that we read what Java writes.
func TestJavaCopiesStoreAndWeReadTheCopy(t *testing.T) {
	for _, runtime := range runtimes(t) {
		for name, w := range keytoolWrites {
			entries := mixed(t, rsaKey(t))
			duplicate := w.copyOf(t, runtime, entries)
			decoded := w.read(t, duplicate)
			if diff := differ(t, entries, decoded); diff != "" {
				t.Errorf("%s: %s that keytool wrote differs (-given +copy):\n%s", runtime, name, diff)
			}
			if !bytes.Equal(mustEncode(t, entries), mustEncode(t, decoded)) {
				t.Errorf("%s: the keys of Java's %s give other bytes", runtime, name)
			}
		}
	}
}

func (w written) copyOf(t *testing.T, runtime string, entries []Entry) string {
	t.Helper()
	duplicate := filepath.Join(t.TempDir(), "copy")
	out, err := keytoolOf(t, runtime, password, append(w.arguments, "-importkeystore", "-noprompt",
		"-srckeystore", writeStore(t, entries), "-srcstoretype", "PKCS12", "-srcstorepass:env", "STORE_PASSWORD",
		"-destkeystore", duplicate, "-deststoretype", w.kind, "-deststorepass:env", "STORE_PASSWORD")...)
	if err != nil {
		t.Fatalf("keytool does not copy the store: %v\n%s", err, out)
	}
	return duplicate
}

// The stored ones are of JDK 17.0.15 and read without any JVM; -update has the
// JVM of this machine write them.
func TestWeReadStoredStoresOfKeytool(t *testing.T) {
	entries := mixed(t, p256(t, "tls"))
	for name, w := range keytoolWrites {
		if *update {
			store, err := os.ReadFile(w.copyOf(t, runtimes(t)[0], entries))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(w.golden, store, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if diff := differ(t, entries, w.read(t, w.golden)); diff != "" {
			t.Errorf("%s (-given +read):\n%s", name, diff)
		}
	}
}

// Here keytool makes the keys too, and the JVM's own reader says what they are.
func TestWeReadTheKeysThatKeytoolMade(t *testing.T) {
	runtime := runtimes(t)[0]
	classes := compile(t, runtime)
	authority := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(authority, EncodeCertificates(newFamily(t, p256(t, "tls"), "tls").chain()[2:]), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, w := range keytoolWrites {
		file := filepath.Join(t.TempDir(), "store")
		for _, arguments := range [][]string{
			{"-genkeypair", "-alias", "Signing-Current", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=Current"},
			{"-genkeypair", "-alias", "signing-next", "-keyalg", "EC", "-groupname", "secp384r1", "-dname", "CN=Next"},
			{"-genkeypair", "-alias", "tls", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=TLS,O=Acme"},
			{"-importcert", "-noprompt", "-alias", "partner", "-file", authority},
		} {
			arguments = append(slices.Concat(w.arguments, arguments), "-keystore", file, "-storetype", w.kind, "-storepass:env", "STORE_PASSWORD")
			if arguments[len(w.arguments)] == "-genkeypair" {
				arguments = append(arguments, "-keypass:env", "STORE_PASSWORD")
			}
			if out, err := keytoolOf(t, runtime, password, arguments...); err != nil {
				t.Fatalf("keytool %s: %v\n%s", name, err, out)
			}
		}
		jvm, seen := useEveryAlias(t, runtime, classes, password, w.kind, file)
		read := w.read(t, file)
		if diff := differ(t, entriesOf(seen[file]), read); diff != "" {
			t.Errorf("%s, %s (-what the JVM reads +what we read):\n%s", jvm, name, diff)
		}
		if len(read) != 4 {
			t.Errorf("%s: %d entries, want 4", name, len(read))
		}
	}
}

// keytool -keypasswd can give a key of a JKS store a password of its own.
func TestKeyWithItsOwnPasswordIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.jks")
	if err := os.WriteFile(file, mustEncodeAs(t, JKS, mixed(t, p256(t, "tls")))[FileJKS], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := keytool(t, password, "-keypasswd", "-alias", "signing", "-keystore", file, "-storetype", "JKS", "-storepass:env", "STORE_PASSWORD",
		"-keypass:env", "STORE_PASSWORD", "-new", "another-password")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	store, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var refused *EntryError
	if _, err := DecodeJKS(store, password); !errors.As(err, &refused) || refused.Alias != "signing" || !strings.Contains(err.Error(), "keytool -keypasswd") {
		t.Errorf("got %v, want the entry and what to do", err)
	}
}

func TestJavaRefusesWrongPassword(t *testing.T) {
	file := writeStore(t, []Entry{newFamily(t, p256(t, "tls"), "tls").entry("tls")})
	out, err := keytool(t, password+"x", "-list", "-keystore", file, "-storepass:env", "STORE_PASSWORD")
	if err == nil || !strings.Contains(out, "password was incorrect") {
		t.Errorf("keytool with a wrong password: %v\n%s", err, out)
	}
}
