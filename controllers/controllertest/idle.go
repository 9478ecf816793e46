package controllertest

import (
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Idle returns an error while a controller of this name is in the middle of a pass.
func Idle(t testing.TB, controller string) error {
	if sum(t, "controller_runtime_active_workers", controller) > 0 {
		return fmt.Errorf("controller %s is at work", controller)
	}
	return nil
}

// sum adds up a metric of this process, of one controller or of all.
func sum(t testing.TB, name, controller string) (total float64) {
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Errorf("gather metrics: %v", err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "controller" && (controller == "" || label.GetValue() == controller) {
					total += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
				}
			}
		}
	}
	return total
}
