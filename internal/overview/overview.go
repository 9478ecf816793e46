// Package overview tells how a tenant is, in one look: what its conditions say, what it uses, what rotates next, what changed
// last, and what a person has to do. It is pure; what it tells comes from the status of the objects alone.
package overview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// changes is how many of the last rotations are told.
const changes = 8

// Namespace is what was read of one namespace.
type Namespace struct {
	Tenants     []v1alpha1.IdentityTenant
	Keystores   []v1alpha1.Keystore
	Connections []v1alpha1.VaultConnection
	Passwords   []v1alpha1.PasswordPolicy
	Logs        []v1alpha1.LogPolicy
	Schedules   []v1alpha1.RotationSchedule
	Waivers     []v1alpha1.HardeningWaiver
	Records     []v1alpha1.RotationRecord
}

// Tenant is how one tenant is.
type Tenant struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Summary   string   `json:"summary"` // Ready, Progressing, Stalled, Suspended or NotReady
	Version   Change   `json:"version"`
	Revision  Change   `json:"revision"`
	Profile   string   `json:"profile"`
	Endpoints []string `json:"endpoints,omitempty"`
	// Hardening is how the tenant was judged; none before the first time.
	Hardening  *v1alpha1.HardeningStatus `json:"hardening,omitempty"`
	Conditions []metav1.Condition        `json:"conditions"`
	Uses       []Object                  `json:"uses"`
	Rotations  []Rotation                `json:"rotations,omitempty"`
	Changes    []Past                    `json:"changes,omitempty"`
	ToDo       []string                  `json:"toDo"` // empty: nothing
}

// Change is what is wished and what serves. They are the same when no change is under way.
type Change struct {
	Wanted  string `json:"wanted"`
	Serving string `json:"serving,omitempty"`
}

// Object is another object that the tenant uses.
type Object struct {
	Kind    string                 `json:"kind"`
	Name    string                 `json:"name"`
	Ready   metav1.ConditionStatus `json:"ready"` // Unknown also when it does not exist
	Message string                 `json:"message,omitempty"`
	// Generation and Ends are of a Keystore's version in use.
	Generation int64        `json:"generation,omitempty"`
	Ends       *metav1.Time `json:"ends,omitempty"`
}

// Rotation is when a material rotates next.
type Rotation struct {
	Material string       `json:"material"`
	Due      *metav1.Time `json:"due,omitempty"` // none while its schedule is suspended
	Last     *metav1.Time `json:"last,omitempty"`
	Overdue  bool         `json:"overdue"`
	Reason   string       `json:"reason"`
	Message  string       `json:"message,omitempty"`
}

// Past is a rotation that was begun.
type Past struct {
	Time       metav1.Time `json:"time"` // when it ended, or else when it began
	Material   string      `json:"material"`
	Generation int64       `json:"generation"`
	Cause      string      `json:"cause"`
	Request    string      `json:"request,omitempty"`
	Outcome    string      `json:"outcome,omitempty"` // none while it is under way
	Step       string      `json:"step"`              // the last one
	Message    string      `json:"message,omitempty"` // of that step
}

// Of tells how each tenant is, by name; only those of the given name, when there is one.
func Of(seen Namespace, name string, now time.Time) (tenants []Tenant) {
	for i := range seen.Tenants {
		if cr := &seen.Tenants[i]; name == "" || cr.Name == name {
			tenants = append(tenants, of(cr, &seen, now))
		}
	}
	slices.SortFunc(tenants, func(a, b Tenant) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return tenants
}

func of(cr *v1alpha1.IdentityTenant, seen *Namespace, now time.Time) Tenant {
	tenant := Tenant{
		Namespace: cr.Namespace, Name: cr.Name, Profile: string(v1alpha1.ProfileStrict),
		Revision:  Change{Wanted: cr.Status.DesiredRevision, Serving: cr.Status.ServingRevision},
		Version:   Change{Serving: cr.Status.ServingVersion},
		Hardening: cr.Status.Hardening, Conditions: append([]metav1.Condition{}, cr.Status.Conditions...), Summary: summary(cr), Uses: uses(cr, seen),
	}
	if cr.Spec.Product.WSO2IS != nil {
		tenant.Version.Wanted = cr.Spec.Product.WSO2IS.Version
	} else if cr.Spec.Product.Keycloak != nil {
		tenant.Version.Wanted = cr.Spec.Product.Keycloak.Version
	}
	if cr.Spec.Hardening != nil && cr.Spec.Hardening.Profile != "" {
		tenant.Profile = string(cr.Spec.Hardening.Profile)
	}
	if endpoints := cr.Status.Endpoints; endpoints != nil {
		for _, url := range []string{endpoints.Public, endpoints.Admin, endpoints.Internal} {
			if url != "" {
				tenant.Endpoints = append(tenant.Endpoints, url)
			}
		}
	}
	for _, rotation := range cr.Status.Rotations {
		tenant.Rotations = append(tenant.Rotations, Rotation{
			Material: rotation.Material, Due: rotation.NextDue, Last: rotation.LastRotation,
			Overdue: rotation.OverdueSince != nil, Reason: rotation.Reason, Message: rotation.Message,
		})
	}
	slices.SortStableFunc(tenant.Rotations, func(a, b Rotation) int { return earlier(a.Due, b.Due) })
	tenant.Changes = past(cr, seen.Records)
	tenant.ToDo = toDo(cr, &tenant, now)
	return tenant
}

// earlier sorts what has no time last.
func earlier(a, b *metav1.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.Compare(b.Time)
}

// summary is the tenant in one word.
func summary(cr *v1alpha1.IdentityTenant) string {
	ready := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case apimeta.IsStatusConditionTrue(cr.Status.Conditions, v1alpha1.ConditionStalled):
		return "Stalled"
	case cr.DeletionTimestamp != nil:
		return "Deleting"
	case cr.Spec.Suspend:
		return "Suspended"
	case ready == nil || cr.Status.ObservedGeneration != cr.Generation:
		return "NotObserved"
	case ready.Status == metav1.ConditionTrue:
		return "Ready"
	case apimeta.IsStatusConditionTrue(cr.Status.Conditions, v1alpha1.ConditionReconciling):
		return "Progressing"
	}
	return "NotReady"
}

// past lists the last rotations of the tenant, the newest first.
func past(cr *v1alpha1.IdentityTenant, records []v1alpha1.RotationRecord) (told []Past) {
	for i := range records {
		record := &records[i]
		if record.Spec.Subject.UID != cr.UID || record.Spec.Subject.Kind != "IdentityTenant" {
			continue
		}
		one := Past{
			Time: record.CreationTimestamp, Material: record.Spec.Material, Generation: record.Spec.To.Generation,
			Cause: string(record.Spec.Cause), Request: record.Spec.Request, Outcome: string(record.Status.Outcome),
		}
		if record.Status.CompletedAt != nil {
			one.Time = *record.Status.CompletedAt
		}
		if steps := record.Status.Steps; len(steps) > 0 {
			one.Step, one.Message = string(steps[len(steps)-1].Name), steps[len(steps)-1].Message
		}
		told = append(told, one)
	}
	slices.SortFunc(told, func(a, b Past) int {
		return cmp.Or(b.Time.Compare(a.Time.Time), strings.Compare(a.Material, b.Material), cmp.Compare(b.Generation, a.Generation))
	})
	return told[:min(len(told), changes)]
}
