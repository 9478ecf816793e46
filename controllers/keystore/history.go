package keystore

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/apply"
)

// retire puts the labels of former versions back, and removes those beyond the history limit that nothing names any more.
func (p *pass) retire(ctx context.Context) error {
	retired := 0
	var kept []version
	for i := range p.versions {
		v := p.versions[i]
		if v.secret.Name == p.current.secret.Name {
			kept = append(kept, v)
			continue
		}
		if retired++; retired > p.want.historyLimit {
			removed, err := p.removeUnused(ctx, v)
			if err != nil {
				return err
			}
			if removed {
				continue
			}
		}
		if err := p.relabel(ctx, v); err != nil {
			return err
		}
		kept = append(kept, v)
	}
	name := p.current.secret.Name
	p.versions = kept
	p.current = &p.versions[p.indexOf(name)]
	return nil
}

func (p *pass) removeUnused(ctx context.Context, v version) (bool, error) {
	// A cache that shows a use is enough to keep it; one that shows none is not enough to remove it.
	for _, reader := range []client.Reader{p.client, p.Live} {
		used, err := named(ctx, reader, p.want.namespace, v.secret.Name)
		if err != nil || used {
			return false, err
		}
	}
	return true, p.remove(ctx, &metav1.PartialObjectMetadata{ObjectMeta: v.secret})
}

// named reports whether a pod or a ControllerRevision of the namespace, whoever's it is, names a Secret.
func named(ctx context.Context, reader client.Reader, namespace, secret string) (bool, error) {
	var pods corev1.PodList
	if err := reader.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		return false, fmt.Errorf("list pods: %w", err)
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if names, err := apply.Names(pod.Spec, secret); err != nil || names {
			return names, err
		}
	}
	var revisions appsv1.ControllerRevisionList
	if err := reader.List(ctx, &revisions, client.InNamespace(namespace)); err != nil {
		return false, fmt.Errorf("list controller revisions: %w", err)
	}
	return slices.ContainsFunc(revisions.Items, func(revision appsv1.ControllerRevision) bool {
		return bytes.Contains(revision.Data.Raw, []byte(`"`+secret+`"`))
	}), nil
}

// relabel puts back the labels of a former version, by which others find it.
func (p *pass) relabel(ctx context.Context, v version) error {
	object := &metav1.PartialObjectMetadata{ObjectMeta: *v.secret.DeepCopy()}
	object.SetGroupVersionKind(secretKind)
	before, changed := object.DeepCopy(), ""
	for key, value := range p.want.versionLabels(v.generation) {
		if object.Labels[key] == value {
			continue
		}
		if object.Labels == nil {
			object.Labels = map[string]string{}
		}
		object.Labels[key] = value
		changed = max(changed, "metadata.labels."+key)
	}
	if changed == "" {
		return nil
	}
	if err := p.client.Patch(ctx, object, client.MergeFrom(before), client.FieldOwner(FieldManager)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("restore the labels of Secret %s: %w", object.Name, err)
	}
	p.changes = append(p.changes, apply.Change{Verb: apply.Restored, Kind: "Secret", Name: object.Name, Field: changed})
	return nil
}
