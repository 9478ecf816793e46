package metrics

import (
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/resolve"
)

// conditions tells what an object says of itself. A reason is no label: a series would end and another begin each time
// that the operator gets one step further.
func (c *collection) conditions(of owner, conditions []metav1.Condition) {
	for _, condition := range conditions {
		value := -1.0
		switch condition.Status {
		case metav1.ConditionTrue:
			value = 1
		case metav1.ConditionFalse:
			value = 0
		}
		c.add(Condition, value, of.kind, of.namespace, of.name, condition.Type)
	}
	if apimeta.FindStatusCondition(conditions, v1alpha1.ConditionStalled) == nil {
		c.add(Condition, 0, of.kind, of.namespace, of.name, v1alpha1.ConditionStalled)
	}
}

// policies are the kinds that have conditions and no material.
func (c *collection) policies(seen *world) {
	for _, object := range seen.schedules.Items {
		c.conditions(owner{"RotationSchedule", object.Namespace, object.Name}, object.Status.Conditions)
	}
	for _, object := range seen.passwords.Items {
		c.conditions(owner{"PasswordPolicy", object.Namespace, object.Name}, object.Status.Conditions)
	}
	for _, object := range seen.logs.Items {
		c.conditions(owner{"LogPolicy", object.Namespace, object.Name}, object.Status.Conditions)
	}
	for _, object := range seen.waivers.Items {
		c.conditions(owner{"HardeningWaiver", object.Namespace, object.Name}, object.Status.Conditions)
		if until, err := resolve.LastDay(object.Spec.Expires); err == nil {
			c.add(WaiverExpiry, seconds(until), object.Namespace, object.Name)
		}
	}
	for _, object := range seen.connections.Items {
		c.conditions(owner{"VaultConnection", object.Namespace, object.Name}, object.Status.Conditions)
	}
}

// profile in force.
func profile(tenant *v1alpha1.IdentityTenant) v1alpha1.HardeningProfile {
	if tenant.Spec.Hardening != nil && tenant.Spec.Hardening.Profile != "" {
		return tenant.Spec.Hardening.Profile
	}
	return v1alpha1.ProfileStrict
}
