package status_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

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
