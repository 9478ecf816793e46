package knownkeys

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, version string
		kind         Kind
	}{
		{"transport.http.enabled", "7.3.0", Boolean},
		{"transport.http.enable", "7.3.0", ""},
		{"keystore.custom.0.alias", "7.3.0", Text},
		{"keystore.custom.0.alias", "7.1", ""},
		{"server.enable_admin_services", "7.2.0", Boolean},
		{"server.enable_admin_services", "7.1.0", ""},
		{"oauth.grant_type.password.enable", "7.3", Boolean},
		{"system.parameter.any.thing", "7.3", Any},
		{"system.parameter", "7.3", ""},
		// Both a line with a kind and one for whatever follows.
		{"event.default_listener.private_key_jwt_authenticator.property.prevent_token_reuse", "7.3", Boolean},
	} {
		if kind, known := Find(c.key, c.version); kind != c.kind || known != (c.kind != "") {
			t.Errorf("%s in %s is %q, want %q", c.key, c.version, kind, c.kind)
		}
	}
	if from, ok := Only("server.enable_admin_services", "7.1.0"); !ok || from != "7.2" {
		t.Errorf("server.enable_admin_services is known from %q on", from)
	}
	if other, _ := Other("transport.https.properties.protocols"); other != "transport.https.sslHostConfig.properties.protocols" {
		t.Errorf("the other name of the protocols is %q", other)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]struct {
		nearest string
		table   bool
	}{
		"transport.http.enable":                {"transport.http.enabled", true},
		"transprt.http.enabled":                {"transport.http.enabled", false},
		"keystore.tls.filename":                {"keystore.tls.file_name", true},
		"oauth.grant_type.device_code.enabled": {"oauth.grant_type.device_code.enable", true},
		"server.quite_another_thing":           {"", true},
		"mine.own_table.value":                 {"", false},
	} {
		if nearest, table := Nearest(key, "7.3"); nearest != want.nearest || table != want.table {
			t.Errorf("%s: nearest %q, known table %t; want %+v", key, nearest, table, want)
		}
	}
}

func TestKeysAreSortedAndWellFormed(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^\S+ +(boolean|text|number|list|any)( +(7\.\d)?-(7\.\d)?)?$`)
	var names []string
	for line := range strings.Lines(keys) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.Contains(line, " = ") {
			continue
		}
		if !form.MatchString(line) {
			t.Errorf("%q", line)
		}
		names = append(names, strings.Fields(line)[0])
	}
	if !slices.IsSorted(names) {
		t.Error("the keys are not sorted")
	}
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("a key is there twice")
	}
}

// TestWhatWeRenderIsKnown, as what it is: a key that is missing here has to be added to keys.txt.
func TestWhatWeRenderIsKnown(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join("..", "testdata", "*.deployment.toml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := evidence.TOML(content)
		if err != nil {
			t.Fatal(err)
		}
		version, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(name), "7."), ".")
		for key := range file.Values {
			kind, known := Find(key, "7."+version)
			if !known {
				t.Errorf("%s: %s is not in keys.txt", filepath.Base(name), key)
			}
			if kind == Boolean && file.Strings[key] {
				t.Errorf("%s: %s is text, and a boolean in keys.txt", filepath.Base(name), key)
			}
		}
	}
}

// TestWhatControlsJudgeIsKnown: a key of a check has to be in keys.txt.
func TestWhatControlsJudgeIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range control.Load() {
		for _, check := range c.Checks {
			if check.In != control.Deployment {
				continue
			}
			version := check.From
			if version == "" {
				version = "7.3"
			}
			if check.Before != "" && check.From == "" {
				version = "7.1"
			}
			if _, known := Find(check.Key, version); !known {
				t.Errorf("%s: %s is not in keys.txt", c.ID, check.Key)
			}
		}
	}
}
