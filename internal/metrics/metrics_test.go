package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/metrics"
)

// fakeCache answers lists from memory.
type fakeCache struct {
	client.Reader
	tenants []v1alpha1.IdentityTenant
	stores  []v1alpha1.Keystore
	records []v1alpha1.RotationRecord
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
	return v1alpha1.RotationRecord{ObjectMeta: metav1.ObjectMeta{Namespace: "iam"}, Spec: v1alpha1.RotationRecordSpec{
		Subject: v1alpha1.RotationSubject{Kind: kind, Name: name, UID: types.UID(uid)}, Material: material,
	}, Status: v1alpha1.RotationRecordStatus{Outcome: outcome, CompletedAt: on(completed)}}
}

func world() *fakeCache {
	trusted := entry("ca-1", 1, 2)
	trusted.Trusted = true
	return &fakeCache{
		tenants: []v1alpha1.IdentityTenant{{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme", UID: "t"}, Status: v1alpha1.IdentityTenantStatus{
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
			record("IdentityTenant", "acme", "an older life", "system", v1alpha1.RotationSucceeded, 17),
			record("IdentityTenant", "gone", "g", "system", v1alpha1.RotationSucceeded, 18),
		},
	}
}

// series writes a registry as name{kind/namespace/name/material} value.
func series(t *testing.T, registry *prometheus.Registry) (lines []string, families []*dto.MetricFamily) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			found := map[string]string{}
			for _, label := range metric.GetLabel() {
				found[label.GetName()] = label.GetValue()
			}
			lines = append(lines, fmt.Sprintf("%s{%s/%s/%s/%s} %g", family.GetName(), found["kind"], found["namespace"], found["name"], found["material"], metric.GetGauge().GetValue()))
		}
	}
	slices.Sort(lines)
	return lines, families
}

func TestEachMaterialTellsItsTimes(t *testing.T) {
	cache, registry := world(), prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.NewCollector(cache))
	want := []string{
		"holdfast_material_created_timestamp_seconds{IdentityTenant/iam/acme/tls} 30000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/acme-tls/tls} 30000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/app/signing-9} 4000",
		"holdfast_material_created_timestamp_seconds{Keystore/iam/app/signing} 2000",
		"holdfast_material_expiry_timestamp_seconds{IdentityTenant/iam/acme/tls} 90000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/acme-tls/tls} 90000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/app/signing-9} 74000",
		"holdfast_material_expiry_timestamp_seconds{Keystore/iam/app/signing} 72000",
		"holdfast_rotation_last_success_timestamp_seconds{IdentityTenant/iam/acme/administrator} 20000",
		"holdfast_rotation_last_success_timestamp_seconds{IdentityTenant/iam/acme/system} 15000",
		"holdfast_rotation_last_success_timestamp_seconds{Keystore/iam/app/signing} 8000",
		"holdfast_rotation_next_due_timestamp_seconds{IdentityTenant/iam/acme/administrator} 50000",
		"holdfast_rotation_next_due_timestamp_seconds{IdentityTenant/iam/acme/token-signing} 10000",
		"holdfast_rotation_overdue{IdentityTenant/iam/acme/administrator} 0",
		"holdfast_rotation_overdue{IdentityTenant/iam/acme/token-signing} 1",
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
	if got, _ = series(t, registry); len(got) > 0 {
		t.Errorf("told without having looked: %v", got)
	}
}

func TestTheReferenceListsEachMetric(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range metrics.All() {
		if row := fmt.Sprintf("| `%s` | %s |", metric.Name, metric.Help); !strings.Contains(string(page), row) {
			t.Errorf("docs/metrics.md lacks the line\n%s", row)
		}
	}
}
