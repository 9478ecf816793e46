package localenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
)

// module returns the folder with the source of a module that the recipe of p requires, and downloads it if needed.
// Programs bring files that their executable does not hold, such as CustomResourceDefinitions.
func (p Program) module(ctx context.Context, path string) (string, error) {
	folder, err := p.folder()
	if err != nil {
		return "", err
	}
	return moduleSource(ctx, folder, path)
}

func moduleSource(ctx context.Context, folder, path string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", path)
	cmd.Dir = folder
	output, err := cmd.Output()
	var module struct{ Dir, Error string }
	parsed := json.Unmarshal(output, &module)
	if parsed != nil || module.Dir == "" {
		return "", fmt.Errorf("download the source of %s as %s/go.mod pins it: %w", path, folder, errors.Join(err, parsed, errors.New(module.Error)))
	}
	return module.Dir, nil
}
