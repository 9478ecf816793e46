package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The fields of a tenant that name a RotationSchedule.
const (
	// FieldMaintenance names the schedule whose windows say when pods may be replaced.
	FieldMaintenance = "spec.maintenance.rotationRef"
	fieldSigning     = "spec.keystores.tokenSigning.rotationRef"
)

// materialAdministrator is the administrator's password; its name is the driver's too.
const materialAdministrator = "administrator"

// ScheduleFields are the RotationSchedules that a tenant names, by field.
func ScheduleFields(cr *v1alpha1.IdentityTenant) map[string]string {
	named := map[string]string{}
	for _, ref := range scheduleRefs(cr) {
		named[ref.field] = ref.schedule
	}
	if maintenance := cr.Spec.Maintenance; maintenance != nil {
		named[FieldMaintenance] = maintenance.RotationRef.Name
	}
	return named
}

// scheduleRef is a field that names the schedule of a material.
type scheduleRef struct{ material, field, schedule string }

// scheduleRefs lists the materials that have a schedule, by name.
func scheduleRefs(cr *v1alpha1.IdentityTenant) (refs []scheduleRef) {
	for i, realm := range cr.Spec.Realms {
		if realm.Name == tenant.RootRealm && realm.Administrators != nil && realm.Administrators.RotationRef != nil {
			refs = append(refs, scheduleRef{materialAdministrator, fmt.Sprintf("spec.realms[%d].administrators.rotationRef", i), realm.Administrators.RotationRef.Name})
		}
	}
	if stores := cr.Spec.Keystores; stores != nil && stores.TokenSigning != nil && stores.TokenSigning.RotationRef != nil {
		refs = append(refs, scheduleRef{string(tenant.RoleSigning), fieldSigning, stores.TokenSigning.RotationRef.Name})
	}
	slices.SortFunc(refs, func(a, b scheduleRef) int { return strings.Compare(a.material, b.material) })
	return refs
}

// rotations gives the schedules of a tenant, as far as its references have them.
func rotations(want *tenant.Spec, cr *v1alpha1.IdentityTenant, refs References) {
	if maintenance := cr.Spec.Maintenance; maintenance != nil {
		want.MaintenanceName = maintenance.RotationRef.Name
		want.Maintenance = refs.Schedules[want.MaintenanceName]
	}
	for _, ref := range scheduleRefs(cr) {
		want.Rotations = append(want.Rotations, tenant.Rotation{Material: ref.material, Field: ref.field, ScheduleName: ref.schedule, Schedule: refs.Schedules[ref.schedule]})
	}
}

// Feasible refuses schedules that the tenant could not keep: longestToken is how long tokens live that the product signs.
// Fault: Terminal, InvalidSpec, naming the field.
func Feasible(want tenant.Spec, longestToken time.Duration) error {
	for _, r := range want.Rotations {
		var overlap time.Duration
		if r.Material == string(tenant.RoleSigning) {
			overlap = longestToken
		}
		field := fmt.Sprintf("%s: RotationSchedule %s", r.Field, r.ScheduleName)
		if err := rotation.Feasible(field, r.Schedule, want.Maintenance, overlap, v1alpha1.ReasonInvalidSpec); err != nil {
			return err
		}
	}
	return nil
}

// gatherSchedules reads and compiles what the fields name.
func gatherSchedules(cr *v1alpha1.IdentityTenant, read func(name, field string) (*v1alpha1.RotationSchedule, error)) (map[string]rotation.Schedule, error) {
	compiled := map[string]rotation.Schedule{}
	fields := ScheduleFields(cr)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		name := fields[field]
		if _, done := compiled[name]; done {
			continue
		}
		schedule, err := read(name, field)
		if err != nil {
			return nil, err
		}
		if compiled[name], err = Schedule(schedule); err != nil {
			return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "RotationSchedule %s/%s, named by %s, is not valid: %v", cr.Namespace, name, field, err)
		}
	}
	return compiled, nil
}
