package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The test program is the program where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("STANDIN_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// pod starts a process with nothing in its environment but what the home refers to.
func pod(t *testing.T, home hometest.Home, state string) *exec.Cmd {
	t.Helper()
	folder := t.TempDir()
	for name, file := range home.Files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, file.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--home", folder, "--state", state)
	command.Env = []string{"STANDIN_TEST_MAIN=1"}
	for name, value := range home.Environment {
		command.Env = append(command.Env, name+"="+value)
	}
	return command
}

func running(t *testing.T, command *exec.Cmd) (address string) {
	t.Helper()
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the process printed no address: %v", err)
	}
	return strings.TrimSpace(line)
}

// Two pods are two processes with one database.
func TestPodsShareADatabase(t *testing.T) {
	home, state := hometest.New(t), filepath.Join(t.TempDir(), "database.json")
	first := pod(t, home, state)
	addresses := []string{running(t, first), running(t, pod(t, home, state))}
	admins := make([]idp.Admin, len(addresses))
	for i, address := range addresses {
		access := idp.Access{Address: address, ServerName: hometest.ServerName, CA: home.CA, Bootstrap: home.Bootstrap}
		admin, err := wso2is.Driver{}.Connect(t.Context(), tenant.Spec{}, tenant.Facts{}, access)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = admin.Close() })
		admins[i] = admin
	}
	wish := tenant.Settings{tenant.RootRealm: {tenant.LockoutMinutes: "45", tenant.PasswordMinLength: "14"}}
	if err := admins[0].Configure(t.Context(), tenant.Compare(wish, nil)); err != nil {
		t.Fatal(err)
	}
	seen, err := admins[1].Observe(t.Context(), []string{tenant.RootRealm})
	if err != nil {
		t.Fatal(err)
	}
	if drift := tenant.Compare(wish, seen); drift != nil {
		t.Errorf("the other pod does not see the write: %v", drift)
	}
	data, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range home.Environment {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the database holds %s in clear", name)
		}
	}
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v; want exit 0", err)
	}
}

func TestBadConfigurationExitsWithOne(t *testing.T) {
	home := hometest.New(t)
	delete(home.Environment, "DATA_KEY")
	command := pod(t, home, filepath.Join(t.TempDir(), "database.json"))
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(output), "DATA_KEY") {
		t.Errorf("error %v, output %q; want exit 1 and the variable's name", err, output)
	}
}
