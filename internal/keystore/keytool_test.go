package keystore

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
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

func TestJavaRefusesWrongPassword(t *testing.T) {
	file := writeStore(t, []Entry{newFamily(t, p256(t, "tls"), "tls").entry("tls")})
	out, err := keytool(t, password+"x", "-list", "-keystore", file, "-storepass:env", "STORE_PASSWORD")
	if err == nil || !strings.Contains(out, "password was incorrect") {
		t.Errorf("keytool with a wrong password: %v\n%s", err, out)
	}
}
