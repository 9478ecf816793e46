package functional

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tracing"
)

// traces collects the spans of the operators that the test starts from now on. The provider is of the whole process: a test
// that collects runs alone.
func traces(t *testing.T) *tracetest.InMemoryExporter {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(noop.NewTracerProvider()) })
	return spans
}

// expectSpans wants each pass over the tenant told with its steps, one of them at least as all well, and its Keystores' passes too.
func expectSpans(t *testing.T, spans tracetest.SpanStubs, tenant *v1alpha1.IdentityTenant) {
	t.Helper()
	// A pass over what the cache still shows as it was takes no step.
	stepped := func(pass tracetest.SpanStub) bool {
		return slices.ContainsFunc(spans, func(step tracetest.SpanStub) bool { return step.Parent.SpanID() == pass.SpanContext.SpanID() })
	}
	last, kinds := -1, map[string]int{}
	for i, span := range spans {
		said := attribute.NewSet(span.Attributes...)
		kind, isPass := said.Value(tracing.Kind)
		if namespace, _ := said.Value(tracing.Namespace); !isPass || namespace.AsString() != tenant.Namespace {
			continue
		}
		kinds[kind.AsString()]++
		name, _ := said.Value(tracing.Name)
		if result, _ := said.Value(tracing.Result); kind.AsString() == "IdentityTenant" && name.AsString() == tenant.Name && result.AsString() == tracing.OK && stepped(span) {
			last = i
		}
	}
	if last < 0 || kinds["Keystore"] == 0 || kinds["VaultConnection"] == 0 {
		t.Errorf("passes that were traced, by kind: %v; the last that was all well is number %d", kinds, last)
		return
	}
	var steps []string
	for _, span := range spans {
		if span.Parent.SpanID() == spans[last].SpanContext.SpanID() {
			steps = append(steps, span.Name)
		}
	}
	want := []string{
		v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionVaultReady, v1alpha1.ConditionKeystoresReady, v1alpha1.ConditionDatabaseReady,
		v1alpha1.ConditionRotationOnTime, v1alpha1.ConditionSecretsReady, v1alpha1.ConditionWorkloadAvailable, v1alpha1.ConditionSettingsApplied,
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps of the last pass that was all well (-want +got):\n%s", diff)
	}
}
