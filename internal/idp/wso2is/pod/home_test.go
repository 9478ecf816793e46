package pod

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// image lays out what the script copies, and returns the script's arguments.
func image(t *testing.T) (product, home, conf, metadata, ours string) {
	t.Helper()
	root := t.TempDir()
	product = filepath.Join(root, "product")
	for path, content := range map[string]string{
		"bin/wso2server.sh": "#!/bin/sh\n", ".hidden": "x", "repository/conf/deployment.toml": "vendor", "repository/conf/carbon.xml": "shipped",
		"repository/conf/log4j2.properties": "vendor", "repository/conf/identity/identity.xml": "shipped", "repository/database/WSO2CARBON_DB.mv.db": "tables",
		"repository/resources/security/wso2carbon.p12": "published key", "repository/resources/security/client-truststore.p12": "x",
		"repository/resources/security/wso2carbon.jks": "x", "repository/resources/conf/templates/a.j2": "t",
	} {
		write(t, filepath.Join(product, path), content)
	}
	if err := os.Chmod(filepath.Join(product, "bin/wso2server.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("bin", filepath.Join(product, "link")); err != nil {
		t.Fatal(err)
	}
	home, conf, metadata, ours = filepath.Join(root, "home"), filepath.Join(root, "conf"), filepath.Join(root, "metadata"), filepath.Join(root, "ours")
	for _, folder := range []string{home, conf, metadata} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(ours, "deployment.toml"), "ours")
	write(t, filepath.Join(ours, "log4j2.properties"), "ours")
	return product, home, conf, metadata, ours
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func runHome(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	script := filepath.Join(t.TempDir(), homeScript)
	write(t, script, string(home))
	output, err := exec.Command("/bin/sh", append([]string{script}, arguments...)...).CombinedOutput()
	return string(output), err
}

func TestHomeIsCopiedWithOurConfiguration(t *testing.T) {
	product, home, conf, metadata, ours := image(t)
	// The second time is a pod whose sandbox was lost, with volumes full of what was.
	for range 2 {
		if output, err := runHome(t, product, home, conf, metadata, ours); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		for path, wanted := range map[string]string{
			filepath.Join(conf, "deployment.toml"): "ours", filepath.Join(conf, "log4j2.properties"): "ours", filepath.Join(conf, "carbon.xml"): "shipped",
			filepath.Join(conf, "identity/identity.xml"): "shipped", filepath.Join(home, ".hidden"): "x",
			filepath.Join(home, "repository/database/WSO2CARBON_DB.mv.db"): "tables", filepath.Join(home, "repository/resources/conf/templates/a.j2"): "t",
		} {
			if got, err := os.ReadFile(path); err != nil || string(got) != wanted {
				t.Errorf("%s holds %q (%v), wanted %q", path, got, err, wanted)
			}
		}
		if info, err := os.Stat(filepath.Join(home, "bin/wso2server.sh")); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("the start script is not executable: %v", err)
		}
		if target, err := os.Readlink(filepath.Join(home, "link")); err != nil || target != "bin" {
			t.Errorf("a link became %q (%v)", target, err)
		}
		for _, gone := range []string{
			"repository/conf/deployment.toml", "repository/resources/security/wso2carbon.p12", "repository/resources/security/client-truststore.p12", "repository/resources/security/wso2carbon.jks",
		} {
			if _, err := os.Stat(filepath.Join(home, gone)); !os.IsNotExist(err) {
				t.Errorf("%s of the vendor is still there (%v)", gone, err)
			}
		}
		write(t, filepath.Join(metadata, "references.properties"), "stale")
		write(t, filepath.Join(conf, "carbon.xml"), "rendered before")
		write(t, filepath.Join(conf, ".stale"), "x")
	}
	if output, err := runHome(t, product, home, conf, metadata, ours); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, stale := range []string{filepath.Join(metadata, "references.properties"), filepath.Join(conf, ".stale")} {
		if _, err := os.Stat(stale); !os.IsNotExist(err) {
			t.Errorf("%s survives", stale)
		}
	}
}

// TestHomeFailsClosed: without our file the server would start on the vendor's.
func TestHomeFailsClosed(t *testing.T) {
	product, home, conf, metadata, ours := image(t)
	if err := os.Remove(filepath.Join(ours, "deployment.toml")); err != nil {
		t.Fatal(err)
	}
	if output, err := runHome(t, product, home, conf, metadata, ours); err == nil || strings.Contains(output, "in place") {
		t.Errorf("it succeeds without deployment.toml: %s", output)
	}
	if output, err := runHome(t, product+"-other-version", home, conf, metadata, ours); err == nil {
		t.Errorf("it succeeds without a product: %s", output)
	}
}
