package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	title    = "holdfast"
	licenses = "Apache-2.0"
	project  = "https://github.com/holdfast-iam/holdfast"
)

// annotations of the index and of each image in it: where it comes from.
func annotations(o origin) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       title,
		"org.opencontainers.image.description": "Kubernetes operator for hardened identity servers",
		"org.opencontainers.image.licenses":    licenses,
		"org.opencontainers.image.source":      project,
		"org.opencontainers.image.version":     o.version,
		"org.opencontainers.image.revision":    o.revision,
		"org.opencontainers.image.created":     o.at.Format(time.RFC3339),
	}
}

// image is the program, and what it needs, for one platform.
func image(program []byte, platform v1.Platform, o origin) (v1.Image, error) {
	files, err := layer(rootfs(program), o.at)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	base, err = mutate.ConfigFile(base, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant, Created: v1.Time{Time: o.at},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: user, WorkingDir: "/", Entrypoint: []string{"/manager"}, Labels: annotations(o)},
	})
	if err != nil {
		return nil, err
	}
	full, err := mutate.Append(base, mutate.Addendum{Layer: files, History: v1.History{Created: v1.Time{Time: o.at}, CreatedBy: "make image"}})
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(full, annotations(o)).(v1.Image), nil
}

// index is the image for every platform, under one digest.
func index(images []v1.Image, platforms []v1.Platform, o origin) v1.ImageIndex {
	var parts []mutate.IndexAddendum
	for i, image := range images {
		parts = append(parts, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platforms[i]}})
	}
	whole := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), parts...)
	return mutate.Annotations(whole, annotations(o)).(v1.ImageIndex)
}
