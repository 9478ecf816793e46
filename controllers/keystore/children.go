package keystore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// put applies a child and remembers what changed, for events.
func (p *pass) put(ctx context.Context, object client.Object) error {
	changes, err := p.Applier.Apply(ctx, p.client, v1alpha1.ReasonNameConflict, object)
	p.changes = append(p.changes, changes...)
	if err != nil && fault.Of(err, "").Reason == v1alpha1.ReasonNameConflict {
		return p.perhapsFormer(ctx, object, err)
	}
	return err
}

// perhapsFormer tells the child of a Keystore of the same name, which is deleted and whose children are still being collected,
// from somebody else's object.
func (p *pass) perhapsFormer(ctx context.Context, object client.Object, conflict error) error {
	gvk, err := apiutil.GVKForObject(object, p.client.Scheme())
	if err != nil {
		return err
	}
	live := metadataOf(gvk)
	if err := p.Live.Get(ctx, client.ObjectKeyFromObject(object), live); err != nil {
		if apierrors.IsNotFound(err) {
			return fault.Waiting(v1alpha1.ReasonProgressing, "%s %s was just deleted: it is made anew", gvk.Kind, object.GetName())
		}
		return err
	}
	owner := metav1.GetControllerOf(live)
	if owner != nil && owner.Kind == p.want.owner.Kind && owner.APIVersion == p.want.owner.APIVersion && owner.Name == p.want.name {
		return fault.Waiting(v1alpha1.ReasonProgressing, "%s %s of a former Keystore of this name is still being removed", gvk.Kind, object.GetName())
	}
	return conflict
}

func metadataOf(gvk schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(gvk)
	return object
}

// secretMetadataList is for looking at Secrets without their payloads.
func secretMetadataList() *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	return list
}

var secretKind = corev1.SchemeGroupVersion.WithKind("Secret")

// copyToTarget keeps the copy under a stable name equal to the current version, and removes copies under former names.
func (p *pass) copyToTarget(ctx context.Context) error {
	if err := p.removeFormerTargets(ctx); err != nil || p.want.target == "" {
		return err
	}
	copied := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Secret"},
		ObjectMeta: p.want.object(p.want.target),
		Type:       corev1.SecretTypeOpaque,
		Data:       p.data,
	}
	copied.Labels[labelTarget] = "true"
	if err := p.put(ctx, copied); err != nil {
		return err
	}
	// The payload is not in any cache, and unlike a version's it can be changed by hand.
	var live corev1.Secret
	if err := p.Live.Get(ctx, client.ObjectKeyFromObject(copied), &live); err != nil {
		return fmt.Errorf("read Secret %s: %w", p.want.target, err)
	}
	for _, key := range slices.Sorted(maps.Keys(p.data)) {
		if !bytes.Equal(live.Data[key], p.data[key]) {
			return p.restoreTarget(ctx, &live, key)
		}
	}
	return nil
}

func (p *pass) restoreTarget(ctx context.Context, live *corev1.Secret, field string) error {
	before := live.DeepCopy()
	if live.Data == nil {
		live.Data = map[string][]byte{}
	}
	maps.Copy(live.Data, p.data)
	if err := p.client.Patch(ctx, live, client.MergeFrom(before), client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("restore Secret %s: %w", p.want.target, err)
	}
	p.changes = append(p.changes, apply.Change{Verb: apply.Restored, Kind: "Secret", Name: live.Name, Field: "data." + field})
	return nil
}

func (p *pass) removeFormerTargets(ctx context.Context) error {
	secrets := secretMetadataList()
	labels := client.MatchingLabels{tenant.LabelKeystore: p.want.name, labelTarget: "true"}
	if err := p.client.List(ctx, secrets, client.InNamespace(p.want.namespace), labels); err != nil {
		return fmt.Errorf("list Secrets: %w", err)
	}
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		if owner := metav1.GetControllerOf(secret); owner == nil || owner.UID != p.cr.UID || secret.Name == p.want.target {
			continue
		}
		if err := p.remove(ctx, secret); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes exactly the object that was seen, as it was seen.
func (p *pass) remove(ctx context.Context, seen *metav1.PartialObjectMetadata) error {
	seen.SetGroupVersionKind(secretKind)
	uid, resourceVersion := seen.UID, seen.ResourceVersion
	err := p.client.Delete(ctx, seen, client.Preconditions{UID: &uid, ResourceVersion: &resourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete Secret %s: %w", seen.Name, err)
	}
	p.Applier.Forget(uid)
	p.changes = append(p.changes, apply.Change{Verb: apply.Deleted, Kind: "Secret", Name: seen.Name})
	return nil
}
