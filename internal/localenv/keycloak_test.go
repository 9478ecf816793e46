package localenv

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnArchiveThatIsNotTheOneThatWasPinnedIsRefused(t *testing.T) {
	folder := t.TempDir()
	list := filepath.Join(folder, "checksums")
	writeFile(t, filepath.Join(folder, "dist.zip"), "the release")
	const sum = "2db9c68ff01b22ad99a0cb2ebfc7f76f8ebcb4a4b4c4de0a8f0ef5d3b1a4a6f9"
	writeFile(t, list, sum+"  dist.zip\n")
	if path, err := verifiedArchive(folder, list); err == nil || !strings.Contains(err.Error(), "not the release that was pinned") {
		t.Errorf("%s, %v; want a refusal", path, err)
	}
}

func TestAnArchiveStaysInsideItsFolder(t *testing.T) {
	folder := t.TempDir()
	archive := filepath.Join(folder, "dist.zip")
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(file)
	for _, name := range []string{"dist/bin/run", "dist/../../outside"} {
		if _, err := writer.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(folder, "home")
	if err := unpack(archive, home); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("%v; want a refusal", err)
	}
	if !fileExists(filepath.Join(home, "bin", "run")) || fileExists(filepath.Join(folder, "outside")) {
		t.Error("want what is inside unpacked, and nothing outside")
	}
}

func TestWithoutMavenItSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := assembleKeycloak(t.Context(), KeycloakServer, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "is missing") || !strings.Contains(err.Error(), "hack/make/prerequisites.sh") {
		t.Errorf("%v; want what is missing and what installs it", err)
	}
}
