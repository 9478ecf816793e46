package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// From a registry one gets the very image, and finds the bill of materials of each platform by it; also from one that does not know
// referrers yet. Pushing again changes nothing.
func TestWhatWasPushedIsTheLayout(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "layout")
	var printed bytes.Buffer
	if err := run(t.Context(), []string{"-source", clone(t), "-program", ".", "-version", "v1.2.3", "-o", folder}, &printed); err != nil {
		t.Fatal(err)
	}
	for _, referrers := range []bool{true, false} {
		server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
		defer server.Close()
		repository := strings.TrimPrefix(server.URL, "http://") + "/org/holdfast"
		var first, second bytes.Buffer
		for _, out := range []*bytes.Buffer{&first, &second} {
			if err := run(t.Context(), []string{"-o", folder, "-push", repository}, out); err != nil {
				t.Fatal(err)
			}
		}
		if first.String() != second.String() {
			t.Errorf("pushed twice: %s, then %s", first.String(), second.String())
		}
		tag, err := name.ParseReference(repository + ":1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		index, err := remote.Index(tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
		digest, err := index.Digest()
		if want := repository + "@" + digest.String() + "\n"; err != nil || first.String() != want || !strings.Contains(printed.String(), digest.String()) {
			t.Errorf("printed %q, the registry has %q, the layout was\n%s", first.String(), want, printed.String())
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range manifest.Manifests {
			bills, err := remote.Referrers(tag.Context().Digest(image.Digest.String()))
			if err != nil {
				t.Fatal(err)
			}
			found, err := bills.IndexManifest()
			if err != nil || len(found.Manifests) != 1 {
				t.Fatalf("%s: %d bills of materials, %v, in a registry with referrers: %v", image.Platform, len(found.Manifests), err, referrers)
			}
			bill, err := remote.Image(tag.Context().Digest(found.Manifests[0].Digest.String()))
			if err != nil {
				t.Fatal(err)
			}
			artifact, err := bill.Manifest()
			if err != nil || artifact.ArtifactType != "application/vnd.cyclonedx+json" || artifact.Subject.Digest != image.Digest {
				t.Errorf("%s: the bill of materials is %+v, %v", image.Platform, artifact, err)
			}
		}
	}
}

func TestNothingIsPushedOfNoLayout(t *testing.T) {
	err := run(t.Context(), []string{"-o", t.TempDir(), "-push", "registry.example/holdfast"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "make image writes it") {
		t.Errorf("got %v", err)
	}
}
