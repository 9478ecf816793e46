package status_test

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/status"
)

// Of two operators the one that looked earlier must not write over what the other saw since: nothing
// would wake either of them to put it right.
func TestAStatusIsNotWrittenOverANewerOne(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	store := &v1alpha1.Keystore{ObjectMeta: metav1.ObjectMeta{Namespace: "iam", Name: "acme-trust"}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(store).WithObjects(store).Build()
	read := func() (before, after *v1alpha1.Keystore) {
		before = &v1alpha1.Keystore{}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(store), before); err != nil {
			t.Fatal(err)
		}
		return before, before.DeepCopy()
	}
	firstBefore, first := read()
	secondBefore, second := read()
	first.Status.CurrentGeneration, second.Status.CurrentGeneration = 2, 1
	if err := status.Write(t.Context(), c, firstBefore, first); err != nil {
		t.Fatal(err)
	}
	if err := status.Write(t.Context(), c, secondBefore, second); !apierrors.IsConflict(err) {
		t.Errorf("an older look was written: %v", err)
	}
	if now, _ := read(); now.Status.CurrentGeneration != 2 {
		t.Errorf("the status has generation %d, want 2", now.Status.CurrentGeneration)
	}
}

// A ring tells since when its key signs as Vault has it, to the nanosecond: JSON keeps seconds, and each
// look would send a write that changes nothing.
func TestWhatJSONDoesNotKeepIsNotWritten(t *testing.T) {
	second := time.Date(2026, 11, 26, 22, 17, 28, 0, time.UTC)
	before := &v1alpha1.Keystore{Status: v1alpha1.KeystoreStatus{Rings: []v1alpha1.KeystoreRing{{Alias: "signing", Since: new(metav1.NewTime(second))}}}}
	after := before.DeepCopy()
	after.Status.Rings[0].Since = new(metav1.NewTime(second.Add(29 * time.Millisecond)))
	c := interceptor.NewClient(fake.NewClientBuilder().Build(), interceptor.Funcs{
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			t.Error("the same status is written again")
			return nil
		},
	})
	if err := status.Write(t.Context(), c, before, after); err != nil {
		t.Fatal(err)
	}
}
