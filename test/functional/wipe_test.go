package functional

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	ns := namespace(t)
	var cluster, vault harness.Counter
	options := harness.OperatorOptions{WrapAPI: cluster.Wrap}
	options.WrapVault = vault.Wrap
	running := operate(t, options, ns)
	tenant := ready(t, harness.NewTenant(ns, "acme"))
	before := settledStatus(t, &cluster, tenant)

	cluster.Reset()
	vault.Reset()
	if err := wipeStatus(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	wantSame(t, "while the operator runs", before, settledStatus(t, &cluster, tenant), &cluster, &vault)

	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	cluster.Reset()
	vault.Reset()
	if err := wipeStatus(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	running = operate(t, options, ns)
	wantSame(t, "while the operator is away", before, settledStatus(t, &cluster, tenant), &cluster, &vault)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
}

// settledStatus waits until every status is whole and nothing was written for a while, and
// gives them without times.
func settledStatus(t *testing.T, cluster *harness.Counter, tenant *v1alpha1.IdentityTenant) map[string]any {
	t.Helper()
	var stores v1alpha1.KeystoreList
	deadline, quiet, count := time.Now().Add(readyDeadline), 0, -1
	for quiet < 12 { // three seconds
		if time.Now().After(deadline) {
			t.Fatal("the statuses were not whole again in time: ", harness.Describe(tenant))
		}
		time.Sleep(pollEvery)
		if err := world.AwaitReady(t.Context(), tenant, readyDeadline); err != nil {
			t.Fatal(err)
		}
		if err := world.Admin.List(t.Context(), &stores, client.InNamespace(tenant.Namespace)); err != nil {
			t.Fatal(err)
		}
		quiet++
		for _, store := range stores.Items {
			if store.Status.SecretName == "" {
				quiet = 0
			}
		}
		if now := len(cluster.Writes()); now != count {
			count, quiet = now, 0
		}
	}
	all := map[string]any{"tenant": withoutTimes(tenant.Status.DeepCopy())}
	for _, store := range stores.Items {
		status := store.Status.DeepCopy()
		for i := range status.Conditions {
			status.Conditions[i].LastTransitionTime.Reset()
		}
		all[store.Name] = status
	}
	return all
}

func withoutTimes(status *v1alpha1.IdentityTenantStatus) *v1alpha1.IdentityTenantStatus {
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime.Reset()
	}
	return status
}

func wantSame(t *testing.T, when string, before, after map[string]any, cluster, vault *harness.Counter) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s: the status that came back differs (-before +after):\n%s", when, diff)
	}
	statuses := 0
	for _, write := range cluster.Writes() {
		switch {
		case strings.HasSuffix(write, "/status"):
			statuses++
		case !strings.Contains(write, "/events"):
			t.Errorf("%s: the operator wrote more than status: %s", when, write)
		}
	}
	for _, write := range vault.Writes() {
		t.Errorf("%s: the operator wrote to Vault: %s", when, write)
	}
	t.Logf("%s: %d writes of status, no other", when, statuses)
}
