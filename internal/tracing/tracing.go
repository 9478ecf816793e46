// Package tracing tells each reconcile as a span, and each step of a tenant's as a span in it, to whoever collects traces.
// A span says what was done, how long it took, how it ended and by which reason. It has no message, so that it has no value
// either: messages are in conditions and events.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Attributes of spans.
const (
	Kind      = attribute.Key("holdfast.kind")
	Namespace = attribute.Key("k8s.namespace.name")
	Name      = attribute.Key("holdfast.name")
	// Result is one of the results below.
	Result = attribute.Key("holdfast.result")
	// Reason is the one of the condition; absent when all is well.
	Reason = attribute.Key("holdfast.reason")
	// Blocked names the condition that a step waited for.
	Blocked = attribute.Key("holdfast.blocked_by")
	// Again is after how many seconds the object is looked at again; absent: when something changes.
	Again = attribute.Key("holdfast.requeue_after_seconds")
)

// Results, as internal/fault sorts them.
const (
	OK       = "ok"
	Waiting  = "waiting"  // another thing has to happen first
	Terminal = "terminal" // a person is needed
	Failed   = "failed"   // tried again with back-off
)

// failed is the reason of an error that has none of its own.
const failed = "Error"

func tracer() trace.Tracer { return otel.Tracer("github.com/holdfast-iam/holdfast") }

// Reconciler wraps a span around each pass of next over an object of the kind.
func Reconciler(kind string, next reconcile.Reconciler) reconcile.Reconciler {
	return traced{kind: kind, name: "reconcile " + kind, next: next, tracer: tracer()}
}

type traced struct {
	kind, name string
	next       reconcile.Reconciler
	tracer     trace.Tracer
}

func (t traced) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ctx, span := t.tracer.Start(ctx, t.name)
	defer span.End()
	if !span.IsRecording() {
		return t.next.Reconcile(ctx, request)
	}
	span.SetAttributes(Kind.String(t.kind), Namespace.String(request.Namespace), Name.String(request.Name), Result.String(OK))
	result, err := t.next.Reconcile(ctx, request)
	if err != nil {
		tell(span, err)
	}
	if result.RequeueAfter > 0 {
		span.SetAttributes(Again.Float64(result.RequeueAfter.Seconds()))
	}
	return result, err
}

// Found tells in the span of the pass what became of the object.
func Found(ctx context.Context, err error) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		tell(span, err)
	}
}

// tell writes the result and its reason, never the error's text.
func tell(span trace.Span, err error) {
	result, reason := OK, ""
	if err != nil {
		reason, result = fault.Of(err, failed).Reason, Failed
	}
	switch {
	case fault.IsTerminal(err):
		result = Terminal
	case fault.IsWaiting(err):
		result = Waiting
	}
	span.SetAttributes(Result.String(result))
	if reason != "" {
		span.SetAttributes(Reason.String(reason))
	}
	if result == Terminal || result == Failed {
		span.SetStatus(codes.Error, reason)
	}
}
