package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/drivers"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/player"
)

// Operator is the running operator.
type Operator struct {
	cancel context.CancelFunc
	done   chan error
}

// OperatorOptions change how the operator runs.
type OperatorOptions struct {
	operator.Options
	// Config is its access; it has the rights of the shipped ServiceAccount and no more.
	Config *rest.Config
	// Proxy reaches identity servers; empty for the ordinary network.
	Proxy string
	// Namespaces limits which custom resources it works on; all when empty.
	Namespaces []string
	// WrapAPI stands around the transport to the API server.
	WrapAPI func(http.RoundTripper) http.RoundTripper
	// Logger gets what the operator logs; the default logger when it is zero.
	Logger logr.Logger
}

// StartOperator runs the operator in this process until Stop.
func StartOperator(ctx context.Context, options OperatorOptions) (*Operator, error) {
	mgr, lifetime, cancel, err := manager(ctx, options)
	if err != nil {
		return nil, err
	}
	running := &Operator{cancel: cancel, done: make(chan error, 1)}
	go func() { running.done <- mgr.Start(lifetime) }()
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		return nil, errors.Join(errors.New("the operator's cache did not fill"), running.Stop())
	}
	return running, nil
}

// Stop ends the operator and waits for its last reconcile.
func (o *Operator) Stop() error {
	o.cancel()
	return <-o.done
}

// Operator runs the operator against this world.
func (w *World) Operator(ctx context.Context, options OperatorOptions) (*Operator, error) {
	if options.Config == nil {
		options.Config = w.Manager
	}
	if w.Player != nil {
		options.Proxy = w.Player.Proxy()
	}
	return StartOperator(ctx, options)
}

func manager(ctx context.Context, options OperatorOptions) (ctrl.Manager, context.Context, context.CancelFunc, error) {
	scheme, err := operator.Scheme()
	if err != nil {
		return nil, nil, nil, err
	}
	config := rest.CopyConfig(options.Config)
	config.QPS = -1 // client-side limits would hide the API server's own speed
	if options.WrapAPI != nil {
		config.Wrap(options.WrapAPI)
	}
	namespaces := map[string]cache.Config{}
	for _, name := range options.Namespaces {
		namespaces[name] = cache.Config{}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}, Logger: options.Logger,
		Cache: cache.Options{DefaultNamespaces: namespaces, DefaultTransform: cache.TransformStripManagedFields()},
		// Several operators may run in one test process, one after the other.
		Controller: ctrlconfig.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make the manager: %w", err)
	}
	lifetime, cancel := context.WithCancel(context.WithoutCancel(ctx))
	options.Namespace = testenv.SystemNamespace
	if options.Drivers == nil {
		options.Drivers = drivers.All()
	}
	if options.Proxy != "" {
		options.Access.Dial = player.Dialer(options.Proxy)
	}
	if err := operator.Setup(lifetime, mgr, options.Options); err != nil {
		cancel()
		return nil, nil, nil, err
	}
	return mgr, lifetime, cancel, nil
}

// Window is a maintenance window that a test opens and closes.
type Window struct{ closed atomic.Bool }

// Close holds rollouts from now on.
func (w *Window) Close() { w.closed.Store(true) }

// Open lets them go on.
func (w *Window) Open() { w.closed.Store(false) }

// IsOpen is for operator.Options.WindowOpen.
func (w *Window) IsOpen() bool { return !w.closed.Load() }
