package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who runs the program, as the numbers that a runAsNonRoot check can judge.
const user = "65532:65532"

// file of the image. Folders have no content and end in a slash.
type file struct {
	path    string
	content []byte
	mode    int64
}

// rootfs lists all that is in the image, folders before what is in them and else by name. Time zones are in the program.
func rootfs(program []byte) []file {
	return []file{
		{path: "etc/", mode: 0o755},
		{path: "etc/group", mode: 0o644, content: []byte("root:x:0:\nholdfast:x:65532:\n")},
		{path: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/:/sbin/nologin\nholdfast:x:65532:65532:Holdfast:/:/sbin/nologin\n")},
		{path: "etc/ssl/", mode: 0o755},
		{path: "etc/ssl/certs/", mode: 0o755},
		{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: roots()},
		{path: "manager", mode: 0o755, content: program},
	}
}

// roots are the public CAs of the pinned module. One that is trusted only under a condition is left out, since a file of
// certificates cannot carry the condition.
func roots() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// A buffer takes everything.
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return out.Bytes()
}

// layer packs files, all of root and of one time.
func layer(files []file, at time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	out := tar.NewWriter(&packed)
	for _, f := range files {
		header := &tar.Header{Name: f.path, Mode: f.mode, Size: int64(len(f.content)), ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if f.content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := out.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// writeRootfs writes the image's files into a folder, for a Dockerfile to copy.
func writeRootfs(ctx context.Context, o options, folder string) error {
	program, err := build(ctx, o, o.platforms[0])
	if err != nil {
		return err
	}
	for _, f := range rootfs(program) {
		path := filepath.Join(folder, f.path)
		if f.content == nil {
			err = os.MkdirAll(path, os.FileMode(f.mode))
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, f.content, os.FileMode(f.mode))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
