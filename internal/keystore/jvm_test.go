package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const installJava = "this test needs a real JVM; on Debian: apt-get install openjdk-17-jre-headless"

// runtimes are the bin folders of the Java runtimes of this machine: the one in
// PATH first, then JAVA_HOME and what lies where Linux distributions put them.
func runtimes(t *testing.T) []string {
	t.Helper()
	first, err := exec.LookPath("java")
	if err != nil {
		t.Fatal("java is not in PATH and " + installJava)
	}
	candidates, err := filepath.Glob("/usr/lib/jvm/*/bin/java")
	if err != nil {
		t.Fatal(err)
	}
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append([]string{filepath.Join(home, "bin", "java")}, candidates...)
	}
	var folders []string
	seen := map[string]bool{}
	for _, candidate := range append([]string{first}, candidates...) {
		program, err := filepath.EvalSymlinks(candidate)
		if err != nil {
			t.Fatal(err)
		}
		if !seen[program] {
			seen[program], folders = true, append(folders, filepath.Dir(program))
		}
	}
	return folders
}

// compile makes the program that uses every alias, for Java 8 and newer.
func compile(t *testing.T, runtime string) (classes string) {
	t.Helper()
	classes = t.TempDir()
	command := exec.Command(filepath.Join(runtime, "java"), "-XX:TieredStopAtLevel=1", "-m", "jdk.compiler/com.sun.tools.javac.Main",
		"-source", "8", "-target", "8", "-Xlint:-options", "-proc:none", "-d", classes, "testdata/UseEveryAlias.java")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s does not compile the program: %v; %s\n%s", runtime, err, installJava, out)
	}
	return classes
}

// used is what the JVM did with one alias.
type used struct {
	entry     Entry
	signature []byte
}

// useEveryAlias has the JVM sign and verify with every alias of stores, which
// are pairs of type and file, and returns what it says by file.
func useEveryAlias(t *testing.T, runtime, classes, password string, stores ...string) (name string, found map[string][]used) {
	t.Helper()
	command := exec.Command(filepath.Join(runtime, "java"), append([]string{"-XX:TieredStopAtLevel=1", "-cp", classes, "UseEveryAlias"}, stores...)...)
	command.Env = append(os.Environ(), "STORE_PASSWORD="+password)
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%s: %v\n%s", runtime, err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	name, lines, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	found = map[string][]used{}
	for line := range strings.SplitSeq(lines, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) < 5 {
			t.Fatalf("the program said %q", line)
		}
		u := used{entry: Entry{Alias: fields[1]}}
		if fields[2] != "" {
			if u.entry.PrivateKey, err = parsePKCS8(fromBase64(t, fields[2])); err != nil {
				t.Fatal(err)
			}
			u.signature = fromBase64(t, fields[3])
		}
		for _, field := range fields[4:] {
			certificate, err := x509.ParseCertificate(fromBase64(t, field))
			if err != nil {
				t.Fatal(err)
			}
			u.entry.Chain = append(u.entry.Chain, certificate)
		}
		found[fields[0]] = append(found[fields[0]], u)
	}
	return name, found
}

func fromBase64(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func entriesOf(all []used) []Entry {
	var entries []Entry
	for _, u := range all {
		entries = append(entries, u.entry)
	}
	return entries
}

// verified tells whether message was signed by the key of a certificate.
func verified(certificate *x509.Certificate, message string, signature []byte) bool {
	digest := sha256.Sum256([]byte(message))
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], signature)
	}
	return false
}

func TestJVMSignsAndVerifiesWithEveryAlias(t *testing.T) {
	entries := append(mixed(t, rsaKey(t)), twins(t)...)
	folder := t.TempDir()
	stores := map[Format]struct{ kind, file, path string }{}
	var arguments []string
	for format, s := range map[Format]struct{ kind, file string }{PKCS12: {"PKCS12", FilePKCS12}, PKCS12Legacy: {"PKCS12", FilePKCS12}, JKS: {"JKS", FileJKS}} {
		path := filepath.Join(folder, string(format))
		if err := os.WriteFile(path, mustEncodeAs(t, format, entries)[s.file], 0o600); err != nil {
			t.Fatal(err)
		}
		stores[format] = struct{ kind, file, path string }{s.kind, s.file, path}
		arguments = append(arguments, s.kind, path)
	}
	all := runtimes(t)
	classes := compile(t, all[0])
	for _, runtime := range all {
		name, found := useEveryAlias(t, runtime, classes, password, arguments...)
		for format, store := range stores {
			got := found[store.path]
			if diff := differ(t, entries, entriesOf(got)); diff != "" {
				t.Errorf("%s sees other entries in %s (-written +seen):\n%s", name, format, diff)
			}
			signed := 0
			for _, u := range got {
				if u.entry.PrivateKey == nil {
					continue
				}
				if signed++; !verified(u.entry.Chain[0], u.entry.Alias, u.signature) {
					t.Errorf("%s, %s: the JVM's signature with %s does not verify", name, format, u.entry.Alias)
				}
			}
			t.Logf("%s: %s: signed and verified with %d keys, %d trusted certificates seen", name, format, signed, len(got)-signed)
			if signed != 5 {
				t.Errorf("%s signed with %d keys of %s, not 5", name, signed, format)
			}
		}
	}
}
