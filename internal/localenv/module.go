package localenv

import (
	"context"
	"encoding/json"
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
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", path)
	cmd.Dir = folder
	output, err := cmd.Output()
	var module struct{ Dir, Error string }
	if parsed := json.Unmarshal(output, &module); parsed != nil || module.Dir == "" {
		return "", fmt.Errorf("download the source of %s as %s/go.mod pins it: %w %s", path, folder, err, module.Error)
	}
	return module.Dir, nil
}
