package harness

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

// Program is the manager as it is shipped: cmd/manager, compiled.
type Program struct {
	path string
	// Environment of its processes, as NAME=value, beside the usual.
	Environment []string
}

// FirstLists has a Program begin each watch with a list, as where an API server does not stream what there is.
const FirstLists = "KUBE_FEATURE_WatchListClient=false"

// BuildManager compiles the manager into a folder.
func BuildManager(ctx context.Context, folder string) (Program, error) {
	root, err := localenv.Root()
	if err != nil {
		return Program{}, err
	}
	path := filepath.Join(folder, "manager")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-w", "-o", path, "./cmd/manager")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("build the manager: %w\n%s", err, output)
	}
	return Program{path: path}, nil
}

// Start runs the manager in a process of its own, as the operator's service account, until it is stopped or this process ends.
// folder keeps its log and its access; name tells it from others there.
func (p Program) Start(e *testenv.Environment, folder, name string, arguments ...string) (*localenv.Process, error) {
	kubeconfig := filepath.Join(folder, name+".kubeconfig")
	if err := e.Plane.WriteKubeconfig(kubeconfig, e.Manager); err != nil {
		return nil, err
	}
	own := []string{"--kubeconfig=" + kubeconfig, "--operator-namespace=" + testenv.SystemNamespace, "--leader-election-namespace=" + testenv.SystemNamespace,
		"--health-probe-bind-address=0"}
	return localenv.Launch(folder, name, p.path, p.Environment, append(own, arguments...)...)
}
