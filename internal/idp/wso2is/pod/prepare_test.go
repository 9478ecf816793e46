package pod

import (
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/keystore"
)

const (
	trustPassword = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"
	vendorImport  = "import org.wso2.config.mapper.ConfigParser;\n"
)

// prepared is a product's home with a trust store, and the program beside a fake of
// the vendor's parser, which is no part of this repository.
type prepared struct {
	home, store, pem, program string
	trusted                   []*x509.Certificate
}

func prepareHome(t *testing.T) prepared {
	t.Helper()
	root := t.TempDir()
	p := prepared{filepath.Join(root, "home"), filepath.Join(root, "trust.p12"), filepath.Join(root, "ca.pem"), filepath.Join(root, prepareProgram), nil}
	write(t, filepath.Join(p.home, "repository/conf/deployment.toml"), "ours")
	for _, name := range []string{"carbon.xml", "user-mgt.xml", "axis2/axis2.xml", "identity/identity.xml", "datasources/master-datasources.xml", "tomcat/catalina-server.xml"} {
		write(t, filepath.Join(p.home, "repository/resources/conf/rendered", name), "<a>\n<b>value</b>\n</a>")
	}
	var entries []keystore.Entry
	for _, name := range []string{"first", "second"} {
		key, err := keystore.GenerateKey(keystore.ECDSA, 256)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := keystore.SelfSign(key, keystore.SelfSignTemplate{CommonName: name, NotBefore: time.Unix(1, 0), NotAfter: time.Unix(4e9, 0)})
		if err != nil {
			t.Fatal(err)
		}
		p.trusted = append(p.trusted, certificate)
		entries = append(entries, keystore.Entry{Alias: name, Chain: []*x509.Certificate{certificate}})
	}
	store, err := keystore.EncodePKCS12(entries, trustPassword)
	if err != nil {
		t.Fatal(err)
	}
	fake, err := os.ReadFile("testdata/FakeConfigParser.java")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(prepare), vendorImport) {
		t.Fatal("the program does not import the vendor's parser any more")
	}
	write(t, p.store, string(store))
	write(t, p.program, strings.Replace(string(prepare), vendorImport, "", 1)+string(fake))
	return p
}

func (p prepared) run(t *testing.T, password string, further ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Fatal("no java: install a Java runtime 17 or newer, such as Debian's openjdk-17-jre-headless")
	}
	command := exec.Command("java", append([]string{"-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", p.program, p.home, p.store, "TRUST_PASSWORD", p.pem}, further...)...)
	command.Env = append(os.Environ(), "TRUST_PASSWORD="+password, "READER_PASSWORD=k3Y&lt;&amp;&gt;\\$1", "BROKEN_PASSWORD=<&>")
	output, err := command.CombinedOutput()
	return string(output), err
}

func TestPrepareExportsWhatIsTrusted(t *testing.T) {
	p := prepareHome(t)
	if output, err := p.run(t, trustPassword); err != nil || !strings.Contains(output, "2 certificates are trusted") {
		t.Fatalf("%v\n%s", err, output)
	}
	data, err := os.ReadFile(p.pem)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		found[string(block.Bytes)] = true
	}
	wanted := map[string]bool{string(p.trusted[0].Raw): true, string(p.trusted[1].Raw): true}
	if diff := cmp.Diff(wanted, found); diff != "" {
		t.Errorf("trusted certificates as PEM:\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(p.home, "repository/conf/carbon.xml")); err != nil {
		t.Errorf("nothing was rendered: %v", err)
	}
}

// TestPrepareFailsClosed: each of these would start a server that is not what was
// declared, or one that fails later and says less.
func TestPrepareFailsClosed(t *testing.T) {
	const canary = "canary-of-a-password"
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, p prepared)
		wanted string
	}{
		"a value broke the XML": {func(t *testing.T, p prepared) {
			write(t, filepath.Join(p.home, "repository/resources/conf/rendered/datasources/master-datasources.xml"), "<a>\n<password>"+canary+"&<</password></a>")
		}, "master-datasources.xml is not well formed at line 2"},
		"a file was not rendered": {func(t *testing.T, p prepared) {
			remove(t, filepath.Join(p.home, "repository/resources/conf/rendered/user-mgt.xml"))
		}, "user-mgt.xml was not rendered"},
		"no deployment.toml": {func(t *testing.T, p prepared) { remove(t, filepath.Join(p.home, "repository/conf/deployment.toml")) }, "deployment.toml is missing"},
		"the parser refuses": {func(t *testing.T, p prepared) {
			write(t, filepath.Join(p.home, "repository/conf/deployment.toml"), "refuse")
		}, "Error parsing"},
	} {
		p := prepareHome(t)
		c.spoil(t, p)
		output, err := p.run(t, trustPassword)
		if err == nil || !strings.Contains(output, c.wanted) || !strings.Contains(output, "the configuration is refused") {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
		if strings.Contains(output, canary) || strings.Contains(output, "\tat ") {
			t.Errorf("%s: the output quotes a value or a stack:\n%s", name, output)
		}
	}
	p := prepareHome(t)
	if output, err := p.run(t, canary); err == nil || !strings.Contains(output, "trust store does not open") || strings.Contains(output, canary) {
		t.Errorf("another password: %v\n%s", err, output)
	}
}

// TestPrepareGivesUserStoresTheirAccounts: the server resolves no variable in the file of a user
// store, and would sign in to the directory with its name.
func TestPrepareGivesUserStoresTheirAccounts(t *testing.T) {
	p := prepareHome(t)
	ours, theirs := t.TempDir(), t.TempDir()
	put := func(variable string) {
		write(t, filepath.Join(ours, "userstores.corp.xml"), `<UserStoreManager><Property name="ConnectionPassword">$env{`+variable+`}</Property></UserStoreManager>`)
	}
	write(t, filepath.Join(ours, "deployment.toml"), "$env{NOT_A_STORE}")
	put("READER_PASSWORD")
	if output, err := p.run(t, trustPassword, ours, "userstores.", theirs); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	files, err := os.ReadDir(theirs)
	if err != nil || len(files) != 1 || files[0].Name() != "corp.xml" {
		t.Fatalf("the server finds %v: %v", files, err)
	}
	written, err := os.ReadFile(filepath.Join(theirs, "corp.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var store struct{ Property string }
	if err := xml.Unmarshal(written, &store); err != nil || store.Property != `k3Y<&>\$1` {
		t.Errorf("the server reads the password %q: %v", store.Property, err)
	}
	for variable, says := range map[string]string{"ABSENT": "the variable ABSENT of a user store is missing", "BROKEN_PASSWORD": "corp.xml is not well formed"} {
		put(variable)
		if output, err := p.run(t, trustPassword, ours, "userstores.", theirs); err == nil || !strings.Contains(output, says) || strings.Contains(output, "<&>") {
			t.Errorf("%s: %v\n%s", variable, err, output)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
