package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
)

var (
	env      *testenv.Environment
	programs = map[string]string{} // by the name that pages use
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "holdfast-docs-")
	if err == nil {
		defer os.RemoveAll(folder)
		env, err = testenv.Start(ctx, testenv.Options{GatewayAPI: true})
	}
	if err == nil {
		defer env.Stop()
		err = preparePrograms(ctx, folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs: the tests cannot run:", err)
		return 1
	}
	return m.Run()
}

// preparePrograms compiles our own programs, and looks up the others that pages name.
func preparePrograms(ctx context.Context, folder string) error {
	root, err := localenv.Root()
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-w", "-o", folder+string(filepath.Separator), "./cmd/...")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build our programs: %w\n%s", err, output)
	}
	programs["holdfast"], programs["manager"], programs["make"] = filepath.Join(folder, "holdfast"), filepath.Join(folder, "manager"), "make"
	if err := localenv.Build(ctx, os.Stderr, localenv.Kubectl, localenv.VaultServer); err != nil {
		return err
	}
	for name, program := range map[string]localenv.Program{"kubectl": localenv.Kubectl, "vault": localenv.VaultServer} {
		if programs[name], err = program.Path(); err != nil {
			return err
		}
	}
	return nil
}
