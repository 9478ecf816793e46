package functional

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/holdfast-iam/holdfast/test/harness"
)

// childVariable tells this test program that it is to run the operator in a process of its
// own, so that it can be killed.
const childVariable = "HOLDFAST_TEST_CHILD"

// child says how an operator process runs.
type child struct {
	Kubeconfig string
	Proxy      string
	Namespace  string
	// KillAt is the number of the write, from 1, at which the process kills itself; zero never.
	KillAt int64
	// Committed kills after the write was answered, before the operator sees the answer;
	// otherwise before it is sent.
	Committed bool
	// Record is a file that gets a line for each write before it is sent.
	Record string
}

// runChild is the operator process. It only ends by a signal.
func runChild(encoded string) int {
	var c child
	if err := json.Unmarshal([]byte(encoded), &c); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	options := harness.OperatorOptions{Config: config, Proxy: c.Proxy, Namespaces: []string{c.Namespace}, WrapAPI: c.wrap}
	options.WrapVault = c.wrap
	if _, err := harness.StartOperator(context.Background(), options); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	select {} // until it is killed
}

var childWrites atomic.Int64

// wrap counts the writes to the API server and to Vault together, and kills at the one
// that was asked for. Events are left out: they are sent aside and nothing depends on them.
func (c child) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		line := request.Method + " " + request.URL.Path
		if !harness.IsWrite(line) || strings.Contains(line, "/events") {
			return next.RoundTrip(request)
		}
		number := childWrites.Add(1)
		c.record(number, line)
		if number == c.KillAt && !c.Committed {
			killSelf()
		}
		response, err := next.RoundTrip(request)
		if number == c.KillAt {
			killSelf()
		}
		return response, err
	})
}

func (c child) record(number int64, line string) {
	if c.Record == "" {
		return
	}
	file, err := os.OpenFile(c.Record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintln(file, number, line)
	_ = file.Close()
}

func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// process is a running child.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
	record  string
}

// spawn runs the operator for a namespace in a process of its own.
func spawn(t *testing.T, c child) *process {
	t.Helper()
	folder := t.TempDir()
	c.Record = filepath.Join(folder, "writes")
	c.Kubeconfig = filepath.Join(folder, "kubeconfig")
	c.Proxy = world.Player.Proxy()
	if err := world.Plane.WriteKubeconfig(c.Kubeconfig, world.Manager); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+string(encoded))
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{command: command, ended: make(chan struct{}), record: c.Record}
	go func() { _ = command.Wait(); _ = log.Close(); close(p.ended) }()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// awaitEnd tells whether the process killed itself within the deadline.
func (p *process) awaitEnd(deadline time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(deadline):
		return false
	}
}

// writes are the lines that the process recorded.
func (p *process) writes(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(p.record)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}
