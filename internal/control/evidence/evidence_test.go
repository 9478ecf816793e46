package evidence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/control"
)

func TestTOML(t *testing.T) {
	t.Parallel()
	file, err := TOML([]byte(`top = 1_000
[transport.http]
enabled = false # a comment
[oauth.oidc."id.token"]
"name.with.dots" = "x"
ratio = 0.5
algorithms = [
  "PS256",
  "ES256",
]
none = []
inline = { a = "true", b = { c = 0x10 } }
[[keystore.custom]]
file_name = "one.p12"
[[keystore.custom]]
file_name = "two.p12"
[keystore.custom.inside]
deep = true
[[keystore.custom.part]]
n = 1
[[keystore.custom.part]]
n = 2
[mixed]
tables = [{ a = 1 }, { a = 2 }]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		line   int
		values []string
	}{
		"top":                                {1, []string{"1000"}},
		"transport.http.enabled":             {3, []string{"false"}},
		"oauth.oidc.id.token.name.with.dots": {5, []string{"x"}},
		"oauth.oidc.id.token.ratio":          {6, []string{"0.5"}},
		"oauth.oidc.id.token.algorithms":     {7, []string{"PS256", "ES256"}},
		"oauth.oidc.id.token.none":           {11, []string{}},
		"oauth.oidc.id.token.inline.a":       {12, []string{"true"}},
		"oauth.oidc.id.token.inline.b.c":     {12, []string{"16"}},
		"keystore.custom.0.file_name":        {14, []string{"one.p12"}},
		"keystore.custom.1.file_name":        {16, []string{"two.p12"}},
		"keystore.custom.1.inside.deep":      {18, []string{"true"}},
		"keystore.custom.1.part.0.n":         {20, []string{"1"}},
		"keystore.custom.1.part.1.n":         {22, []string{"2"}},
		"mixed.tables.0.a":                   {24, []string{"1"}},
		"mixed.tables.1.a":                   {24, []string{"2"}},
	}
	for key, w := range want {
		if diff := cmp.Diff(w.values, file.Values[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
		if file.Lines[key] != w.line {
			t.Errorf("%s stands on line %d, want %d", key, file.Lines[key], w.line)
		}
	}
	if len(file.Values) != len(want) {
		t.Errorf("keys that are not wanted: %v", file.Values)
	}
	if !file.Strings["oauth.oidc.id.token.inline.a"] || file.Strings["transport.http.enabled"] {
		t.Errorf("a string that says true is not told from a boolean: %v", file.Strings)
	}
}

func TestWhatIsNoTOML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		line    int
		says    string
	}{
		"syntax":        {"a = 1\nb = \nc = 2\n", 2, ""},
		"twice":         {"[t]\na = 1\n\na = 2\n", 4, "t.a"},
		"table twice":   {"[t]\na = 1\n[u]\n[t]\nb = 2\n", 4, "t"},
		"twice by dots": {"[t]\n\"a.b\" = 1\n[t.a]\nb = 2\n", 4, "t.a.b"},
	} {
		_, err := TOML([]byte(c.content))
		var told *Error
		if !errors.As(err, &told) || told.Line != c.line || !strings.Contains(told.Message, strings.TrimPrefix(c.says, "t.")) {
			t.Errorf("%s: %v, want line %d and %q", name, err, c.line, c.says)
		}
	}
}

// TestNoErrorQuotesAValue: a message may end in a build's log.
func TestNoErrorQuotesAValue(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"password = hunter2\n", "password = \"hunter2\n", "password = 'hunter2' x\n", "password = \"hunter2\"\npassword = \"hunter2\"\n"} {
		if _, err := TOML([]byte(content)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q gives %v", content, err)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	file, err := Properties([]byte("# comment\n! comment\n\nappenders = a, \\\n    b\na\\ key\\=1:v\\u0041lue \\\\ x\nspaces value\nempty\nwindows = C:\\\\x\r\nagain = 1\nagain = 2\nsurrogate = \\uD83D\\uDE00\nends = x\\"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"appenders": {"a, b"}, "a key=1": {`vAlue \ x`}, "spaces": {"value"}, "empty": {""}, "windows": {`C:\x`},
		"again": {"2"}, "surrogate": {"\U0001F600"}, "ends": {"x"},
	}
	if diff := cmp.Diff(want, file.Values); diff != "" {
		t.Error(diff)
	}
	if file.Lines["appenders"] != 4 || file.Lines["a key=1"] != 6 || file.Lines["again"] != 11 || !file.Repeated["again"] {
		t.Errorf("lines %v, repeated %v", file.Lines, file.Repeated)
	}
	var told *Error
	if _, err := Properties([]byte("a = 1\nb = \\u12\n")); !errors.As(err, &told) || told.Line != 2 {
		t.Errorf("an escape that Java refuses gives %v", err)
	}
}

// TestOurOwnFilesHaveALineForEveryKey reads what the driver renders.
func TestOurOwnFilesHaveALineForEveryKey(t *testing.T) {
	t.Parallel()
	for pattern, read := range map[string]func([]byte) (File, error){"*.deployment.toml": TOML, "*.log4j2.properties": Properties} {
		names, err := filepath.Glob(filepath.Join("..", "..", "idp", "wso2is", "testdata", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := read(content)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for key := range file.Values {
				if file.Lines[key] == 0 {
					t.Errorf("%s: %s has no line", name, key)
				}
			}
		}
	}
	if got := (File{Document: control.Log}).Evidence(); len(got) != 1 {
		t.Errorf("the evidence of a file is %v", got)
	}
}
