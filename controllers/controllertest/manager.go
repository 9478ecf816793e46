// Package controllertest runs controllers as they run in a cluster: under the operator's own account, with its caches, and
// with every request counted.
package controllertest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/testr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/holdfast-iam/holdfast/controllers/vaultconnection"
	"github.com/holdfast-iam/holdfast/internal/access"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/internal/vault/vaulttest"
)

// Manager is a running manager, and what its controllers share.
type Manager struct {
	ctrl.Manager
	Namespaces *access.Namespaces
	Connector  *vaultconnection.Connector
	// API and Vault remember what was sent to the API server and to Vault.
	API   *Requests
	Vault *vaulttest.Recorder
	// Stop ends the manager and returns when it has ended; the end of the test does so too.
	Stop func()
}

// Options of a manager under test. The zero value looks at every namespace and lives.
type Options struct {
	// Namespace is the only one that is looked at, so that several managers can run at once.
	Namespace string
	// Kill ends what the manager can reach.
	Kill *Kill
	// WrapVault stands before Vault. Nil: nothing does.
	WrapVault func(http.RoundTripper) http.RoundTripper
}

// Start runs a manager with what setup adds to it.
func Start(t testing.TB, env *testenv.Environment, options Options, setup func(*Manager) error) *Manager {
	t.Helper()
	logger := testr.NewWithInterface(quietAfter(t), testr.Options{})
	ctrl.SetLogger(logger)
	m := &Manager{API: &Requests{}, Vault: &vaulttest.Recorder{}}
	access := rest.CopyConfig(env.Manager)
	access.Wrap(m.API.wrap)
	access.Wrap(options.Kill.WrapAPI)
	var err error
	m.Manager, err = ctrl.NewManager(access, ctrl.Options{
		Cache:      cacheOf(options.Namespace),
		Scheme:     env.Scheme,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Logger:     logger,
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := m.connect(ctx, access, options); err != nil {
		t.Fatal(err)
	}
	if err := setup(m); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Manager.Start(ctx) }()
	m.Stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
		m.Connector.Pool.Close()
		if panics := sum(t, "controller_runtime_reconcile_panics_total", ""); panics > 0 {
			t.Errorf("%v passes of this process panicked", panics)
		}
	})
	t.Cleanup(m.Stop)
	if !m.GetCache().WaitForCacheSync(ctx) {
		t.Fatal("the manager's cache does not sync")
	}
	return m
}

func (m *Manager) connect(ctx context.Context, config *rest.Config, options Options) (err error) {
	m.Namespaces, err = access.New(ctx, config, m.GetHTTPClient(), m.GetRESTMapper(), m.GetClient(), access.Invitation{Namespace: testenv.SystemNamespace})
	if err != nil {
		return err
	}
	m.Connector = &vaultconnection.Connector{
		Pool: vault.NewPool(vault.Options{WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			if options.WrapVault != nil {
				next = options.WrapVault(next)
			}
			return m.Vault.Wrap(options.Kill.WrapVault(next))
		}}),
		Connections: m.GetClient(),
		Namespaces:  m.Namespaces,
	}
	return nil
}

func cacheOf(namespace string) cache.Options {
	if namespace == "" {
		return cache.Options{}
	}
	return cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}}
}

// quietAfter drops what is logged once the test is over, which would panic.
func quietAfter(t testing.TB) testr.TestingT { return &quiet{TB: t} }

type quiet struct{ testing.TB }

func (q *quiet) Log(args ...any) {
	if q.Context().Err() == nil {
		q.TB.Log(args...)
	}
}

// Requests remembers requests to the API server, as "METHOD path". What leaves nothing behind is left out: reviews of access,
// tokens and, since nobody waits for them, events.
type Requests struct {
	mu  sync.Mutex
	all []string
}

func (r *Requests) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if !leavesNothing(request.URL.Path) {
			r.mu.Lock()
			r.all = append(r.all, request.Method+" "+request.URL.Path)
			r.mu.Unlock()
		}
		return next.RoundTrip(request)
	})
}

func leavesNothing(path string) bool {
	return slices.ContainsFunc([]string{"/events", "accessreviews", "/token"}, func(part string) bool { return strings.Contains(path, part) })
}

// Writes lists the requests that change something, in the namespace.
func (r *Requests) Writes(namespace string) []string { return r.list(namespace, true) }

// Reads lists the requests that only look, in the namespace.
func (r *Requests) Reads(namespace string) []string { return r.list(namespace, false) }

func (r *Requests) list(namespace string, writes bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.all), func(request string) bool {
		return strings.HasPrefix(request, http.MethodGet) == writes || !strings.Contains(request, "/namespaces/"+namespace+"/")
	})
}

// Reset forgets the requests so far.
func (r *Requests) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
