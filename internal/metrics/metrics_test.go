package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers its metrics
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/metrics"
)

// fakeCache answers lists from memory.
type fakeCache struct {
	client.Reader
	tenants []v1alpha1.IdentityTenant
	stores  []v1alpha1.Keystore
	records []v1alpha1.RotationRecord
	vaults  []v1alpha1.VaultConnection
	waivers []v1alpha1.HardeningWaiver
	err     error
}

func (f *fakeCache) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *v1alpha1.IdentityTenantList:
		list.Items = f.tenants
	case *v1alpha1.KeystoreList:
		list.Items = f.stores
	case *v1alpha1.RotationRecordList:
		list.Items = f.records
	case *v1alpha1.HardeningWaiverList:
		list.Items = f.waivers
	case *v1alpha1.VaultConnectionList:
		list.Items = f.vaults
	}
	return f.err
}

func day(number int) metav1.Time {
	return metav1.NewTime(time.Unix(int64(number)*1000, 0))
}

func on(number int) *metav1.Time {
	at := day(number)
	return &at
}

func entry(alias string, from, to int) v1alpha1.KeystoreVersionEntry {
	return v1alpha1.KeystoreVersionEntry{Alias: alias, NotBefore: day(from), NotAfter: day(to)}
}

func record(kind, name, uid, material string, outcome v1alpha1.RotationOutcome, completed int) v1alpha1.RotationRecord {
	return v1alpha1.RotationRecord{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", CreationTimestamp: day(7)}, Spec: v1alpha1.RotationRecordSpec{
		Subject: v1alpha1.RotationSubject{Kind: kind, Name: name, UID: types.UID(uid)}, Material: material,
	}, Status: v1alpha1.RotationRecordStatus{Outcome: outcome, CompletedAt: on(completed)}}
}

func world() *fakeCache {
	trusted := entry("ca-1", 1, 2)
	trusted.Trusted = true
	return &fakeCache{
		tenants: []v1alpha1.IdentityTenant{{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme", UID: "t"}, Status: v1alpha1.IdentityTenantStatus{
			ServingVersion: "7.3.0",
			Hardening:      &v1alpha1.HardeningStatus{Met: 90, Weak: []string{"TLS-04"}, Gaps: []string{"TOK-01", "TOK-02"}},
			Conditions: []metav1.Condition{
				{Type: "Ready", Status: metav1.ConditionTrue}, {Type: "VaultReady", Status: metav1.ConditionUnknown},
				{Type: "UpToDate", Status: metav1.ConditionFalse}, {Type: "Stalled", Status: metav1.ConditionTrue},
			},
			Rotations: []v1alpha1.RotationStatus{
				{Material: "administrator", NextDue: on(50), LastRotation: on(20)},
				{Material: "token-signing", NextDue: on(10), OverdueSince: on(11)},
			},
			Keystores: []v1alpha1.KeystoreInUse{{Name: "acme-tls", NotAfter: on(90)}, {Name: "acme-trust"}},
		}}},
		stores: []v1alpha1.Keystore{
			{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme-tls", UID: "k1"}, Status: v1alpha1.KeystoreStatus{SecretName: "v2", Versions: []v1alpha1.KeystoreVersion{
				{SecretName: "v2", Entries: []v1alpha1.KeystoreVersionEntry{entry("tls", 30, 90), trusted}}, {SecretName: "v1", Entries: []v1alpha1.KeystoreVersionEntry{entry("tls", 1, 31)}},
			}}},
			{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "app", UID: "k2"}, Status: v1alpha1.KeystoreStatus{SecretName: "v1",
				Rings: []v1alpha1.KeystoreRing{{Alias: "signing", Previous: 1, Current: 2, Next: 3, Since: on(8)}},
				Versions: []v1alpha1.KeystoreVersion{{SecretName: "v1", Entries: []v1alpha1.KeystoreVersionEntry{
					entry("signing-1", 1, 71), entry("signing-2", 2, 72), entry("signing-3", 3, 73), entry("signing-9", 4, 74)}}},
			}},
		},
		records: []v1alpha1.RotationRecord{
			record("IdentityTenant", "acme", "t", "system", v1alpha1.RotationSucceeded, 15),
			record("IdentityTenant", "acme", "t", "system", v1alpha1.RotationSucceeded, 14),
			record("IdentityTenant", "acme", "t", "system", v1alpha1.RotationFailed, 16),
			record("IdentityTenant", "acme", "t", "token-signing", "", 0),
			record("IdentityTenant", "acme", "an older life", "system", v1alpha1.RotationSucceeded, 17),
			record("IdentityTenant", "gone", "g", "system", v1alpha1.RotationSucceeded, 18),
		},
		waivers: []v1alpha1.HardeningWaiver{{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "partner"}, Spec: v1alpha1.HardeningWaiverSpec{Expires: "1970-01-02"}}},
		vaults: []v1alpha1.VaultConnection{{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "vault"}, Status: v1alpha1.VaultConnectionStatus{
			Conditions: []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse}}}}},
	}
}

// series writes a registry as name{kind/namespace/name/material} value, with the labels in the order of the reference.
func series(t *testing.T, registry *prometheus.Registry) (lines []string, families []*dto.MetricFamily) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		order := metrics.All()[slices.IndexFunc(metrics.All(), func(one metrics.Metric) bool { return one.Name == family.GetName() })].Labels
		if family.GetName() == metrics.Build.Name {
			continue // its version is of the test's program
		}
		for _, metric := range family.GetMetric() {
			found := make([]string, len(order))
			for _, label := range metric.GetLabel() {
				found[slices.Index(order, label.GetName())] = label.GetValue()
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %g", family.GetName(), strings.Join(found, "/"), metric.GetGauge().GetValue()))
		}
	}
	slices.Sort(lines)
	return lines, families
}

func TestEachMaterialTellsItsTimes(t *testing.T) {
	cache, registry := world(), prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(cache))
	want := []string{
		"holdfast_condition{HardeningWaiver/iam/partner/Stalled} 0",
		"holdfast_condition{IdentityTenant/iam/acme/Ready} 1",
		"holdfast_condition{IdentityTenant/iam/acme/Stalled} 1",
		"holdfast_condition{IdentityTenant/iam/acme/UpToDate} 0",
		"holdfast_condition{IdentityTenant/iam/acme/VaultReady} -1",
		"holdfast_condition{Keystore/iam/acme-tls/Stalled} 0",
		"holdfast_condition{Keystore/iam/app/Stalled} 0",
		"holdfast_condition{VaultConnection/iam/vault/Ready} 0",
		"holdfast_condition{VaultConnection/iam/vault/Stalled} 0",
		"holdfast_material_created_timestamp_seconds{IdentityTenant/iam/acme/tls} 30000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/acme-tls/tls} 30000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/app/signing-9} 4000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/app/signing} 2000",
		"holdfast_material_expiry_timestamp_seconds{IdentityTenant/iam/acme/tls} 90000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/acme-tls/tls} 90000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/app/signing-9} 74000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/app/signing} 72000",
		"holdfast_rotation_last_failure_timestamp_seconds{IdentityTenant/iam/acme/system} 16000",
		"holdfast_rotation_last_success_timestamp_seconds{IdentityTenant/iam/acme/administrator} 20000",
		"holdfast_rotation_last_success_timestamp_seconds{IdentityTenant/iam/acme/system} 15000",
		"holdfast_rotation_last_success_timestamp_seconds{Keystore/iam/app/signing} 8000",
		"holdfast_rotation_next_due_timestamp_seconds{IdentityTenant/iam/acme/administrator} 50000",
		"holdfast_rotation_next_due_timestamp_seconds{IdentityTenant/iam/acme/token-signing} 10000",
		"holdfast_rotation_overdue{IdentityTenant/iam/acme/administrator} 0",
		"holdfast_rotation_overdue{IdentityTenant/iam/acme/token-signing} 1",
		"holdfast_rotation_under_way_since_timestamp_seconds{IdentityTenant/iam/acme/token-signing} 7000",
		"holdfast_tenant_controls{iam/acme/attested} 0",
		"holdfast_tenant_controls{iam/acme/gap} 2",
		"holdfast_tenant_controls{iam/acme/met} 90",
		"holdfast_tenant_controls{iam/acme/unattested} 0",
		"holdfast_tenant_controls{iam/acme/waived} 0",
		"holdfast_tenant_controls{iam/acme/weak} 1",
		"holdfast_tenant_info{iam/acme/7.3.0/Strict} 1",
		"holdfast_waiver_expiry_timestamp_seconds{iam/partner} 172800",
	}
	got, families := series(t, registry)
	if difference := cmp.Diff(want, got); difference != "" {
		t.Error(difference)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	// What is gone has no series, and one that nobody can look at has none that may be wrong.
	cache.tenants, cache.records = nil, nil
	if got, _ = series(t, registry); slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "IdentityTenant") }) {
		t.Errorf("a tenant that is gone is still told: %v", got)
	}
	cache.err = errors.New("the cache is not filled yet")
	if got, families = series(t, registry); len(got) > 0 || len(families) != 1 {
		t.Errorf("told without having looked: %v, %d families", got, len(families))
	}
}

// TestBorrowedMetricsExist looks for them where the manager serves them.
func TestBorrowedMetricsExist(t *testing.T) {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		ctrlmetrics.Registry.(prometheus.Collector).Describe(descriptions)
		close(descriptions)
	}()
	served := ""
	for description := range descriptions {
		served += description.String() + "\n"
	}
	for _, metric := range metrics.Borrowed() {
		_, after, known := strings.Cut(served, fmt.Sprintf("fqName: %q", metric.Name))
		line, _, _ := strings.Cut(after, "\n")
		if want := fmt.Sprintf("variableLabels: {%s}", strings.Join(metric.Labels, ",")); !known || !strings.HasSuffix(line, want+"}") {
			t.Errorf("%s: want %s, the libraries have %q", metric.Name, want, line)
		}
	}
}
