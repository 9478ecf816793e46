package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// clone puts the program under a path of its own, in a git repository with one commit of a fixed time.
func clone(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "clone")
	if err := os.CopyFS(folder, os.DirFS("testdata/program")); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.test", "commit", "-q", "-m", "one"}} {
		command := exec.Command("git", append([]string{"-C", folder}, arguments...)...)
		command.Env = append(os.Environ(), "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
	return folder
}

// made runs the command in a clone and returns what it printed and the layout.
func made(t *testing.T) (string, layout.Path) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "layout")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-source", clone(t), "-program", ".", "-o", folder}, &out); err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), path
}

func TestClonesAtTwoPathsGiveOneDigest(t *testing.T) {
	first, path := made(t)
	second, other := made(t)
	if first != second {
		t.Errorf("one commit, two results:\n%s\n%s", first, second)
	}
	if a, b := content(t, string(path)), content(t, string(other)); a != b {
		t.Errorf("the layouts differ:\n%s\n%s", a, b)
	}
}

// content names every file of the layout, of which blobs are named by their digest, and shows its index.
func content(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		all.WriteString(name + "\n")
		if name == "index.json" {
			index, err := os.ReadFile(path)
			all.Write(index)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestAnImageOfEachPlatformThatNeedsNothingOfItsNode(t *testing.T) {
	_, path := made(t)
	index := theIndex(t, path)
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != descriptor.Platform.Architecture || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/manager"}) {
			t.Errorf("%s: unexpected config %+v", descriptor.Platform, config)
		}
		if config.Created.Unix() != 1700000000 {
			t.Errorf("%s: created %s, not when the commit was", descriptor.Platform, config.Created)
		}
		looksInto(t, image, *descriptor.Platform)
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("platforms %v, want %v", platforms, want)
	}
}

func theIndex(t *testing.T, path layout.Path) v1.ImageIndex {
	t.Helper()
	all, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	index, err := all.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// looksInto checks the layer: times, owners, order, a static program of the platform and CA roots that parse.
func looksInto(t *testing.T, image v1.Image, platform v1.Platform) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	packed, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	var names []string
	files := map[string][]byte{}
	for in := tar.NewReader(packed); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.ModTime.Unix() != 1700000000 || header.Uid != 0 || header.Mode&0o7022 != 0 {
			t.Errorf("%s is of %s, owner %d, mode %o", header.Name, header.ModTime, header.Uid, header.Mode)
		}
		names = append(names, header.Name)
		if files[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("files are not in order: %v", names)
	}
	program, err := elf.NewFile(bytes.NewReader(files["manager"]))
	if err != nil {
		t.Fatal(err)
	}
	if machine := map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[program.Machine]; machine != platform.Architecture {
		t.Errorf("%s: a program for %s", platform, program.Machine)
	}
	if libraries, err := program.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("%s: the program needs %v, %v", platform, libraries, err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
		t.Errorf("%s: no CA root can be read", platform)
	}
	if !strings.Contains(string(files["etc/passwd"]), ":65532:65532:") {
		t.Errorf("%s: the user has no name: %s", platform, files["etc/passwd"])
	}
}

// Whoever holds an image's digest finds its bill of materials by the subject that it names.
func TestEachImageHasItsBillOfMaterials(t *testing.T) {
	printed, path := made(t)
	all, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	bills := map[string]string{}
	for _, descriptor := range manifest.Manifests[1:] {
		if descriptor.ArtifactType != "application/vnd.cyclonedx+json" {
			t.Errorf("an artifact of type %q", descriptor.ArtifactType)
		}
		raw, err := path.Bytes(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		var artifact v1.Manifest
		if err := json.Unmarshal(raw, &artifact); err != nil {
			t.Fatal(err)
		}
		bill, err := path.Bytes(artifact.Layers[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		var bom cdx.BOM
		if err := cdx.NewBOMDecoder(bytes.NewReader(bill), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatal(err)
		}
		if bom.Metadata.Component.Name != "example.test/program" || (*bom.Components)[0].Name != "stdlib" {
			t.Errorf("not the bill of the program: %s", bill)
		}
		bills[artifact.Subject.Digest.String()] = (*bom.Metadata.Properties)[0].Value
	}
	for digest, platform := range bills {
		if !strings.Contains(printed, platform+"  "+digest) {
			t.Errorf("the bill for %s is of %s, which is not among\n%s", platform, digest, printed)
		}
	}
	if len(bills) != 2 {
		t.Errorf("bills of %d images, want 2", len(bills))
	}
}

// A change that nobody committed must not pass for the commit.
func TestAChangedCloneSaysSo(t *testing.T) {
	folder := clone(t)
	if err := os.WriteFile(filepath.Join(folder, "more.go"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var o origin
	if err := o.complete(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(o.revision, "-dirty") || !strings.HasSuffix(o.version, "-dirty") {
		t.Errorf("version %s of %s", o.version, o.revision)
	}
}
