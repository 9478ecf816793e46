// Package metrics tells about rotations in numbers: when each material is due, when it rotated last, when it ends, how old it is,
// and whether it is late. All numbers come from the custom resources at the moment somebody asks, so that what is gone has
// none, and a restart loses none.
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// patience bounds one look into the cache.
const patience = 5 * time.Second

// labels of every metric: whose material it is, and which.
var labels = []string{"kind", "namespace", "name", "material"}

// Metric is one gauge.
type Metric struct {
	Name, Help string
}

// The metrics. Times are seconds since 1970, so that a rule reads time() - METRIC, and a series changes only when what it
// tells does.
var (
	NextDue     = Metric{"holdfast_rotation_next_due_timestamp_seconds", "When the material was due to rotate, or will be next. None: it has no schedule, or that is suspended."}
	LastSuccess = Metric{"holdfast_rotation_last_success_timestamp_seconds", "When the material last came to its present generation. None: it is the first, as far as is known."}
	Expiry      = Metric{"holdfast_material_expiry_timestamp_seconds", "When the first of the material's own certificates ends. None: it has no certificate."}
	Created     = Metric{"holdfast_material_created_timestamp_seconds", "From when the material's oldest own certificate is valid."}
	Overdue     = Metric{"holdfast_rotation_overdue", "1 while a rotation that fell due did not happen in time, else 0."}
)

// All lists the metrics as the reference page does.
func All() []Metric { return []Metric{NextDue, LastSuccess, Expiry, Created, Overdue} }

// Collector reads the custom resources of the whole cluster, which a manager has in its cache.
type Collector struct {
	reader client.Reader
	known  map[Metric]*prometheus.Desc
}

// NewCollector is for a registry. While the reader cannot answer, such as before a cache has filled, there are no
// series.
func NewCollector(reader client.Reader) *Collector {
	c := &Collector{reader: reader, known: map[Metric]*prometheus.Desc{}}
	for _, metric := range All() {
		c.known[metric] = prometheus.NewDesc(metric.Name, metric.Help, labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, description := range c.known {
		out <- description
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var tenants v1alpha1.IdentityTenantList
	var stores v1alpha1.KeystoreList
	var records v1alpha1.RotationRecordList
	for _, list := range []client.ObjectList{&tenants, &stores, &records} {
		if err := c.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return
		}
	}
	for _, sample := range samples(tenants.Items, stores.Items, records.Items) {
		out <- prometheus.MustNewConstMetric(c.known[sample.metric], prometheus.GaugeValue, sample.value, sample.of.kind, sample.of.namespace, sample.of.name, sample.material)
	}
}
