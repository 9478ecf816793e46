// Package metrics tells in numbers how tenants are: what their conditions say, when each material is due, when it rotated last,
// when it ends, how old it is, and whether it is late. All numbers come from the custom resources at the moment somebody asks,
// so that what is gone has none, and a restart loses none.
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/version"
)

// patience bounds one look into the cache.
const patience = 5 * time.Second

// Metric is one family of series.
type Metric struct {
	Name, Type, Unit, Help string
	Labels                 []string
}

// Whose material it is, and which.
var ofMaterial = []string{"kind", "namespace", "name", "material"}

// The metrics. Times are seconds since 1970, so that a rule reads time() - METRIC, and a series changes only when what it
// tells does.
var (
	Build = gauge("holdfast_build_info", "", []string{"version"},
		"Always 1. Tells the version of the manager, (devel) when it was built from a working copy.")
	Condition = gauge("holdfast_condition", "", []string{"kind", "namespace", "name", "condition"},
		"What a condition of the object says: 1 True, 0 False, -1 Unknown. Stalled is told as 0 while the object has none.")
	Info = gauge("holdfast_tenant_info", "", []string{"namespace", "name", "version", "profile"},
		"Always 1. Tells of a tenant which version of its product serves, empty before the first, and its hardening profile.")
	Controls = gauge("holdfast_tenant_controls", "", []string{"namespace", "name", "verdict"},
		"How many controls of the tenant's profile are met, waived, weak, attested, unattested, or a gap, which the product cannot do.")
	WaiverExpiry = gauge("holdfast_waiver_expiry_timestamp_seconds", "seconds", []string{"namespace", "name"},
		"When a HardeningWaiver ends.")
	NextDue = gauge("holdfast_rotation_next_due_timestamp_seconds", "seconds", ofMaterial,
		"When the material was due to rotate, or will be next. None: it has no schedule, or that is suspended.")
	LastSuccess = gauge("holdfast_rotation_last_success_timestamp_seconds", "seconds", ofMaterial,
		"When the material last came to its present generation. None: it is the first, as far as is known.")
	LastFailure = gauge("holdfast_rotation_last_failure_timestamp_seconds", "seconds", ofMaterial,
		"When a rotation of the material last ended as Failed. None: none has, as far as RotationRecords are kept.")
	UnderWay = gauge("holdfast_rotation_under_way_since_timestamp_seconds", "seconds", ofMaterial,
		"When the oldest rotation of the material that has not ended was started. None: none is under way.")
	Expiry = gauge("holdfast_material_expiry_timestamp_seconds", "seconds", ofMaterial,
		"When the first of the material's own certificates ends. None: it has no certificate.")
	Created = gauge("holdfast_material_created_timestamp_seconds", "seconds", ofMaterial,
		"From when the material's oldest own certificate is valid.")
	Overdue = gauge("holdfast_rotation_overdue", "", ofMaterial,
		"1 while a rotation that fell due did not happen in time, else 0.")
)

func gauge(name, unit string, labels []string, help string) Metric {
	return Metric{Name: name, Type: "gauge", Unit: unit, Labels: labels, Help: help}
}

// All lists the metrics as the reference page does.
func All() []Metric {
	return []Metric{Build, Condition, Info, Controls, WaiverExpiry, NextDue, LastSuccess, LastFailure, UnderWay, Expiry, Created, Overdue}
}

// Borrowed lists those of the libraries' metrics that rules and the dashboard read.
func Borrowed() []Metric {
	controller := []string{"controller"}
	return []Metric{
		{"controller_runtime_reconcile_total", "counter", "", "Passes over an object, by how they ended: success, error, requeue or requeue_after.", []string{"controller", "result"}},
		{"controller_runtime_reconcile_errors_total", "counter", "", "Passes that ended with an error, and are tried again with back-off.", controller},
		{"controller_runtime_reconcile_panics_total", "counter", "", "Passes that crashed. One is a mistake in the operator.", controller},
		{"controller_runtime_reconcile_time_seconds", "histogram", "seconds", "How long a pass took.", controller},
		{"workqueue_depth", "gauge", "", "Objects that wait for a pass.", []string{"name", "controller", "priority"}},
		{"workqueue_longest_running_processor_seconds", "gauge", "seconds", "How long the longest pass that has not ended takes so far.", []string{"name", "controller"}},
		{"leader_election_master_status", "gauge", "", "1 at the active manager, 0 at the others.", []string{"name"}},
		{"rest_client_requests_total", "counter", "", "Requests to the API server.", []string{"code", "method", "host"}},
	}
}

// Collector reads the custom resources of the whole cluster, which a manager has in its cache.
type Collector struct {
	reader client.Reader
	known  map[string]*prometheus.Desc
}

// NewCollector is for a registry. While the reader cannot answer, such as before a cache has filled, there are no
// series but the one of the build.
func NewCollector(reader client.Reader) *Collector {
	c := &Collector{reader: reader, known: map[string]*prometheus.Desc{}}
	for _, metric := range All() {
		c.known[metric.Name] = prometheus.NewDesc(metric.Name, metric.Help, metric.Labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, description := range c.known {
		out <- description
	}
}

// world is all that the numbers come from.
type world struct {
	tenants     v1alpha1.IdentityTenantList
	stores      v1alpha1.KeystoreList
	records     v1alpha1.RotationRecordList
	schedules   v1alpha1.RotationScheduleList
	passwords   v1alpha1.PasswordPolicyList
	logs        v1alpha1.LogPolicyList
	connections v1alpha1.VaultConnectionList
	waivers     v1alpha1.HardeningWaiverList
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out <- prometheus.MustNewConstMetric(c.known[Build.Name], prometheus.GaugeValue, 1, version.Of())
	var seen world
	for _, list := range []client.ObjectList{&seen.tenants, &seen.stores, &seen.records, &seen.schedules, &seen.passwords, &seen.logs, &seen.connections, &seen.waivers} {
		if err := c.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return
		}
	}
	for _, sample := range samples(&seen) {
		out <- prometheus.MustNewConstMetric(c.known[sample.metric.Name], prometheus.GaugeValue, sample.value, sample.labels...)
	}
}
