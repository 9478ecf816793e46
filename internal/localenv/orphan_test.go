package localenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asParent makes the test binary play a parent that starts programs, names their folders on its output and waits to be killed.
const asParent = "HOLDFAST_TEST_AS_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) != "" {
		if err := playParent(context.Background()); err != nil {
			fmt.Println("failed:", err)
		}
		select {}
	}
	os.Exit(m.Run())
}

func playParent(ctx context.Context) error {
	c, err := StartControlPlane(ctx, ControlPlaneOptions{})
	if err != nil {
		return err
	}
	v, err := StartVault(ctx, VaultOptions{})
	if err != nil {
		return err
	}
	if err := v.AdmitTenants(ctx, c); err != nil { // starts the plugin, a child of Vault
		return err
	}
	p, err := StartPostgres(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println(c.Dir)
	fmt.Println(v.Dir)
	fmt.Println(p.Dir)
	return nil
}

func TestNothingOutlivesAKilledParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), asParent+"=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	var folders []string
	for len(folders) < 3 && lines.Scan() {
		if !filepath.IsAbs(lines.Text()) {
			t.Fatal(lines.Text())
		}
		folders = append(folders, lines.Text())
	}
	for i, want := range []int{2, 2} { // etcd and kube-apiserver; vault and its plugin
		if found := processesIn(t, folders[i]); len(found) != want {
			t.Fatalf("%q run in %s, want %d", found, folders[i], want)
		}
	}
	if found := processesIn(t, folders[2]); len(found) < 2 { // postgres has a child for each of its chores
		t.Fatalf("%q run in %s, want postgres with its children", found, folders[2])
	}

	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	eventually(t, func() error {
		if found := slices.Concat(processesIn(t, folders[0]), processesIn(t, folders[1]), processesIn(t, folders[2])); len(found) > 0 {
			return fmt.Errorf("still there after the parent was killed: %q", found)
		}
		return nil
	})
	sweep(os.TempDir())
	for _, folder := range folders {
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there after the next start swept: %v", folder, err)
		}
	}
}

// processesIn lists the processes that run in an environment's folder, and their children: all of them inherit it as TMPDIR, but postgres
// writes what its children do over their environment; those work in the folder.
func processesIn(t *testing.T, dir string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(files) == 0 {
		t.Fatalf("this test reads the process table from /proc, which this system does not have: %v", err)
	}
	for _, file := range files {
		content, _ := os.ReadFile(file) // the process may have ended
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		if strings.Contains("\x00"+string(content), "\x00TMPDIR="+dir+"\x00") || strings.HasPrefix(cwd, dir+"/") {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
			found = append(found, strings.TrimSpace(string(name)))
		}
	}
	return found
}
