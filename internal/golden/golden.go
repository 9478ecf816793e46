// Package golden compares what was built with files that a person has read. Tests alone import
// it: it makes their flag -update, which writes the files anew.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Expect fails a test where the file is not what was built.
func Expect(t testing.TB, path string, built []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, built, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run this test with -update and read what it wrote", err)
	}
	if diff := cmp.Diff(string(expected), string(built)); diff != "" {
		t.Errorf("%s differs (-golden +built); if it is meant, run with -update:\n%s", path, diff)
	}
}

// YAML is an object as a golden file holds it.
func YAML(t testing.TB, object any) []byte {
	t.Helper()
	encoded, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
