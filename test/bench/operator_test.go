package bench

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// childVariable tells this program that it is to run the operator in a process of its own,
// whose memory and processor time are then the operator's alone.
const childVariable = "HOLDFAST_BENCH_CHILD"

// keepVariable names a folder that keeps the API server's audit log and a CPU profile of
// each operator process.
const keepVariable = "HOLDFAST_BENCH_KEEP"

// setup says how an operator process runs.
type setup struct {
	Kubeconfig string
	Namespace  string
	// SharedKeys gives every store one of a few RSA keys made before, so that no time goes
	// into making them.
	SharedKeys bool
	// Profile is the file for a CPU profile; none when empty.
	Profile string
}

// account is what an operator process says of itself.
type account struct {
	Reads, Writes, Events int
	VaultReads, Puts      int
	Logins                int
	// Reconciles by controller, and those that wait or run now.
	Reconciles map[string]int
	Busy       int
}

// runOperator is the operator process: it prints the address of its account, and ends
// when its standard input does.
func runOperator(encoded string) error {
	var s setup
	if err := json.Unmarshal([]byte(encoded), &s); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return err
	}
	counts := &counts{}
	server := &fakeServers{}
	options := harness.OperatorOptions{Config: config, Namespaces: []string{s.Namespace}, WrapAPI: counts.api}
	options.WrapVault = counts.vault
	options.OnVaultLogin = func(string, error) { counts.logins.Add(1) }
	options.Drivers = map[tenant.Product]idp.Driver{tenant.WSO2IS: idptest.FakeDriver{Driver: wso2is.Driver{}, Server: server.of}}
	if s.SharedKeys {
		if options.GenerateKey, err = sharedKeys(); err != nil {
			return err
		}
	}
	if s.Profile != "" {
		file, err := os.Create(s.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if _, err := harness.StartOperator(context.Background(), options); err != nil {
		return err
	}
	if err := counts.serve(); err != nil {
		return err
	}
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the benchmark closes it
	return nil
}

// sharedKeys makes a few RSA keys and hands them out again and again.
func sharedKeys() (func(keystore.Algorithm, int) (crypto.Signer, error), error) {
	var ring []crypto.Signer
	for range 3 {
		key, err := keystore.GenerateKey(keystore.RSA, 3072)
		if err != nil {
			return nil, err
		}
		ring = append(ring, key)
	}
	var next atomic.Int64
	return func(algorithm keystore.Algorithm, size int) (crypto.Signer, error) {
		if algorithm == keystore.RSA && size == 3072 {
			return ring[int(next.Add(1))%len(ring)], nil
		}
		return keystore.GenerateKey(algorithm, size)
	}, nil
}

// fakeServers has a server in memory for each tenant, so that no time goes into servers.
type fakeServers struct {
	mu      sync.Mutex
	servers map[string]*idptest.FakeServer
}

func (f *fakeServers) of(want tenant.Spec) *idptest.FakeServer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.servers == nil {
		f.servers = map[string]*idptest.FakeServer{}
	}
	if f.servers[want.Name] == nil {
		server := idptest.NewFakeServer(idp.Access{}, slices.Collect(maps.Keys(want.Settings()))...)
		for realm, settings := range want.Settings() {
			for setting, value := range settings {
				server.Set(realm, setting, value) // as a database would have kept them
			}
		}
		f.servers[want.Name] = server
	}
	return f.servers[want.Name]
}

// counts are numbers only, so that counting does not show in the memory that is measured.
type counts struct{ reads, writes, events, vaultReads, puts, logins atomic.Int64 }

func (c *counts) api(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		switch line := request.Method + " " + request.URL.Path; {
		case strings.Contains(line, "/leases"):
		case strings.Contains(line, "/events") && request.Method != http.MethodGet:
			c.events.Add(1)
		case harness.IsWrite(line):
			c.writes.Add(1)
		default:
			c.reads.Add(1)
		}
		return next.RoundTrip(request)
	})
}

func (c *counts) vault(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(request.URL.Path, "/login"):
		case request.Method == http.MethodPut || request.Method == http.MethodPost:
			c.puts.Add(1)
		default:
			c.vaultReads.Add(1)
		}
		return next.RoundTrip(request)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (c *counts) serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/account", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(c.account()) })
	mux.HandleFunc("/settle", func(http.ResponseWriter, *http.Request) {
		runtime.GC()
		debug.FreeOSMemory()
	})
	go func() { _ = http.Serve(listener, mux) }()
	fmt.Println(listener.Addr())
	return nil
}

func (c *counts) account() account {
	a := account{
		Reads: int(c.reads.Load()), Writes: int(c.writes.Load()), Events: int(c.events.Load()),
		VaultReads: int(c.vaultReads.Load()), Puts: int(c.puts.Load()), Logins: int(c.logins.Load()), Reconciles: map[string]int{},
	}
	families, err := metrics.Registry.Gather()
	if err != nil {
		return a
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			switch family.GetName() {
			case "controller_runtime_reconcile_total":
				for _, label := range metric.GetLabel() {
					if label.GetName() == "controller" {
						a.Reconciles[label.GetValue()] += int(metric.GetCounter().GetValue())
					}
				}
			case "controller_runtime_active_workers", "workqueue_depth":
				a.Busy += int(metric.GetGauge().GetValue())
			}
		}
	}
	return a
}

// process is a running operator process.
type process struct {
	command *exec.Cmd
	stdin   interface{ Close() error }
	address string
}

func start(b *testing.B, s setup) *process {
	b.Helper()
	folder := b.TempDir()
	s.Kubeconfig = filepath.Join(folder, "kubeconfig")
	if err := world.Plane.WriteKubeconfig(s.Kubeconfig, world.Manager); err != nil {
		b.Fatal(err)
	}
	if kept := os.Getenv(keepVariable); kept != "" {
		s.Profile = filepath.Join(kept, s.Namespace+"-"+strconv.FormatInt(time.Now().Unix(), 10)+".pprof")
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+string(encoded))
	command.Stderr = log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{command: command, stdin: stdin}
	b.Cleanup(p.stop)
	if _, err := fmt.Fscanln(stdout, &p.address); err != nil {
		said, _ := os.ReadFile(log.Name())
		b.Fatalf("the operator process did not start: %v\n%s", err, said)
	}
	return p
}

// stop ends the process; it may be called twice.
func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.command.Wait()
}

func (p *process) ask(path string) (a account, err error) {
	answer, err := http.Get("http://" + p.address + path)
	if err != nil {
		return a, err
	}
	defer answer.Body.Close()
	if path == "/account" {
		err = json.NewDecoder(answer.Body).Decode(&a)
	}
	return a, err
}

// quiet waits until the process has sent nothing and worked on nothing for a while, and
// gives its account.
func (p *process) quiet(b *testing.B, deadline time.Duration) account {
	b.Helper()
	var last account
	still := 0
	for until := time.Now().Add(deadline); time.Now().Before(until); time.Sleep(500 * time.Millisecond) {
		now, err := p.ask("/account")
		if err != nil {
			b.Fatal(err)
		}
		if now.Busy == 0 && now.Writes == last.Writes && now.Events == last.Events && now.Reads == last.Reads && now.Reconciles["identitytenant"] == last.Reconciles["identitytenant"] {
			still++
		} else {
			still = 0
		}
		if last = now; still == 6 {
			return now
		}
	}
	b.Fatalf("the operator is not quiet within %s: %+v", deadline, last)
	return last
}

// resident gives the process's memory in KiB after a garbage collection.
func (p *process) resident(b *testing.B) (before, after int) {
	b.Helper()
	before = p.memory(b)
	if _, err := p.ask("/settle"); err != nil {
		b.Fatal(err)
	}
	return before, p.memory(b)
}

func (p *process) memory(b *testing.B) int {
	b.Helper()
	return residentOf(b, p.command.Process.Pid) >> 10
}

// cpu is the processor time that the process used so far.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100 // USER_HZ is 100 on Linux
}
