package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Run is pipeline.Run, with a span of each step in the span of the pass. Without one it is nothing else.
func Run(ctx context.Context, want tenant.Spec, steps []pipeline.Step) pipeline.Report {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return pipeline.Run(ctx, want, steps)
	}
	timed := make([]pipeline.Step, len(steps))
	took := make([]interval, len(steps))
	for i, step := range steps {
		timed[i] = took[i].around(step)
	}
	report := pipeline.Run(ctx, want, timed)
	for i, outcome := range report.Outcomes {
		took[i].tell(ctx, outcome)
	}
	return report
}

// interval is when a step began and when it ended.
type interval struct{ begin, end time.Time }

// around is the step, timed.
func (i *interval) around(step pipeline.Step) pipeline.Step {
	act, observe := step.Act, step.Observe
	if act != nil {
		step.Act = func(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
			defer i.measure()()
			return act(ctx, want, seen)
		}
	}
	if observe != nil {
		step.Observe = func(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error {
			defer i.measure()()
			return observe(ctx, want, seen)
		}
	}
	return step
}

// measure begins with the first of act and observe, and the last one that returns ends.
func (i *interval) measure() (done func()) {
	if i.begin.IsZero() {
		i.begin = time.Now()
	}
	return func() { i.end = time.Now() }
}

// tell makes the span once it is known what became of the step. One that did nothing has one of no length.
func (i *interval) tell(ctx context.Context, outcome pipeline.Outcome) {
	if i.begin.IsZero() {
		i.begin = time.Now()
		i.end = i.begin
	}
	_, span := tracer().Start(ctx, outcome.Condition, trace.WithTimestamp(i.begin))
	tell(span, outcome.Err)
	if outcome.Blocked != "" {
		span.SetAttributes(Result.String(Waiting), Blocked.String(outcome.Blocked))
	}
	span.End(trace.WithTimestamp(i.end))
}
