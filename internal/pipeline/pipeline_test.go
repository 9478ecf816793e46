package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type recorder struct{ calls []string }

func (r *recorder) act(name string, err error) func(context.Context, tenant.Spec, tenant.Facts) error {
	return func(context.Context, tenant.Spec, tenant.Facts) error {
		r.calls = append(r.calls, "act "+name)
		return err
	}
}

func (r *recorder) observe(name string, err error) func(context.Context, tenant.Spec, *tenant.Facts) error {
	return func(context.Context, tenant.Spec, *tenant.Facts) error {
		r.calls = append(r.calls, "observe "+name)
		return err
	}
}

func TestAStepIsNotActedOnBeforeItsNeedsButStillObserved(t *testing.T) {
	r := &recorder{}
	report := pipeline.Run(context.Background(), tenant.Spec{}, []pipeline.Step{
		{Condition: "Vault", Observe: r.observe("vault", fault.Waiting("VaultSealed", "sealed"))},
		{Condition: "Pods", Needs: []string{"Vault"}, Act: r.act("pods", nil), Observe: r.observe("pods", nil)},
		{Condition: "Network", Act: r.act("network", nil)},
	})
	want := []string{"observe vault", "observe pods", "act network"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	pods, _ := report.Outcome("Pods")
	if pods.Blocked != "Vault" || pods.Met() {
		t.Errorf("outcome of a blocked step: %+v", pods)
	}
	if network, _ := report.Outcome("Network"); !network.Met() {
		t.Errorf("a step that needs nothing was stopped by an earlier one: %+v", network)
	}
}

func TestASuspendedTenantIsOnlyObserved(t *testing.T) {
	r := &recorder{}
	pipeline.Run(context.Background(), tenant.Spec{Suspended: true}, []pipeline.Step{
		{Condition: "Pods", Act: r.act("pods", nil), Observe: r.observe("pods", nil)},
	})
	if diff := cmp.Diff([]string{"observe pods"}, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestResult(t *testing.T) {
	transient := errors.New("connection reset")
	for name, test := range map[string]struct {
		errs  []error
		after time.Duration
		err   error
	}{
		"all well":              {errs: []error{nil}, after: pipeline.Resync},
		"waiting":               {errs: []error{fault.Waiting("NotFound", "no")}, after: pipeline.WaitingRetry},
		"waiting with own time": {errs: []error{fault.Waiting("VaultSealed", "no").After(time.Second)}, after: time.Second},
		"a person is needed":    {errs: []error{fault.Terminal("InvalidSpec", "no")}, after: pipeline.Resync},
		"transient wins":        {errs: []error{fault.Waiting("NotFound", "no"), transient}, err: transient},
	} {
		t.Run(name, func(t *testing.T) {
			report := pipeline.Report{}
			for _, err := range test.errs {
				report.Outcomes = append(report.Outcomes, pipeline.Outcome{Err: err})
			}
			result, err := report.Result()
			if !errors.Is(err, test.err) || result.RequeueAfter != test.after {
				t.Errorf("got %v, %v; want %v, %v", result.RequeueAfter, err, test.after, test.err)
			}
		})
	}
}
