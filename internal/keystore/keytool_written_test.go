package keystore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
