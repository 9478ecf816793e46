package apply

import (
	"context"
	"fmt"
	"slices"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Prune deletes objects of the given kinds that owner controls and that keep does not
// name. Objects that are named by their content are left alone: they go only when
// nothing names them any more. Each delete carries the UID that was seen.
func (a *Applier) Prune(ctx context.Context, c client.Client, owner types.UID, namespace string, keep []client.Object, kinds ...client.ObjectList) ([]Change, error) {
	var changes []Change
	for _, list := range kinds {
		// Only looked at, so that a pass costs no copy of every tenant's children.
		if err := c.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{tenant.LabelManagedBy: tenant.ManagedBy}, client.UnsafeDisableDeepCopy); err != nil {
			return changes, fmt.Errorf("list %T: %w", list, err)
		}
		items, err := apimeta.ExtractList(list)
		if err != nil {
			return changes, err
		}
		for _, item := range items {
			object := item.(client.Object)
			gvk, err := apiutil.GVKForObject(object, c.Scheme())
			if err != nil {
				return changes, err
			}
			controller := metav1.GetControllerOfNoCopy(object)
			versioned := object.GetLabels()[tenant.LabelVersioned] != ""
			if controller == nil || controller.UID != owner || versioned || object.GetDeletionTimestamp() != nil || wanted(c, keep, gvk.Kind, object.GetName()) {
				continue
			}
			if err := Delete(ctx, c, object); err != nil {
				return changes, err
			}
			a.Forget(object.GetUID())
			changes = append(changes, Change{Verb: Deleted, Kind: gvk.Kind, Name: object.GetName()})
		}
	}
	return changes, nil
}

// Delete removes exactly the object that was seen, in the background.
func Delete(ctx context.Context, c client.Client, object client.Object) error {
	uid := object.GetUID()
	err := c.Delete(ctx, object, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %T %s/%s: %w", object, object.GetNamespace(), object.GetName(), err)
	}
	return nil
}

func wanted(c client.Client, keep []client.Object, kind, name string) bool {
	return slices.ContainsFunc(keep, func(object client.Object) bool {
		gvk, err := apiutil.GVKForObject(object, c.Scheme())
		return err == nil && gvk.Kind == kind && object.GetName() == name
	})
}

func sortedKeys(content map[string]any) []string {
	keys := make([]string, 0, len(content))
	for key := range content {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
