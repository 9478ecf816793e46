package localenv

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// keycloakFeatures is what the server is built for: its database, health and metrics. All else is decided when it starts.
var keycloakFeatures = []string{"build", "--db=postgres", "--health-enabled=true", "--metrics-enabled=true"}

// assembleKeycloak has Maven fetch the archive that the recipe pins, unpacks it at home, and has Keycloak build itself there, so that its
// starts need not.
func assembleKeycloak(ctx context.Context, program Program, home string) error {
	for name, probe := range map[string]string{"mvn": "--version", "java": "-version"} {
		if err := exec.CommandContext(ctx, name, probe).Run(); err != nil {
			return fmt.Errorf("%s is missing, which fetches or runs Keycloak: run hack/make/prerequisites.sh, which installs it on Debian and says elsewhere what to install: %w", name, err)
		}
	}
	folder, err := program.folder()
	if err != nil {
		return err
	}
	download, err := os.MkdirTemp(filepath.Dir(home), "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(download)
	// What Maven leaves beside the archive stays in the user's own repository, as ever.
	fetch := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(folder, "pom.xml"), "dependency:copy", "-DoutputDirectory="+download)
	if err := quietly(fetch, os.Environ()); err != nil {
		return err
	}
	archive, err := verifiedArchive(download, filepath.Join(folder, "checksums"))
	if err != nil {
		return err
	}
	if err := unpack(archive, home); err != nil {
		return fmt.Errorf("unpack %s: %w", archive, err)
	}
	build := exec.CommandContext(ctx, filepath.Join(home, "bin", "kc.sh"), keycloakFeatures...)
	return quietly(build, []string{"HOME=" + download, "PATH=" + os.Getenv("PATH"), "JAVA_HOME=" + os.Getenv("JAVA_HOME")})
}

// verifiedArchive returns the one file of the folder, whose name and SHA-256 are a line of the list, as sha256sum writes it.
func verifiedArchive(folder, list string) (string, error) {
	pinned, err := os.ReadFile(list)
	if err != nil {
		return "", err
	}
	want, name, _ := strings.Cut(strings.TrimSpace(string(pinned)), "  ")
	path := filepath.Join(folder, name)
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return "", fmt.Errorf("%s has the SHA-256 %s and not %s, as %s says: it is not the release that was pinned", name, got, want, list)
	}
	return path, nil
}

// unpack puts what is in the archive's one folder into home.
func unpack(archive, home string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	for _, entry := range reader.File {
		_, name, _ := strings.Cut(entry.Name, "/")
		if name == "" || entry.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(name) {
			return errors.New("an entry would land outside: " + entry.Name)
		}
		if err := unpackFile(entry, filepath.Join(home, name)); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(entry *zip.File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, entry.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
