package functional

import (
	"maps"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/vault"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// A value of another cluster is not taken over until a person agrees.
func TestAnotherClustersValuesNeedConsent(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{Options: operator.Options{DeletionPatience: patience}}, ns)
	manifest := func() *v1alpha1.IdentityTenant {
		made := harness.NewTenant(ns, "acme")
		made.Spec.Replicas = new(int32(1))
		return made
	}
	acme := ready(t, manifest())
	first := identityOf(t, world.Vault, acme)
	if err := world.Admin.Delete(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	(&deletion{ns: ns, together: alone, order: func(*testing.T) {}}).expectGone(t)
	marked := markOfAnotherCluster(t, ns)
	strange := valuesIn(t, world.Vault, ns)

	again := manifest()
	if err := world.Admin.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	await(t, again, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonOwnedByOther)
	})
	if text := harness.Describe(again); !strings.Contains(text, "other-cluster/"+ns) || !strings.Contains(text, v1alpha1.AnnotationAdopt) {
		t.Errorf("it does not say whose it is and how to take it over: %s", text)
	}
	if now := valuesIn(t, world.Vault, ns); !maps.Equal(now, strange) {
		t.Errorf("values of another owner were touched: %v, then %v", strange, now)
	}
	if err := world.Annotate(t.Context(), again, map[string]string{v1alpha1.AnnotationAdopt: "agreed"}); err != nil {
		t.Fatal(err)
	}
	awaitUpToDate(t, again)
	if second := identityOf(t, world.Vault, again); !maps.Equal(first, second) {
		t.Errorf("adopted it has other keys:\n%v\n%v", first, second)
	}
	await(t, again, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Adopt == "agreed"
	})
	t.Logf("%d values of another cluster stalled the tenant, and were taken over when a person agreed", marked)
}

// markOfAnotherCluster gives every value of a namespace to another cluster.
func markOfAnotherCluster(t *testing.T, ns string) int {
	t.Helper()
	kv := world.Vault.Root().KVv2(localenv.TenantKVMount)
	values := valuesIn(t, world.Vault, ns)
	for path := range values {
		value, err := kv.Get(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(value.Data[vault.OwnerField].(string), "/")
		value.Data[vault.OwnerField] = "other-cluster/" + rest
		if _, err := kv.Put(t.Context(), path, value.Data); err != nil {
			t.Fatal(err)
		}
	}
	return len(values)
}
