package functional

import (
	"context"
	"crypto"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// waitDeadline is for what a small, busy machine does in seconds.
const waitDeadline = 2 * time.Minute

// operated runs the operator for the given namespaces until the test ends.
func operated(t *testing.T, options harness.OperatorOptions, namespaces ...string) *harness.Operator {
	t.Helper()
	if options.GenerateKey == nil {
		options.GenerateKey = spareKeys
	}
	running := operate(t, options, namespaces...)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

// spareKeys gives RSA keys out again and again: making a real one for each store of each
// tenant would be most of what these tests wait for.
func spareKeys(algorithm keystore.Algorithm, size int) (crypto.Signer, error) {
	if algorithm != keystore.RSA {
		return keystore.GenerateKey(algorithm, size)
	}
	spare.Lock()
	defer spare.Unlock()
	if keys := spare.keys[size]; len(keys) < 4 { // more than a tenant has stores with RSA keys
		key, err := keystore.GenerateKey(algorithm, size)
		if err != nil {
			return nil, err
		}
		spare.keys[size] = append(keys, key)
		return key, nil
	}
	spare.turn++
	return spare.keys[size][spare.turn%len(spare.keys[size])], nil
}

var spare = struct {
	sync.Mutex
	keys map[int][]crypto.Signer
	turn int
}{keys: map[int][]crypto.Signer{}}

func windowed(window *harness.Window) harness.OperatorOptions {
	return harness.OperatorOptions{Options: operator.Options{WindowOpen: func(types.NamespacedName) bool { return window.IsOpen() }}}
}

// edit changes a tenant's spec, or a Secret, as a person does.
func edit[O client.Object, E any](t *testing.T, object O, edit func(*E)) {
	t.Helper()
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	before := object.DeepCopyObject().(client.Object)
	switch edited := any(object).(type) {
	case *v1alpha1.IdentityTenant:
		edit(any(&edited.Spec).(*E))
	default:
		edit(edited.(*E))
	}
	if err := world.Admin.Patch(t.Context(), object, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// request asks for a pass by annotation and waits until it was made.
func request(t *testing.T, acme *v1alpha1.IdentityTenant, token string) {
	t.Helper()
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), acme); err != nil {
		t.Fatal(err)
	}
	if err := world.Annotate(t.Context(), acme, map[string]string{v1alpha1.AnnotationReconcile: token}); err != nil {
		t.Fatal(err)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Reconcile == token
	})
}

func await(t *testing.T, acme *v1alpha1.IdentityTenant, asked func(*v1alpha1.IdentityTenant) bool) *v1alpha1.IdentityTenant {
	t.Helper()
	if err := world.Await(t.Context(), acme, waitDeadline, asked); err != nil {
		t.Fatal(err, world.Diagnose(context.WithoutCancel(t.Context()), acme.Namespace))
	}
	return acme
}

// declares tells whether a condition of the present generation has this value and reason.
func declares(acme *v1alpha1.IdentityTenant, conditionType string, value metav1.ConditionStatus, reason string) bool {
	return slices.ContainsFunc(acme.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == conditionType && c.Status == value && c.Reason == reason && c.ObservedGeneration == acme.Generation
	})
}

// awaitHeld waits until a change is held for its window while the given revision serves.
func awaitHeld(t *testing.T, acme *v1alpha1.IdentityTenant, serving string) *v1alpha1.IdentityTenant {
	t.Helper()
	return await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionFalse, v1alpha1.ReasonRolloutScheduled) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRolloutScheduled) &&
			seen.Status.ServingRevision == serving && seen.Status.DesiredRevision != serving
	})
}

func awaitUpToDate(t *testing.T, acme *v1alpha1.IdentityTenant) *v1alpha1.IdentityTenant {
	t.Helper()
	return await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionUpToDate, metav1.ConditionTrue, v1alpha1.ReasonSucceeded) &&
			declares(seen, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}
