package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeLayout makes the folder anew: the index under the version's name, and a bill of materials that refers to each image.
func writeLayout(ctx context.Context, o options, folder string, out io.Writer) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	images, bills, err := imagesOf(ctx, o)
	if err != nil {
		return err
	}
	whole := index(images, o.platforms, o.origin)
	if err := path.AppendIndex(whole, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": o.origin.version})); err != nil {
		return err
	}
	digest, err := whole.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s of %s\nindex        %s\n", title, o.origin.version, o.origin.revision, digest)
	for i, platform := range o.platforms {
		if err := attach(path, images[i], bills[i]); err != nil {
			return fmt.Errorf("attach the bill of materials of %s: %w", platform, err)
		}
		name := folder + "-" + strings.ReplaceAll(platform.String(), "/", "-") + ".cdx.json"
		if err := os.WriteFile(name, bills[i], 0o600); err != nil {
			return err
		}
		if err := tell(out, platform, images[i]); err != nil {
			return err
		}
	}
	return nil
}

func imagesOf(ctx context.Context, o options) (images []v1.Image, bills [][]byte, err error) {
	for _, platform := range o.platforms {
		program, err := build(ctx, o, platform)
		if err != nil {
			return nil, nil, err
		}
		bill, err := sbom(program, platform, o.origin)
		if err != nil {
			return nil, nil, err
		}
		made, err := image(program, platform, o.origin)
		if err != nil {
			return nil, nil, err
		}
		images, bills = append(images, made), append(bills, bill)
	}
	return images, bills, nil
}

// attach writes an artifact whose subject is the image, which is how registries and their clients find it.
func attach(path layout.Path, subject v1.Image, bill []byte) error {
	of, err := partial.Descriptor(subject)
	if err != nil {
		return err
	}
	of.Platform = nil
	nothing, err := blob(path, []byte("{}"), "application/vnd.oci.empty.v1+json")
	if err != nil {
		return err
	}
	content, err := blob(path, bill, sbomType)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: sbomType, Config: nothing, Layers: []v1.Descriptor{content}, Subject: of})
	if err != nil {
		return err
	}
	manifest, err := blob(path, raw, types.OCIManifestSchema1)
	if err != nil {
		return err
	}
	manifest.ArtifactType = sbomType
	return path.AppendDescriptor(manifest)
}

func blob(path layout.Path, content []byte, kind types.MediaType) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}, path.WriteBlob(digest, io.NopCloser(bytes.NewReader(content)))
}

// tell prints an image's digest and what a node downloads for it.
func tell(out io.Writer, platform v1.Platform, image v1.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	var size int64
	for _, layer := range layers {
		part, err := layer.Size()
		if err != nil {
			return err
		}
		size += part
	}
	fmt.Fprintf(out, "%-12s %s  %.1f MB compressed\n", platform, digest, float64(size)/1e6)
	return nil
}
