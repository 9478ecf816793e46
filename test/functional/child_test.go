package functional

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/controllers/identitytenant"
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
	// KillAt is the write at which the process kills itself, as label names it; empty never.
	KillAt string
	// KillAfter is the number of writes at which it does so when there is no KillAt; 0: never.
	KillAfter int
	// WithoutWaits has rings of signing keys move as soon as they can.
	WithoutWaits bool
	// Committed kills after the write was done, before the operator sees the answer;
	// otherwise before it is sent.
	Committed bool
	// Record is a file that gets a line for each write before it is sent.
	Record string
}

// runChild is the operator process. It ends by a signal, or with its parent.
func runChild(encoded string) int {
	ctrl.SetLogger(zap.New())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
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
	killer := &killer{child: c, seen: map[string]int{}}
	options := harness.OperatorOptions{Config: config, Proxy: c.Proxy, Namespaces: []string{c.Namespace}, WrapAPI: killer.wrap}
	options.WrapVault = killer.wrap
	if c.WithoutWaits {
		options.RingWaits = &identitytenant.RingWaits{}
	}
	if _, err := harness.StartOperator(context.Background(), options); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	select {} // until it is killed
}

// killer names and records the writes to the API server and to Vault, and kills at the
// one that was asked for.
type killer struct {
	child

	mu    sync.Mutex
	seen  map[string]int
	total int
}

func (k *killer) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		line := request.Method + " " + request.URL.Path
		// Events are sent aside, and nothing depends on them.
		if !harness.IsWrite(line) || strings.Contains(line, "/events") {
			return next.RoundTrip(request)
		}
		_, now := k.name(line)
		if now && !k.Committed {
			killSelf()
		}
		response, err := next.RoundTrip(request)
		if now {
			killSelf()
		}
		return response, err
	})
}

// name is how the same write is called in each run: without the namespace and digests,
// which differ, and with a count, since an object may be written several times.
// now says that it is the one to be killed at.
func (k *killer) name(line string) (name string, now bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name = label(line, k.Namespace)
	k.seen[name]++
	k.total++
	name = fmt.Sprintf("%s #%d", name, k.seen[name])
	if file, err := os.OpenFile(k.Record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		fmt.Fprintln(file, name)
		_ = file.Close()
	}
	return name, name == k.KillAt || k.total == k.KillAfter
}

// digest is the end of a name that tells content: it differs between runs, since keys do.
var digest = regexp.MustCompile(`-[0-9a-f]{10}\b`)

func label(line, namespace string) string {
	method, path, _ := strings.Cut(line, " ")
	place := "API server"
	if strings.HasPrefix(path, "/v1/") {
		place = "Vault"
	}
	if _, below, found := strings.Cut(path, "/"+namespace+"/"); found {
		path = below
	}
	return method + " " + place + " " + digest.ReplaceAllString(path, "-*")
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
	folder  string
}

// spawn runs the operator for a namespace in a process of its own.
func spawn(t *testing.T, c child) (*process, error) {
	t.Helper()
	folder := t.TempDir()
	c.Record = filepath.Join(folder, "writes")
	c.Kubeconfig = filepath.Join(folder, "kubeconfig")
	c.Proxy = world.Player.Proxy()
	if err := world.Plane.WriteKubeconfig(c.Kubeconfig, world.Manager); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+string(encoded))
	command.Stdout, command.Stderr = log, log
	// Nothing is ever written to it: it closes when this process ends in whatever way.
	if _, err := command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, ended: make(chan struct{}), folder: folder}
	go func() { _ = command.Wait(); _ = log.Close(); close(p.ended) }()
	t.Cleanup(p.kill)
	return p, nil
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// hasEnded tells whether the process is gone.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// wasKilled is nil when a signal ended the process, and its log otherwise.
func (p *process) wasKilled() error {
	if status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("the operator ended by itself: %s", strings.Join(tail(p.lines("log"), 20), "\n"))
}

// writes are the names of the writes so far.
func (p *process) writes() []string { return p.lines("writes") }

// lines of a file that the process wrote.
func (p *process) lines(name string) []string {
	content, err := os.ReadFile(filepath.Join(p.folder, name))
	if err != nil || len(content) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}
