package metrics

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// owner is whose material it is.
type owner struct{ kind, namespace, name string }

// sample is one number of one series; labels as its metric has them.
type sample struct {
	metric Metric
	labels []string
	value  float64
}

// collection gathers samples; of a series that two sources know it keeps the later time.
type collection struct {
	at    map[string]int
	found []sample
}

func (c *collection) add(metric Metric, value float64, labels ...string) {
	if i, known := c.at[key(metric, labels)]; known {
		c.found[i].value = max(c.found[i].value, value)
		return
	}
	c.at[key(metric, labels)] = len(c.found)
	c.found = append(c.found, sample{metric, labels, value})
}

// earliest is add, but keeps the earlier time.
func (c *collection) earliest(metric Metric, value float64, labels ...string) {
	if i, known := c.at[key(metric, labels)]; known {
		c.found[i].value = min(c.found[i].value, value)
		return
	}
	c.add(metric, value, labels...)
}

func key(metric Metric, labels []string) string {
	return metric.Name + "\x00" + strings.Join(labels, "\x00")
}

func (c *collection) time(metric Metric, of owner, material string, at *metav1.Time) {
	if at != nil && !at.IsZero() {
		c.add(metric, seconds(at.Time), of.kind, of.namespace, of.name, material)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// samples tells all that the objects know. It is pure.
func samples(seen *world) []sample {
	c := &collection{at: map[string]int{}}
	living := map[types.UID]bool{}
	lives := map[string]lifetime{} // of what a Keystore's current version holds, by namespace and name
	for i := range seen.stores.Items {
		store := &seen.stores.Items[i]
		living[store.UID] = true
		c.keystore(store, lives)
	}
	for i := range seen.tenants.Items {
		living[seen.tenants.Items[i].UID] = true
		c.tenant(&seen.tenants.Items[i], lives)
	}
	for i := range seen.records.Items {
		if record := &seen.records.Items[i]; living[record.Spec.Subject.UID] {
			c.record(record)
		}
	}
	c.policies(seen)
	return c.found
}

// record tells of a rotation; what succeeded is mostly told by its subject too, but not of what has no schedule.
func (c *collection) record(record *v1alpha1.RotationRecord) {
	of := owner{record.Spec.Subject.Kind, record.Namespace, record.Spec.Subject.Name}
	switch record.Status.Outcome {
	case v1alpha1.RotationSucceeded:
		c.time(LastSuccess, of, record.Spec.Material, record.Status.CompletedAt)
	case v1alpha1.RotationFailed:
		c.time(LastFailure, of, record.Spec.Material, record.Status.CompletedAt)
	case "":
		c.earliest(UnderWay, seconds(record.CreationTimestamp.Time), of.kind, of.namespace, of.name, record.Spec.Material)
	}
}

func (c *collection) tenant(tenant *v1alpha1.IdentityTenant, lives map[string]lifetime) {
	of := owner{"IdentityTenant", tenant.Namespace, tenant.Name}
	c.conditions(of, tenant.Status.Conditions)
	c.add(Info, 1, tenant.Namespace, tenant.Name, tenant.Status.ServingVersion, string(profile(tenant)))
	if judged := tenant.Status.Hardening; judged != nil {
		for verdict, count := range map[string]int{
			"met": int(judged.Met), "waived": len(judged.Waived), "weak": len(judged.Weak),
			"attested": len(judged.Attested), "unattested": len(judged.Unattested), "gap": len(judged.Gaps),
		} {
			c.add(Controls, float64(count), tenant.Namespace, tenant.Name, verdict)
		}
	}
	for _, rotation := range tenant.Status.Rotations {
		c.time(NextDue, of, rotation.Material, rotation.NextDue)
		c.time(LastSuccess, of, rotation.Material, rotation.LastRotation)
		late := 0.0
		if rotation.OverdueSince != nil {
			late = 1
		}
		c.add(Overdue, late, of.kind, of.namespace, of.name, rotation.Material)
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
	c.conditions(of, store.Status.Conditions)
	rings := map[string]string{} // alias in the store to alias of the entry, of the keys that sign
	turning := map[string]bool{}
	for _, ring := range store.Status.Rings {
		c.time(LastSuccess, of, ring.Alias, ring.Since)
		for _, generation := range []int64{ring.Previous, ring.Current, ring.Next} {
			turning[keystore.RingAlias(ring.Alias, int(generation))] = true
		}
		rings[keystore.RingAlias(ring.Alias, int(ring.Current))] = ring.Alias
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
