package functional

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// patience of deletions under test.
const patience = 3 * time.Second

// What goes together with a tenant.
const (
	alone          = "alone"
	withConnection = "with its VaultConnection"
	withNamespace  = "with its namespace"
)

// deletion is one case: a tenant, what goes with it, and whether Vault is there.
type deletion struct {
	policy   v1alpha1.DeletionPolicy
	gone     bool
	together string

	world  *harness.World
	ns     string
	tenant *v1alpha1.IdentityTenant
	values map[string]string
	first  identity
	order  func(*testing.T)
}

func (d *deletion) name() string {
	where := "Vault up"
	if d.gone {
		where = "Vault gone"
	}
	return fmt.Sprintf("%s, %s, %s", d.policy, where, d.together)
}

// A deletion never sticks, whatever went before it, and leaves in Vault what its policy
// says. Invariant 12.
func TestADeletionNeverSticks(t *testing.T) {
	t.Parallel()
	cases := prepareDeletions(t)
	for _, d := range cases {
		if d.gone {
			d.world.Vault.Stop()
			break // they share it
		}
	}
	begin := time.Now()
	for _, d := range cases {
		d.order = watchOrder(t, d.tenant)
		d.begin(t)
	}
	for _, d := range cases {
		d.expectGone(t)
	}
	t.Logf("%d deletions ended in %s, with a patience of %s", len(cases), time.Since(begin).Round(100*time.Millisecond), patience)
	for _, d := range cases {
		if d.gone {
			if err := d.world.Vault.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	kept, removed := 0, 0
	for _, d := range cases {
		d.expectValues(t)
		d.expectTold(t)
		if len(valuesIn(t, d.world.Vault, d.ns)) > 0 {
			kept++
		} else {
			removed++
		}
	}
	t.Logf("%d kept their values in Vault, %d had them removed", kept, removed)
	for _, d := range cases {
		if !d.gone && d.policy == v1alpha1.DeletionRetain && d.together == alone {
			d.expectSameKeysAgain(t)
		}
	}
}

// prepareDeletions makes the tenants of all cases Ready under one operator.
func prepareDeletions(t *testing.T) []*deletion {
	t.Helper()
	lost := ownVault(t)
	var cases []*deletion
	var namespaces []string
	for _, gone := range []bool{false, true} {
		for _, policy := range []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionDelete} {
			for _, together := range []string{alone, withConnection, withNamespace} {
				d := &deletion{policy: policy, gone: gone, together: together, world: world}
				if gone {
					d.world = lost
				}
				var err error
				if d.ns, err = d.world.Namespace(t.Context(), "functional-"); err != nil {
					t.Fatal(err)
				}
				cases, namespaces = append(cases, d), append(namespaces, d.ns)
			}
		}
	}
	operated(t, harness.OperatorOptions{Options: operator.Options{DeletionPatience: patience}}, namespaces...)
	for _, d := range cases {
		d.tenant = d.manifest()
		if err := world.Admin.Create(t.Context(), d.tenant); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range cases {
		if err := world.AwaitReady(t.Context(), d.tenant, waitDeadline); err != nil {
			t.Fatal(d.name(), err, world.Diagnose(context.WithoutCancel(t.Context()), d.ns))
		}
		if !slices.Contains(d.tenant.Finalizers, v1alpha1.Finalizer) {
			t.Errorf("%s: Vault holds values, but there is no finalizer: %v", d.name(), d.tenant.Finalizers)
		}
		d.values, d.first = valuesIn(t, d.world.Vault, d.ns), identityOf(t, d.world.Vault, d.tenant)
		if len(d.values) == 0 {
			t.Fatalf("%s: Vault holds nothing", d.name())
		}
	}
	return cases
}

func (d *deletion) manifest() *v1alpha1.IdentityTenant {
	made := harness.NewTenant(d.ns, "acme")
	made.Spec.Replicas, made.Spec.DeletionPolicy = new(int32(1)), d.policy
	return made
}

func (d *deletion) begin(t *testing.T) {
	t.Helper()
	var first []client.Object
	switch d.together {
	case withConnection:
		first = append(first, &v1alpha1.VaultConnection{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "vault"}},
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "holdfast-vault"}}, d.tenant)
	case withNamespace:
		first = append(first, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.ns}})
	default:
		first = append(first, d.tenant)
	}
	for _, object := range first {
		if err := world.Admin.Delete(t.Context(), object); err != nil {
			t.Fatal(d.name(), err)
		}
	}
}

// expectGone waits until nothing of the tenant is left in the cluster.
func (d *deletion) expectGone(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		if d.together == withNamespace {
			namespace := &corev1.Namespace{}
			if err := world.Admin.Get(t.Context(), client.ObjectKey{Name: d.ns}, namespace); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s: the namespace is still there: %v, %v", d.name(), namespace.Status.Conditions, err)
			}
			return nil
		}
		for _, list := range []client.ObjectList{&v1alpha1.IdentityTenantList{}, &v1alpha1.KeystoreList{}, &appsv1.StatefulSetList{}, &corev1.PodList{}, &networkingv1.NetworkPolicyList{}} {
			if err := world.Admin.List(t.Context(), list, client.InNamespace(d.ns)); err != nil {
				return err
			}
			if left, err := apimeta.ExtractList(list); err != nil || len(left) > 0 {
				return fmt.Errorf("%s: %d left of %T: %v", d.name(), len(left), list, err)
			}
		}
		return nil
	})
	d.order(t)
}

func (d *deletion) expectValues(t *testing.T) {
	t.Helper()
	want := d.values
	if d.policy == v1alpha1.DeletionDelete && !d.gone {
		want = map[string]string{}
	}
	if now := valuesIn(t, d.world.Vault, d.ns); !maps.Equal(now, want) {
		t.Errorf("%s: Vault holds %v, want %v", d.name(), now, want)
	}
}

// expectTold wants an event that names what stays. A namespace takes its events with it.
func (d *deletion) expectTold(t *testing.T) {
	t.Helper()
	if d.together == withNamespace || d.policy == v1alpha1.DeletionDelete && !d.gone {
		return
	}
	reason := v1alpha1.EventRetained
	if d.policy == v1alpha1.DeletionDelete {
		reason = v1alpha1.EventReleased
	}
	for kind, tree := range map[string]string{"IdentityTenant": d.ns + "/identitytenant/acme", "Keystore": d.ns + "/keystore/acme-"} {
		if notes := awaitEvents(t, d.ns, kind, reason, 1); !strings.Contains(notes[0], tree) {
			t.Errorf("%s: the event of the %s does not name %s, which stays: %s", d.name(), kind, tree, notes[0])
		}
	}
}

// expectSameKeysAgain makes the tenant anew: it takes up what was kept.
func (d *deletion) expectSameKeysAgain(t *testing.T) {
	t.Helper()
	again := ready(t, d.manifest())
	if again.UID == d.tenant.UID {
		t.Fatal("it is the same tenant")
	}
	second := identityOf(t, d.world.Vault, again)
	if !maps.Equal(second, d.first) {
		t.Errorf("made anew after Retain it has other keys:\n%v\n%v", d.first, second)
	}
	if now := valuesIn(t, d.world.Vault, d.ns); !maps.Equal(now, d.values) {
		t.Errorf("values were made anew: %v, then %v", d.values, now)
	}
	t.Logf("made anew it has the same %d keys and credentials", len(second))
}
