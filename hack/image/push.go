package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push sends what a layout has to a repository, as whom docker login says: images, then the bills of materials that refer to them,
// and last the tag, so that it never names what is not whole. The tag is the version without its v. It prints the image by its digest.
func push(ctx context.Context, folder, repository string, out io.Writer) error {
	to, err := name.NewRepository(repository)
	if err != nil {
		return fmt.Errorf("-push: %w", err)
	}
	all, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return fmt.Errorf("%s: %w: make image writes it", folder, err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	var whole v1.ImageIndex
	var tag string
	for _, part := range manifest.Manifests {
		if part.MediaType.IsIndex() {
			tag = strings.TrimPrefix(part.Annotations["org.opencontainers.image.ref.name"], "v")
			if whole, err = all.ImageIndex(part.Digest); err == nil {
				err = remote.WriteIndex(to.Digest(part.Digest.String()), whole, options...)
			}
		} else {
			var bill v1.Image
			if bill, err = all.Image(part.Digest); err == nil {
				err = remote.Write(to.Digest(part.Digest.String()), bill, options...)
			}
		}
		if err != nil {
			return fmt.Errorf("push %s to %s: %w", part.Digest, to, err)
		}
	}
	if whole == nil || tag == "" {
		return fmt.Errorf("%s has no image with a version: make image writes it", folder)
	}
	if err := remote.Tag(to.Tag(tag), whole, options...); err != nil {
		return fmt.Errorf("tag %s as %s: %w", to, tag, err)
	}
	digest, err := whole.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, to.Digest(digest.String()))
	return err
}
