package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// RunSaid has a shell run the command that a condition's message ends with, as the administrator of a cluster who copied it.
// The kubectl is the real one.
func RunSaid(ctx context.Context, plane *localenv.ControlPlane, message string, log io.Writer) error {
	_, rest, found := strings.Cut(message, "kubectl ")
	if !found {
		return fmt.Errorf("the message carries no command: %s", message)
	}
	if err := localenv.Build(ctx, log, localenv.Kubectl); err != nil {
		return err
	}
	program, err := localenv.Kubectl.Path()
	if err != nil {
		return err
	}
	shell := exec.CommandContext(ctx, "sh", "-euc", "kubectl "+rest)
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+string(filepath.ListSeparator)+os.Getenv("PATH"), "KUBECONFIG="+plane.Kubeconfig())
	if output, err := shell.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", rest, err, output)
	}
	return nil
}
