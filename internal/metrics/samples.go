package metrics

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// owner is whose material it is.
type owner struct{ kind, namespace, name string }

// sample is one number of one series.
type sample struct {
	metric   Metric
	of       owner
	material string
	value    float64
}

// collection gathers samples; of a series that two sources know it keeps the later time.
type collection struct {
	at    map[string]int
	found []sample
}

func (c *collection) add(metric Metric, of owner, material string, value float64) {
	key := strings.Join([]string{metric.Name, of.kind, of.namespace, of.name, material}, "\x00")
	if i, known := c.at[key]; known {
		c.found[i].value = max(c.found[i].value, value)
		return
	}
	c.at[key] = len(c.found)
	c.found = append(c.found, sample{metric, of, material, value})
}

func (c *collection) time(metric Metric, of owner, material string, at *metav1.Time) {
	if at != nil && !at.IsZero() {
		c.add(metric, of, material, seconds(at.Time))
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// samples tells all that the objects know. It is pure.
func samples(tenants []v1alpha1.IdentityTenant, stores []v1alpha1.Keystore, records []v1alpha1.RotationRecord) []sample {
	c := &collection{at: map[string]int{}}
	living := map[types.UID]bool{}
	lives := map[string]lifetime{} // of what a Keystore's current version holds, by namespace and name
	for i := range stores {
		store := &stores[i]
		living[store.UID] = true
		c.keystore(store, lives)
	}
	for i := range tenants {
		living[tenants[i].UID] = true
		c.tenant(&tenants[i], lives)
	}
	for i := range records {
		// What a record tells of is mostly told by its subject too, but not of what has no schedule.
		if record := &records[i]; record.Status.Outcome == v1alpha1.RotationSucceeded && living[record.Spec.Subject.UID] {
			c.time(LastSuccess, owner{record.Spec.Subject.Kind, record.Namespace, record.Spec.Subject.Name}, record.Spec.Material, record.Status.CompletedAt)
		}
	}
	return c.found
}

func (c *collection) tenant(tenant *v1alpha1.IdentityTenant, lives map[string]lifetime) {
	of := owner{"IdentityTenant", tenant.Namespace, tenant.Name}
	for _, rotation := range tenant.Status.Rotations {
		c.time(NextDue, of, rotation.Material, rotation.NextDue)
		c.time(LastSuccess, of, rotation.Material, rotation.LastRotation)
		late := 0.0
		if rotation.OverdueSince != nil {
			late = 1
		}
		c.add(Overdue, of, rotation.Material, late)
	}
	for _, store := range tenant.Status.Keystores {
		if store.NotAfter == nil {
			continue // a store that only trusts
		}
		material := strings.TrimPrefix(store.Name, tenant.Name+"-")
		c.time(Expiry, of, material, store.NotAfter)
		c.time(Created, of, material, lives[tenant.Namespace+"/"+store.Name].created)
	}
}

// lifetime of what a version holds.
type lifetime struct{ created *metav1.Time }

func (c *collection) keystore(store *v1alpha1.Keystore, lives map[string]lifetime) {
	of := owner{"Keystore", store.Namespace, store.Name}
	rings := map[string]string{} // alias in the store to alias of the entry, of the keys that sign
	turning := map[string]bool{}
	for _, ring := range store.Status.Rings {
		c.time(LastSuccess, of, ring.Alias, ring.Since)
		for _, generation := range []int64{ring.Previous, ring.Current, ring.Next} {
			turning[fmt.Sprintf("%s-%d", ring.Alias, generation)] = true
		}
		rings[fmt.Sprintf("%s-%d", ring.Alias, ring.Current)] = ring.Alias
	}
	var whole lifetime
	for _, version := range store.Status.Versions {
		if version.SecretName != store.Status.SecretName {
			continue
		}
		for _, entry := range version.Entries {
			material, signs := rings[entry.Alias]
			if entry.Trusted || turning[entry.Alias] && !signs {
				continue
			}
			if !signs {
				material = entry.Alias
			}
			c.time(Expiry, of, material, &entry.NotAfter)
			c.time(Created, of, material, &entry.NotBefore)
			if whole.created == nil || entry.NotBefore.Before(whole.created) {
				whole.created = entry.NotBefore.DeepCopy()
			}
		}
	}
	lives[store.Namespace+"/"+store.Name] = whole
}
