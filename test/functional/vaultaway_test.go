package functional

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// forcedPasses is how often a tenant is looked at while Vault is sealed.
const forcedPasses = 10

// A Vault that is away is told apart by why, costs nothing that serves, and is noticed
// when it is back. A change of the spec waits for it and is not called done.
func TestAVaultThatIsAwayTakesNothingAway(t *testing.T) {
	t.Parallel()
	own := ownVault(t)
	ns, err := own.Namespace(t.Context(), "functional-")
	if err != nil {
		t.Fatal(err)
	}
	var api, vault harness.Counter
	operated(t, harness.OperatorOptions{WrapAPI: api.Wrap, Options: operator.Options{WrapVault: vault.Wrap}}, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	before := contents(t, acme)
	lost := watchReady(t, acme)

	// At once after a pass that found all well, and in the middle of another one.
	if err := own.Vault.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "sealed")
	awaitAway(t, acme, v1alpha1.ReasonVaultSealed)
	api.Reset()
	vault.Reset()
	for i := range forcedPasses {
		request(t, acme, fmt.Sprint("still-sealed-", i))
	}
	asked := expectFewRequests(t, &api, &vault)
	if now := contents(t, acme); !maps.Equal(now, before) {
		t.Errorf("what stands was changed while Vault was sealed: %v, then %v", before, now)
	}
	if err := own.Vault.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitBack(t, acme) // by itself

	restore := forbid(t, own.Vault)
	request(t, acme, "forbidden")
	awaitAway(t, acme, v1alpha1.ReasonVaultForbidden)
	restore()
	request(t, acme, "allowed")
	awaitBack(t, acme)

	own.Vault.Stop()
	request(t, acme, "unreachable")
	awaitAway(t, acme, v1alpha1.ReasonVaultUnreachable)
	if reasons := lost(); len(reasons) > 0 {
		t.Errorf("Ready was lost although what serves needs no Vault: %v", reasons)
	}
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.Resources = &v1alpha1.Resources{CPU: "1"} })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		current := apimeta.FindStatusCondition(seen.Status.Conditions, v1alpha1.ConditionReady)
		return current.ObservedGeneration == seen.Generation && current.Status == metav1.ConditionFalse
	})
	request(t, acme, "still-not-done")
	if apimeta.IsStatusConditionTrue(acme.Status.Conditions, v1alpha1.ConditionReady) {
		t.Errorf("a change that waits for Vault is called Ready: %s", harness.Describe(acme))
	}
	if err := own.Vault.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "restarted")
	awaitUpToDate(t, acme)
	t.Logf("sealed, forbidden and unreachable were told apart; %d objects stood as they were; %d passes over a sealed Vault cost %d requests to it",
		len(before), forcedPasses, asked)
}

// ownVault is the world with another Vault, for tests that take it away.
func ownVault(t *testing.T) *harness.World {
	t.Helper()
	own := *world
	own.Vault = world.Environment.Vault(t)
	return &own
}

func awaitAway(t *testing.T, acme *v1alpha1.IdentityTenant, reason string) {
	t.Helper()
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionVaultReady, metav1.ConditionFalse, reason) &&
			apimeta.IsStatusConditionTrue(seen.Status.Conditions, v1alpha1.ConditionReady)
	})
}

func awaitBack(t *testing.T, acme *v1alpha1.IdentityTenant) {
	t.Helper()
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionVaultReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}

// forbid takes the tenants' rights away, as an administrator of Vault does by mistake, and
// returns what gives them back.
func forbid(t *testing.T, vault *localenv.Vault) func() {
	t.Helper()
	rules, err := vault.Root().Sys().GetPolicyWithContext(t.Context(), localenv.TenantRole)
	if err != nil {
		t.Fatal(err)
	}
	write := func(rules string) {
		if err := vault.WritePolicy(t.Context(), localenv.TenantRole, rules); err != nil {
			t.Fatal(err)
		}
	}
	write(`path "elsewhere/*" { capabilities = ["read"] }`)
	return func() { write(rules) }
}

// expectFewRequests bounds what the forced passes cost: an echo of each request in the
// status, and a question or two to Vault.
func expectFewRequests(t *testing.T, api, vault *harness.Counter) int {
	t.Helper()
	writes := slices.DeleteFunc(api.Writes(), func(request string) bool {
		return strings.Contains(request, "/identitytenants/acme/status") || strings.HasSuffix(request, "/events") || strings.Contains(request, "/events/")
	})
	if len(writes) > 0 {
		t.Errorf("a pass over a sealed Vault writes: %v", writes)
	}
	asked := vault.Requests()
	if len(asked) > 4*forcedPasses {
		t.Errorf("%d passes over a sealed Vault sent it %d requests: %v", forcedPasses, len(asked), asked)
	}
	for _, request := range vault.Writes() {
		t.Errorf("a sealed Vault was written to: %s", request)
	}
	return len(asked)
}

// contents are the versions of the Secrets and pods of a tenant.
func contents(t *testing.T, acme *v1alpha1.IdentityTenant) map[string]string {
	t.Helper()
	found := map[string]string{}
	var secrets corev1.SecretList
	if err := world.Admin.List(t.Context(), &secrets, client.InNamespace(acme.Namespace)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		found["Secret "+secret.Name] = secret.ResourceVersion
	}
	for uid, revision := range podsOf(t, acme) {
		found["pod "+string(uid)] = revision
	}
	return found
}

// watchReady notes each reason for which Ready is lost from now on.
func watchReady(t *testing.T, acme *v1alpha1.IdentityTenant) func() []string {
	t.Helper()
	watching, err := world.Admin.Watch(t.Context(), &v1alpha1.IdentityTenantList{}, client.InNamespace(acme.Namespace))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watching.Stop)
	var mu sync.Mutex
	var reasons []string
	go func() {
		for event := range watching.ResultChan() {
			seen, ok := event.Object.(*v1alpha1.IdentityTenant)
			if !ok {
				continue
			}
			if !apimeta.IsStatusConditionTrue(seen.Status.Conditions, v1alpha1.ConditionReady) {
				mu.Lock()
				reasons = append(reasons, harness.Describe(seen))
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(reasons)
	}
}
