package schema

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeDatabase runs the tool against a fake of a database: no JDBC driver is part of
// this repository. What a real PostgreSQL makes of it is not tried here.
type fakeDatabase struct{ folder, program string }

func newFakeDatabase(t *testing.T, tables ...string) fakeDatabase {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Fatal("no java: install a Java runtime 17 or newer, such as Debian's openjdk-17-jre-headless")
	}
	fake, err := os.ReadFile("testdata/FakeDatabase.java")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	d := fakeDatabase{folder, filepath.Join(folder, "Start.java")}
	const imports = "\n/**\n"
	head, body, found := strings.Cut(string(tool), imports)
	if !found {
		t.Fatal("the program has no comment after its imports any more")
	}
	// The first class of a source file is the one that is run.
	start := head + "\nclass Start {\n    public static void main(String[] arguments) throws Exception {\n" +
		"        DriverManager.registerDriver(new FakeDatabase());\n        SchemaTool.main(arguments);\n    }\n}\n"
	d.write(t, "Start.java", start+imports+strings.Replace(body, "public final class SchemaTool", "final class SchemaTool", 1)+string(fake))
	d.write(t, "database", strings.Join(append(tables, ""), "\n"))
	return d
}

func (d fakeDatabase) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(d.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run gives the last words and whether the tool succeeded.
func (d fakeDatabase) run(t *testing.T, password string, arguments ...string) (string, bool) {
	t.Helper()
	words := filepath.Join(d.folder, "words")
	command := exec.Command("java", append([]string{"-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", d.program}, arguments...)...)
	command.Env = append(os.Environ(), "FAKE_DATABASE="+filepath.Join(d.folder, "database"), "SCHEMA_LAST_WORDS="+words,
		"SCHEMA_USERNAME=owner", "SCHEMA_PASSWORD="+password, "SCHEMA_GRANTEE=run\"time", "SCHEMA_TRUST_STORE=/none", "SCHEMA_TRUST_STORE_PASSWORD=none")
	output, err := command.CombinedOutput()
	said, _ := os.ReadFile(words)
	t.Logf("%s", output)
	return string(said), err == nil
}

func (d fakeDatabase) lines(t *testing.T, name string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(d.folder, name))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// vendorScript is written as the vendor's are: with DROP before CREATE, a table that
// is made twice, and text that only looks like an end.
const vendorScript = `-- a comment; with an end
DROP TABLE IF EXISTS UM_USER;
CREATE TABLE UM_USER (
    NAME VARCHAR(255) DEFAULT 'a;b''c;', -- another; one
    PRIMARY KEY (NAME)
);
/* DROP TABLE um_user; */
INSERT INTO UM_USER VALUES ('x;y');
DROP TABLE IF EXISTS IDN_TWICE;
CREATE TABLE IDN_TWICE (ID INTEGER);
DROP TABLE IF EXISTS IDN_TWICE;
CREATE TABLE IF NOT EXISTS IDN_TWICE (ID INTEGER, MORE INTEGER);
CREATE FUNCTION f() RETURNS void AS $body$ BEGIN DELETE FROM x; END; $body$ LANGUAGE plpgsql
`

func TestToolMakesTablesOnce(t *testing.T) {
	d := newFakeDatabase(t)
	script := d.write(t, "script.sql", vendorScript)
	if words, ok := d.run(t, "right", "shared", "jdbc:fake", "", script); !ok || words != `{"schema":"created","hadData":false}` {
		t.Fatalf("the first run says %s", words)
	}
	if diff := cmp.Diff([]string{"um_user", "idn_twice"}, d.lines(t, "database")); diff != "" {
		t.Errorf("tables:\n%s", diff)
	}
	wanted := []string{
		"SELECT pg_advisory_xact_lock(hashtext('holdfast-schema'))",
		"CREATE TABLE UM_USER (     NAME VARCHAR(255) DEFAULT 'a;b''c;',       PRIMARY KEY (NAME) )",
		"INSERT INTO UM_USER VALUES ('x;y')",
		"CREATE TABLE IDN_TWICE (ID INTEGER)",
		"DROP TABLE IF EXISTS IDN_TWICE",
		"CREATE TABLE IF NOT EXISTS IDN_TWICE (ID INTEGER, MORE INTEGER)",
		"CREATE FUNCTION f() RETURNS void AS $body$ BEGIN DELETE FROM x; END; $body$ LANGUAGE plpgsql",
		`GRANT USAGE ON SCHEMA "public" TO "run""time"`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "public" TO "run""time"`,
		`GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA "public" TO "run""time"`,
	}
	if diff := cmp.Diff(wanted, d.lines(t, "database.sent")); diff != "" {
		t.Errorf("statements (-wanted +sent):\n%s", diff)
	}
	if words, ok := d.run(t, "right", "shared", "jdbc:fake", "", script); !ok || words != `{"schema":"present","hadData":false}` {
		t.Errorf("the second run says %s", words)
	}
}

// TestToolNeverDropsWhatIsThere: the vendor's script would.
func TestToolNeverDropsWhatIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		tables []string
		words  string
		ok     bool
	}{
		"with users":    {[]string{"um_user", "um_user with rows", "idn_twice"}, `{"schema":"present","hadData":true}`, true},
		"half of them":  {[]string{"um_user", "um_user with rows"}, "1 of the 2 tables", false},
		"other's table": {[]string{"elsewhere"}, `{"schema":"created","hadData":false}`, true},
	} {
		d := newFakeDatabase(t, c.tables...)
		words, ok := d.run(t, "right", "identity", "jdbc:fake", "", d.write(t, "script.sql", vendorScript))
		if ok != c.ok || !strings.Contains(words, c.words) {
			t.Errorf("%s: %t, %s", name, ok, words)
		}
		kept := strings.Join(d.lines(t, "database"), "\n")
		for _, table := range c.tables {
			if !strings.Contains(kept, table) {
				t.Errorf("%s: %s is gone", name, table)
			}
		}
		for _, statement := range d.lines(t, "database.sent") {
			if strings.HasPrefix(statement, "DROP") && !strings.Contains(statement, "IDN_TWICE") {
				t.Errorf("%s: %s was sent", name, statement)
			}
		}
	}
}

func TestToolSaysWhy(t *testing.T) {
	d := newFakeDatabase(t)
	if words, ok := d.run(t, "wrong", "shared", "jdbc:fake", "", d.write(t, "a.sql", vendorScript)); ok || words != "the shared database: password authentication failed" {
		t.Errorf("a wrong password: %t, %s", ok, words)
	}
	if words, ok := d.run(t, "right", "agent", "jdbc:fake", "", "/none.sql"); ok || words != "the image has no /none.sql" {
		t.Errorf("a missing script: %t, %s", ok, words)
	}
	refused := d.write(t, "b.sql", "CREATE TABLE A (I INTEGER);\nCREATE TABLE B (FAIL INTEGER);\n")
	if words, ok := d.run(t, "right", "consent", "jdbc:fake", "", refused); ok || words != "the consent database: the database refuses" {
		t.Errorf("a refused statement: %t, %s", ok, words)
	}
	if tables := d.lines(t, "database"); len(tables) != 1 || tables[0] != "" {
		t.Errorf("half of a script was committed: %q", tables)
	}
}
