// Command manager is the operator: flags, options, wiring.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"time"
	_ "time/tzdata" // the image has no time zone database

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/metrics"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(1)
	}
}

func run() error {
	options := operator.Options{Drivers: map[tenant.Product]idp.Driver{tenant.WSO2IS: wso2is.Driver{}}}
	var address, probes, leaderNamespace string
	var elect bool
	flag.StringVar(&address, "metrics-bind-address", ":8443", "address of the metrics over authenticated TLS; 0 turns them off")
	flag.StringVar(&probes, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flag.BoolVar(&elect, "leader-elect", true, "have one active manager among several")
	flag.StringVar(&leaderNamespace, "leader-election-namespace", "", "namespace of the lease; default: the operator's own")
	flag.StringVar(&options.Namespace, "operator-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the operator's pods, which tenants admit; default $POD_NAMESPACE")
	flag.IntVar(&options.Concurrency, "concurrency", 4, "objects of one kind that are worked on at once")
	flag.DurationVar(&options.DeletionPatience, "deletion-patience", 2*time.Minute, "how long a deletion waits for pods and for a Vault that does not answer")
	flag.IntVar(&options.KeepRecords.Count, "rotation-records-kept", 20, "RotationRecords that stay of each material of an object, from 1; the last one, and the last that succeeded, always stay")
	flag.DurationVar(&options.KeepRecords.Age, "rotation-records-age", 17520*time.Hour, "how long a RotationRecord stays at most, from 1h")
	logging := zap.Options{}
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
	if options.Namespace == "" {
		return fmt.Errorf("--operator-namespace is empty: set it, or POD_NAMESPACE, to where the operator's pods run")
	}
	if options.KeepRecords.Count < 1 || options.KeepRecords.Age < time.Hour {
		return fmt.Errorf("--rotation-records-kept=%d --rotation-records-age=%s: keep at least 1 for at least 1h", options.KeepRecords.Count, options.KeepRecords.Age)
	}
	return start(ctrl.SetupSignalHandler(), options, ctrl.Options{
		LeaderElection: elect, LeaderElectionID: "holdfast.iam.holdfast.dev", LeaderElectionNamespace: leaderNamespace,
		LeaderElectionReleaseOnCancel: true, HealthProbeBindAddress: probes,
		Metrics: metricsserver.Options{BindAddress: address, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization,
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }}},
	})
}

func start(ctx context.Context, options operator.Options, managerOptions ctrl.Options) error {
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	managerOptions.Scheme = scheme
	// Nobody reads who wrote which field, and it is half of what a cache would hold.
	managerOptions.Cache.DefaultTransform = cache.TransformStripManagedFields()
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	mgr, err := ctrl.NewManager(config, managerOptions)
	if err != nil {
		return fmt.Errorf("make the manager: %w", err)
	}
	if err := operator.Setup(ctx, mgr, options); err != nil {
		return err
	}
	if err := ctrlmetrics.Registry.Register(metrics.NewCollector(mgr.GetClient())); err != nil {
		return fmt.Errorf("register the metrics of rotations: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
