package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// run gives what a script of hack/release says, and whether it failed.
func run(t *testing.T, name string, arguments ...string) (string, error) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), filepath.Join(root, "hack", "release", name), arguments...).CombinedOutput()
	return string(output), err
}

func TestTheNotesAreThoseOfTheVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	if err := os.WriteFile(file, []byte("# Changelog\n\n## [Unreleased]\n\n- next\n\n## [1.10.0] - 2026-02-01\n\n### Added\n\n- ten\n\n## [1.1.0] - 2026-01-01\n\n- one\n\n## [1.0.0]\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{"v1.10.0": "\n### Added\n\n- ten\n", "v1.1.0": "\n- one\n"} {
		if got, err := run(t, "notes.sh", tag, file); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", tag, got, err, want)
		}
	}
	for _, tag := range []string{"v1.0.0", "v1.1", "v2.0.0"} {
		if got, err := run(t, "notes.sh", tag, file); err == nil || !strings.Contains(got, "has nothing under") {
			t.Errorf("%s: %q, %v, want a refusal", tag, got, err)
		}
	}
}

// A tag that chart, bundle or changelog do not know is no release, and neither is one whose chart installs another image.
func TestATagThatNobodyKnowsIsRefused(t *testing.T) {
	got, err := run(t, "check.sh", "v99.9.9", "registry.example/other")
	for _, want := range []string{"the tag is v99.9.9, want v", ", want v99.9.9: change", ", want registry.example/other", "the heading of the changelog is missing, want ## [99.9.9]"} {
		if err == nil || !strings.Contains(got, want) {
			t.Errorf("want %q, got %v\n%s", want, err, got)
		}
	}
	var chart struct{ Version string }
	var values struct{ Image struct{ Repository string } }
	for file, into := range map[string]any{"Chart.yaml": &chart, "values.yaml": &values} {
		if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, "charts", "holdfast", file))), into); err != nil {
			t.Fatal(err)
		}
	}
	complaint := ""
	if !strings.Contains(read(t, filepath.Join(root, "CHANGELOG.md")), "\n## ["+chart.Version+"]") {
		complaint = "the heading of the changelog is missing, want ## [" + chart.Version + "]: change CHANGELOG.md, run make generate, commit, and tag that commit\n"
	}
	if got, err := run(t, "check.sh", "v"+chart.Version, values.Image.Repository); got != complaint || (err != nil) != (complaint != "") {
		t.Errorf("what chart and bundle say: %v\n%s", err, got)
	}
}
