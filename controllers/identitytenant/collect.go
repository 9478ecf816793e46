package identitytenant

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// collect removes content-named Secrets of this tenant that nothing names any more: no
// pod, no ControllerRevision and no template, the desired one or the one that is.
func (p *pass) collect(ctx context.Context, want tenant.Spec, wanted ...string) error {
	var secrets metav1.PartialObjectMetadataList
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	if err := p.client.List(ctx, &secrets, client.InNamespace(want.Namespace),
		client.MatchingLabels{tenant.LabelTenant: want.Name, tenant.LabelVersioned: "true"}); err != nil {
		return fmt.Errorf("list versioned Secrets: %w", err)
	}
	candidates := map[string]*metav1.PartialObjectMetadata{}
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		owner := metav1.GetControllerOf(secret)
		if owner == nil || owner.UID != want.Owner.UID || secret.DeletionTimestamp != nil {
			continue
		}
		candidates[secret.Name] = secret
	}
	for _, name := range wanted {
		delete(candidates, name)
	}
	if len(candidates) == 0 {
		return nil
	}
	// A cache that shows a use is enough to keep a Secret; one that shows none is not enough to remove it.
	for _, reader := range []client.Reader{p.client, p.Applier.Live} {
		if err := p.spare(ctx, reader, want, candidates); err != nil || len(candidates) == 0 {
			return err
		}
	}
	for name, secret := range candidates {
		if err := apply.Delete(ctx, p.client, secret); err != nil {
			return err
		}
		p.changes = append(p.changes, apply.Change{Verb: apply.Deleted, Kind: "Secret", Name: name})
	}
	return nil
}

// spare takes from the candidates what a pod, a ControllerRevision or the StatefulSet names,
// and what is no older than the newest revision: another live operator may have made it a
// moment ago, for a template that it is about to write.
func (p *pass) spare(ctx context.Context, reader client.Reader, want tenant.Spec, candidates map[string]*metav1.PartialObjectMetadata) error {
	var pods corev1.PodList
	if err := reader.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels{tenant.LabelInstance: want.Name}); err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	var revisions appsv1.ControllerRevisionList
	if err := reader.List(ctx, &revisions, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return fmt.Errorf("list controller revisions: %w", err)
	}
	set := &appsv1.StatefulSet{}
	if err := reader.Get(ctx, want.Key(), set); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read StatefulSet %s: %w", want.Name, err)
	}
	var mentions bytes.Buffer
	specs := []corev1.PodSpec{set.Spec.Template.Spec}
	for _, pod := range pods.Items {
		specs = append(specs, pod.Spec)
	}
	if err := json.NewEncoder(&mentions).Encode(specs); err != nil {
		return err
	}
	newest := metav1.Time{}
	for _, revision := range revisions.Items {
		mentions.Write(revision.Data.Raw)
		if newest.Before(&revision.CreationTimestamp) {
			newest = revision.CreationTimestamp
		}
	}
	maps.DeleteFunc(candidates, func(name string, secret *metav1.PartialObjectMetadata) bool {
		return !secret.CreationTimestamp.Before(&newest) || bytes.Contains(mentions.Bytes(), []byte(`"`+name+`"`))
	})
	return nil
}

// templateOf reads the pod template that a ControllerRevision keeps.
func templateOf(revision *appsv1.ControllerRevision) (corev1.PodTemplateSpec, error) {
	var kept struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(revision.Data.Raw, &kept); err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("read ControllerRevision %s: %w", revision.Name, err)
	}
	return kept.Spec.Template, nil
}
