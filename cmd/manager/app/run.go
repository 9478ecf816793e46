package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/metrics"
)

// leaseName is of the lease that managers of the same namespaces share.
const leaseName = "holdfast.iam.holdfast.dev"

// Run runs the operator until ctx ends. On its way out it gives its lease back, so that another manager goes on at once.
func Run(ctx context.Context, config *rest.Config, settings *Settings) error {
	if err := settings.Check(); err != nil {
		return err
	}
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = float32(settings.QPS), settings.Burst
	live, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("reach the API server: %w", err)
	}
	if err := prepare(ctx, live, settings); err != nil {
		return err
	}
	options := managerOptions(settings)
	options.Scheme = scheme
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	options.Cache.DefaultNamespaces = only(settings.WatchNamespaces)
	var sharded *shard
	if settings.ShardSelector != "" {
		if sharded, err = newShard(ctx, live, settings.ShardSelector); err != nil {
			return err
		}
		options.Cache = sharded.cache()
	}
	// Nobody reads who wrote which field, and it is half of what a cache would hold.
	options.Cache.DefaultTransform = cache.TransformStripManagedFields()
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return fmt.Errorf("make the manager: %w", err)
	}
	if err := wire(ctx, mgr, settings.Operator); err != nil {
		return err
	}
	collector := metrics.NewCollector(mgr.GetClient())
	if err := ctrlmetrics.Registry.Register(collector); err != nil {
		return fmt.Errorf("register the metrics of rotations: %w", err)
	}
	defer ctrlmetrics.Registry.Unregister(collector)
	if sharded != nil {
		if err := sharded.watch(ctx, mgr, end); err != nil {
			return err
		}
	}
	if err := mgr.Start(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errShardChanged) {
		return cause
	}
	return nil
}

func managerOptions(settings *Settings) ctrl.Options {
	return ctrl.Options{
		LeaderElection: settings.LeaderElect, LeaderElectionID: lease(settings.ShardSelector), LeaderElectionNamespace: settings.LeaderNamespace,
		LeaderElectionReleaseOnCancel: true, HealthProbeBindAddress: settings.ProbeAddress,
		// The controllers' names are ours, and one process may run the operator again.
		Controller: ctrlconfig.Controller{SkipNameValidation: new(true)},
		Metrics: metricsserver.Options{BindAddress: settings.MetricsAddress, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization,
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }}},
	}
}

// lease is for the managers of one shard: two shards in one namespace must not wait for each other.
func lease(selector string) string {
	if selector == "" {
		return leaseName
	}
	return fmt.Sprintf("%s-%.4x", leaseName, sha256.Sum256([]byte(selector)))
}

func only(namespaces []string) map[string]cache.Config {
	limited := map[string]cache.Config{}
	for _, name := range namespaces {
		limited[name] = cache.Config{}
	}
	return limited
}

func wire(ctx context.Context, mgr ctrl.Manager, options operator.Options) error {
	if err := operator.Setup(ctx, mgr, options); err != nil {
		return err
	}
	return errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping))
}

// served tells whether the definitions are there.
func served(live client.Client, kind string) error {
	_, err := live.RESTMapper().RESTMapping(ourKind(kind))
	if apimeta.IsNoMatchError(err) {
		return fmt.Errorf("the cluster does not know %s of iam.holdfast.dev/v1alpha1: apply this version's definitions first (kubectl apply --server-side -k config/crd, or the chart with crds.enabled)", kind)
	}
	return err
}
