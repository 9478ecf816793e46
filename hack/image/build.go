package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// versionVariable is where the linker writes the version.
const versionVariable = "github.com/holdfast-iam/holdfast/internal/version.made"

// build compiles the program for a platform and returns its bytes. Nothing of this machine goes in: no path, no C library, no
// flags of the caller's environment.
func build(ctx context.Context, o options, platform v1.Platform) ([]byte, error) {
	folder, err := os.MkdirTemp("", "holdfast-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "manager")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -X "+versionVariable+"="+o.origin.version, "-o", program, o.program)
	command.Dir = o.source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off",
		"GOAMD64=v1", "GOARM64=v8.0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("build %s for %s: %w", o.program, platform, err)
	}
	return os.ReadFile(program)
}
