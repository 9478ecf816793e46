package localenv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Build compiles those of the given programs (all, when none is given) that the cache lacks, and tells on progress what it does, how far it is
// and how long it took. A cold build of everything takes about ten minutes on two cores and needs the Go module proxy; a warm one only looks.
// Processes that build at once take turns, and the second finds the work of the first.
func Build(ctx context.Context, progress io.Writer, programs ...Program) error {
	if len(programs) == 0 {
		programs = Programs
	}
	if progress == nil {
		progress = io.Discard
	}
	missing, err := missingOf(programs)
	if err != nil || len(missing) == 0 {
		return err
	}
	release, err := waitForLock(ctx, "build.lock", func() { fmt.Fprintln(progress, "another process builds; waiting for it") })
	if err != nil {
		return err
	}
	defer release()
	if missing, err = missingOf(missing); err != nil || len(missing) == 0 {
		return err
	}
	start := time.Now()
	for i, program := range missing {
		what := fmt.Sprintf("build %d of %d: %s", i+1, len(missing), program)
		if err := buildOne(ctx, progress, what, program); err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "built %d programs in %s\n", len(missing), since(start))
	return nil
}

func missingOf(programs []Program) (missing []Program, err error) {
	for _, program := range programs {
		path, err := program.Path()
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err != nil {
			missing = append(missing, program)
		}
	}
	return missing, nil
}

func buildOne(ctx context.Context, progress io.Writer, what string, program Program) error {
	path, err := program.Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unfinished := path + ".unfinished" // an interrupted build must not look like a finished one
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	build := compile
	if program == KeycloakServer {
		build = assembleKeycloak
	}
	start := time.Now()
	stop := everyTenSeconds(func() { fmt.Fprintf(progress, "%s, %s so far\n", what, since(start)) })
	err = build(ctx, program, unfinished)
	stop()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: interrupted: %w", what, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(progress, "%s, done in %s\n", what, since(start))
	return os.Rename(unfinished, path)
}

// compile makes the executable at path.
func compile(ctx context.Context, program Program, path string) error {
	folder, err := program.folder()
	if err != nil {
		return err
	}
	arguments := append([]string{"build", "-buildvcs=false", "-mod=readonly", "-o", path}, program.recipe().flags...)
	cmd := exec.CommandContext(ctx, "go", append(arguments, program.recipe().pkg)...)
	cmd.Dir = folder
	return quietly(cmd, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH="))
}

// quietly runs a command that is worth reading only when it fails.
func quietly(cmd *exec.Cmd, environment []string) error {
	var output bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, &output, &output
	cmd.SysProcAttr = ownGroup(syscall.SIGKILL)
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	if err := runFromOneThread(cmd); err != nil {
		return fmt.Errorf("%s in %q: %w\n%s", strings.Join(cmd.Args, " "), cmd.Dir, err, lastLines(output.Bytes()))
	}
	return nil
}

func everyTenSeconds(report func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(10 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				report()
			}
		}
	}()
	return func() { close(done) }
}

func since(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }

// lastLines returns the end of a log, enough to see why a program gave up.
func lastLines(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
