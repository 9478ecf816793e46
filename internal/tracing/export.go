package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/holdfast-iam/holdfast/internal/version"
)

// farewell bounds how long the last spans may take at the end of the process.
const farewell = 5 * time.Second

// Export sends the spans of this process to an OTLP endpoint over gRPC until stop. A collector that does not answer is
// told in the log and delays nothing. How many passes are sampled, by which CA the collector is known and with which headers it is
// asked, OpenTelemetry's own environment variables say.
func Export(ctx context.Context, endpoint string, logger logr.Logger) (stop func(), err error) {
	if err := check(endpoint); err != nil {
		return nil, err
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("export traces to %s: %w", endpoint, err)
	}
	process, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "holdfast"), attribute.String("service.version", version.Of())), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Info("Traces do not get through", "error", err.Error()) }))
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(process))
	otel.SetTracerProvider(provider)
	return func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := provider.Shutdown(ending); err != nil {
			logger.Info("The last traces were lost", "error", err.Error())
		}
	}, nil
}

// check wants the scheme, so that nobody sends in clear without having said so.
func check(endpoint string) error {
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return fmt.Errorf("--trace-endpoint: %w", err)
	}
	if parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" || parsed.User != nil {
		return errors.New("--trace-endpoint: write a URL such as https://collector.observability.svc:4317, or http:// for one without TLS")
	}
	return nil
}
