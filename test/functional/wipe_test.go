package functional

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// wipeStatus loses what the operator noted on its own objects, as a restore from a backup
// without status does.
func wipeStatus(ctx context.Context, ns string) error {
	var tenants v1alpha1.IdentityTenantList
	if err := world.Admin.List(ctx, &tenants, client.InNamespace(ns)); err != nil {
		return err
	}
	for i := range tenants.Items {
		before := tenants.Items[i].DeepCopy()
		tenants.Items[i].Status = v1alpha1.IdentityTenantStatus{}
		if err := world.Admin.Status().Patch(ctx, &tenants.Items[i], client.MergeFrom(before)); err != nil {
			return err
		}
	}
	var stores v1alpha1.KeystoreList
	if err := world.Admin.List(ctx, &stores, client.InNamespace(ns)); err != nil {
		return err
	}
	for i := range stores.Items {
		before := stores.Items[i].DeepCopy()
		stores.Items[i].Status = v1alpha1.KeystoreStatus{}
		if err := world.Admin.Status().Patch(ctx, &stores.Items[i], client.MergeFrom(before)); err != nil {
			return err
		}
	}
	return nil
}

// TestALostStatusIsOnlyWrittenAgain wipes every status of a settled tenant, under the
// operator's eyes and while it is away. The status comes back as it was, and nothing
// else is written: status is what was seen, never a memory.
func TestALostStatusIsOnlyWrittenAgain(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	sent := &meter{}
	running := operate(t, sent.options(), ns)
	tenant := ready(t, harness.NewTenant(ns, "acme"))
	before := statusAtRest(t, sent, tenant)

	sent.reset()
	if err := wipeStatus(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	onlyStatus(t, "while the operator runs", before, statusAtRest(t, sent, tenant), sent)

	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	sent.reset()
	if err := wipeStatus(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	running = operate(t, sent.options(), ns)
	onlyStatus(t, "while the operator is away", before, statusAtRest(t, sent, tenant), sent)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
}

// statusAtRest waits until every status is whole and the operator came to rest, and gives
// them without times.
func statusAtRest(t *testing.T, sent *meter, tenant *v1alpha1.IdentityTenant) map[string]any {
	t.Helper()
	var stores v1alpha1.KeystoreList
	eventually(t, "every status to be whole", func() bool {
		if err := world.Admin.List(t.Context(), &stores, client.InNamespace(tenant.Namespace)); err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(stores.Items, func(store v1alpha1.Keystore) bool { return store.Status.SecretName == "" })
	})
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Fatal(err)
	}
	awaitProven(t, tenant)
	settle(t, sent)
	if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
		t.Fatal(err)
	}
	if err := world.Admin.List(t.Context(), &stores, client.InNamespace(tenant.Namespace)); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"tenant": tenant.Status.DeepCopy()}
	untimed(all["tenant"].(*v1alpha1.IdentityTenantStatus).Conditions)
	all["tenant"].(*v1alpha1.IdentityTenantStatus).ServedCertificate.Since = metav1.Time{}
	// A ring's waits begin anew: what was not seen since is not counted.
	all["tenant"].(*v1alpha1.IdentityTenantStatus).TokenSigning.CurrentSince = nil
	all["tenant"].(*v1alpha1.IdentityTenantStatus).TokenSigning.NextPublishedSince = nil
	for _, store := range stores.Items {
		status := store.Status.DeepCopy()
		untimed(status.Conditions)
		all[store.Name] = status
	}
	return all
}

// untimed takes away when conditions turned, which is all that a lost status loses.
func untimed(conditions []metav1.Condition) {
	for i := range conditions {
		conditions[i].LastTransitionTime = metav1.Time{}
	}
}

func onlyStatus(t *testing.T, when string, before, after map[string]any, sent *meter) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s: the status that came back differs (-before +after):\n%s", when, diff)
	}
	statuses := 0
	for _, write := range sent.writes() {
		switch {
		case strings.HasSuffix(write, "/status"):
			statuses++
		case !strings.Contains(write, "/events"):
			t.Errorf("%s: the operator wrote more than status: %s", when, write)
		}
	}
	if statuses < len(before) {
		t.Errorf("%s: %d writes of status for %d objects", when, statuses, len(before))
	}
	t.Logf("%s: %d writes of status; with events %s", when, statuses, sent.figures())
}
