package controllertest

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Idle returns an error while a controller of this name is in the middle of a pass.
func Idle(controller string) error {
	families, err := metrics.Registry.Gather()
	if err != nil {
		return err
	}
	for _, family := range families {
		if family.GetName() != "controller_runtime_active_workers" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "controller" && label.GetValue() == controller && metric.GetGauge().GetValue() > 0 {
					return fmt.Errorf("controller %s is at work", controller)
				}
			}
		}
	}
	return nil
}
