// Package pipeline runs a custom resource's life as a list of steps and reports
// what each of them found. It knows no kind and no client.
package pipeline

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Step is one stage of a tenant's life.
type Step struct {
	// Condition is the condition type that this step answers for.
	Condition string
	// Needs are the conditions that have to hold before Act may run.
	Needs []string
	// Act changes the world. Nil when the step only looks.
	Act func(ctx context.Context, want tenant.Spec, seen tenant.Facts) error
	// Observe only looks; it is the sole writer of the facts that it names. It runs
	// whether or not Act could, so that a product keeps reporting itself available
	// while something else is wrong.
	Observe func(ctx context.Context, want tenant.Spec, seen *tenant.Facts) error
}

// Outcome is what became of a step.
type Outcome struct {
	Condition string
	// Err is nil when the condition holds.
	Err error
	// Blocked names the first condition that the step waited for; Err is then what
	// Observe found by itself.
	Blocked string
}

// Met reports whether the condition holds.
func (o Outcome) Met() bool { return o.Err == nil && o.Blocked == "" }

// Report is what a pass found.
type Report struct {
	// Rejected is why the custom resource could not even be resolved.
	Rejected error
	Outcomes []Outcome
	Want     tenant.Spec
	Seen     tenant.Facts
}

// Rejected is the report of a resource that could not be resolved; nil when err is nil.
func Rejected(err error) Report { return Report{Rejected: err} }

// Run performs the steps in order. A step whose needs do not hold is not acted on; a
// step that failed never stops a later one that does not need it.
func Run(ctx context.Context, want tenant.Spec, steps []Step) Report {
	report := Report{Want: want}
	met := map[string]bool{}
	for _, step := range steps {
		outcome := runStep(ctx, want, &report.Seen, step, met)
		met[step.Condition] = outcome.Met()
		report.Outcomes = append(report.Outcomes, outcome)
	}
	return report
}

func runStep(ctx context.Context, want tenant.Spec, seen *tenant.Facts, step Step, met map[string]bool) Outcome {
	outcome := Outcome{Condition: step.Condition}
	for _, need := range step.Needs {
		if !met[need] {
			outcome.Blocked = need
			break
		}
	}
	if outcome.Blocked == "" && step.Act != nil && !want.Suspended {
		outcome.Err = step.Act(ctx, want, *seen)
	}
	if step.Observe == nil {
		return outcome
	}
	// What stopped the act tells more than what is therefore not there yet.
	if err := step.Observe(ctx, want, seen); outcome.Err == nil {
		outcome.Err = err
	}
	return outcome
}

// Outcome gives the outcome of a condition's step.
func (r Report) Outcome(condition string) (Outcome, bool) {
	for _, outcome := range r.Outcomes {
		if outcome.Condition == condition {
			return outcome, true
		}
	}
	return Outcome{}, false
}

// Worst is the error to tell when only one can be told; nil when all is well.
func (r Report) Worst() error {
	worst := r.Rejected
	for _, outcome := range r.Outcomes {
		worst = fault.Worse(worst, outcome.Err)
	}
	return worst
}

// Requeue intervals. A Waiting fault is mostly healed by a watch; the interval is
// for what cannot be watched, such as Vault.
const (
	WaitingRetry = 15 * time.Second
	// Resync looks at what cannot be watched although all is well: Vault, and
	// settings of the live server.
	Resync = 5 * time.Minute
)

// Result turns the faults of a pass into the queue's answer: a transient error is
// returned and backed off, a Waiting one is looked at again soon, a Terminal one
// when something that we watch changes, or at the next resync.
func (r Report) Result() (ctrl.Result, error) {
	errs := []error{r.Rejected}
	for _, outcome := range r.Outcomes {
		errs = append(errs, outcome.Err)
	}
	after := Resync
	for _, err := range errs {
		switch {
		case err == nil:
		case fault.IsTerminal(err):
			// Mostly healed by a change that we watch; some, such as a policy in Vault, nobody can watch.
			if d := fault.Of(err, "").RetryAfter; d > 0 {
				after = min(after, d)
			}
		case fault.IsWaiting(err):
			after = min(after, retryAfter(err))
		default:
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: after}, nil
}

func retryAfter(err error) time.Duration {
	if d := fault.Of(err, "").RetryAfter; d > 0 {
		return d
	}
	return WaitingRetry
}
