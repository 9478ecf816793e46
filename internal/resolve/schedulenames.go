package resolve

import "github.com/holdfast-iam/holdfast/api/v1alpha1"

// FieldMaintenance names the schedule whose windows say when pods may be replaced.
const FieldMaintenance = "spec.maintenance.rotationRef"

// ScheduleFields are the RotationSchedules that a tenant names, by field. No field of this version names one yet.
func ScheduleFields(*v1alpha1.IdentityTenant) map[string]string { return nil }
