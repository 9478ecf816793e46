package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

var request = ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "iam", Name: "acme"}}

// secret stands in the texts of errors, where by the rules it never is: of a span it must not even then be a part.
const secret = "hunter2"

// recorded runs a pass and returns its spans, in the order in which they ended. The provider is global: no test here is parallel.
func recorded(t *testing.T, pass reconcile.Func) tracetest.SpanStubs {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(exporter)))
	defer otel.SetTracerProvider(noop.NewTracerProvider())
	// What the pass returns is asserted by those who look at its span.
	_, _ = tracing.Reconciler("IdentityTenant", pass).Reconcile(t.Context(), request)
	return exporter.GetSpans()
}

// line shows a span as its name and attributes.
func line(span tracetest.SpanStub) string {
	parts := []string{span.Name}
	for _, attribute := range span.Attributes {
		parts = append(parts, string(attribute.Key)+"="+attribute.Value.String())
	}
	return strings.Join(parts, " ")
}

func TestEachStepOfAPassIsASpanInIt(t *testing.T) {
	act := func(err error) func(context.Context, tenant.Spec, tenant.Facts) error {
		return func(context.Context, tenant.Spec, tenant.Facts) error { return err }
	}
	var report pipeline.Report
	spans := recorded(t, func(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
		report = tracing.Run(ctx, tenant.Spec{}, []pipeline.Step{
			{Condition: "NetworkIsolated", Act: act(nil)},
			{Condition: "VaultReady", Observe: func(context.Context, tenant.Spec, *tenant.Facts) error {
				return fault.Waiting("VaultSealed", "sealed %s", secret)
			}},
			{Condition: "SecretsReady", Needs: []string{"VaultReady"}, Act: act(nil)},
			{Condition: "WorkloadAvailable", Act: act(fault.Terminal("NameConflict", "%s", secret))},
			{Condition: "SettingsApplied", Act: act(errors.New(secret))},
		})
		tracing.Found(ctx, report.Worst())
		return ctrl.Result{RequeueAfter: 15 * time.Second}, nil
	})
	if len(spans) != 6 {
		t.Fatalf("%d spans, want one of each of 5 steps and one of the pass", len(spans))
	}
	var lines []string
	for i, span := range spans {
		lines = append(lines, line(span))
		if last := spans[len(spans)-1]; i < 5 && (span.Parent.SpanID() != last.SpanContext.SpanID() || span.StartTime.Before(last.StartTime) || span.EndTime.After(last.EndTime)) {
			t.Errorf("%s is not within %s", span.Name, last.Name)
		}
		if strings.Contains(fmt.Sprintf("%+v", span), secret) {
			t.Errorf("a span tells the text of an error: %+v", span)
		}
	}
	want := []string{
		"NetworkIsolated holdfast.result=ok",
		"VaultReady holdfast.result=waiting holdfast.reason=VaultSealed",
		"SecretsReady holdfast.result=waiting holdfast.blocked_by=VaultReady",
		"WorkloadAvailable holdfast.result=terminal holdfast.reason=NameConflict",
		"SettingsApplied holdfast.result=failed holdfast.reason=Error",
		"reconcile IdentityTenant holdfast.kind=IdentityTenant k8s.namespace.name=iam holdfast.name=acme holdfast.result=terminal holdfast.reason=NameConflict holdfast.requeue_after_seconds=15",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if spans[1].Status.Code == codes.Error || spans[3].Status.Code != codes.Error {
		t.Errorf("a step that waits is %v, one that needs a person %v: only the second is an error", spans[1].Status.Code, spans[3].Status.Code)
	}
	if _, wrapped := report.Outcome("SettingsApplied"); !wrapped {
		t.Error("the report of the steps did not come back")
	}
}

func TestAPassThatFailsSaysSo(t *testing.T) {
	spans := recorded(t, func(context.Context, ctrl.Request) (ctrl.Result, error) { return ctrl.Result{}, errors.New(secret) })
	if len(spans) != 1 || !strings.HasSuffix(line(spans[0]), "holdfast.result=failed holdfast.reason=Error") {
		t.Errorf("spans %v", spans)
	}
}

func TestTheEndpointSaysWhetherItTakesTLS(t *testing.T) {
	for _, endpoint := range []string{"collector:4317", "grpc://collector:4317", "https://", "https://user:password@collector:4317"} {
		if _, err := tracing.Export(t.Context(), endpoint, logr.Discard()); err == nil || !strings.Contains(err.Error(), "https://collector.observability.svc:4317") {
			t.Errorf("%s: got %v, want what to write instead", endpoint, err)
		}
	}
}

// A collector that is away must not keep the operator from ending, and somebody must be told.
func TestACollectorThatIsAwayIsToldInTheLog(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	logger := funcr.New(func(_, arguments string) { said.WriteString(arguments) }, funcr.Options{})
	stop, err := tracing.Export(t.Context(), "http://"+address, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer otel.SetTracerProvider(noop.NewTracerProvider())
	pass := reconcile.Func(func(context.Context, ctrl.Request) (ctrl.Result, error) { return ctrl.Result{}, nil })
	if _, err := tracing.Reconciler("Keystore", pass).Reconcile(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	stop()
	if !strings.Contains(said.String(), "The last traces were lost") {
		t.Errorf("nobody is told: %s", said.String())
	}
}

// What a pass pays while nobody collects traces.
func BenchmarkOff(b *testing.B) {
	pass := tracing.Reconciler("IdentityTenant", reconcile.Func(func(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
		tracing.Run(ctx, tenant.Spec{}, nil)
		return ctrl.Result{}, nil
	}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pass.Reconcile(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
