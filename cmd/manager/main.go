// Command manager is the operator: flags, options, wiring.
package main

import (
	"flag"
	"fmt"
	"os"
	_ "time/tzdata" // the image has no time zone database

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/holdfast-iam/holdfast/cmd/manager/app"
	"github.com/holdfast-iam/holdfast/internal/idp/drivers"
	"github.com/holdfast-iam/holdfast/internal/tracing"
	"github.com/holdfast-iam/holdfast/internal/version"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", err)
		os.Exit(1)
	}
}

func run() error {
	var settings app.Settings
	settings.Bind(flag.CommandLine)
	flag.Parse()
	settings.Operator.Drivers = drivers.All()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&settings.Logging)))
	ctrl.Log.WithName("holdfast").Info("Starting", "version", version.Of())
	ctx := ctrl.SetupSignalHandler()
	if settings.TraceEndpoint != "" {
		stop, err := tracing.Export(ctx, settings.TraceEndpoint, ctrl.Log.WithName("traces"))
		if err != nil {
			return err
		}
		defer stop()
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	return app.Run(ctx, config, &settings)
}
