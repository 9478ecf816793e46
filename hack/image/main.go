// Command image makes the operator's container image without a container engine: one layer with the static program, CA roots and
// a user that is not root, for each platform, as an OCI layout with a bill of materials attached. Equal commits give equal
// digests, wherever the clone is, as long as the Go version is the same.
//
//	go -C hack/image run . -source DIR -o DIR       write the layout, and each bill of materials beside it
//	go -C hack/image run . -source DIR -rootfs DIR  only write the files of the image of one platform, for a Dockerfile
//	go -C hack/image run . -o DIR -push REPOSITORY  send a layout that is there to a registry, and print the image's digest
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// options say what is made of which sources.
type options struct {
	source, program string
	platforms       []v1.Platform
	origin          origin
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.source, "source", ".", "the module to build")
	flags.StringVar(&o.program, "program", "./cmd/manager", "the package of it that becomes /manager")
	layout := flags.String("o", "", "folder of the OCI layout, which is made anew")
	rootfs := flags.String("rootfs", "", "folder for the files of the image, in the place of a layout")
	repository := flags.String("push", "", "repository to send the layout of -o to, which is not made anew then")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "comma-separated")
	flags.StringVar(&o.origin.version, "version", "", "default: the tag of the commit, or v0.0.0 with the commit")
	flags.StringVar(&o.origin.revision, "revision", "", "default: the commit")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *repository != "" {
		return push(ctx, *layout, *repository, out)
	}
	for name := range strings.SplitSeq(*platforms, ",") {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return fmt.Errorf("-platforms: %w", err)
		}
		o.platforms = append(o.platforms, *platform)
	}
	if err := o.origin.complete(ctx, o.source); err != nil {
		return err
	}
	switch {
	case *rootfs != "" && len(o.platforms) == 1:
		return writeRootfs(ctx, o, *rootfs)
	case *layout != "":
		return writeLayout(ctx, o, *layout, out)
	}
	return fmt.Errorf("say where to: -o DIR for a layout, or -rootfs DIR with one of -platforms")
}
