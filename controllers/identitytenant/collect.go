package identitytenant

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// collect removes content-named Secrets of this tenant that nothing names any more: no
// pod, no live ControllerRevision, and not the desired template.
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
	mentions, err := p.mentions(ctx, want)
	if err != nil {
		return err
	}
	for name, secret := range candidates {
		if bytes.Contains(mentions, []byte(`"`+name+`"`)) {
			continue
		}
		if err := apply.Delete(ctx, p.client, secret); err != nil {
			return err
		}
		p.changes = append(p.changes, apply.Change{Verb: apply.Deleted, Kind: "Secret", Name: name})
	}
	return nil
}

// mentions gives, as JSON, everything that may still name a Secret: pods and
// ControllerRevisions of the tenant, read live.
func (p *pass) mentions(ctx context.Context, want tenant.Spec) ([]byte, error) {
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels{tenant.LabelInstance: want.Name}); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var revisions appsv1.ControllerRevisionList
	if err := p.client.List(ctx, &revisions, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return nil, fmt.Errorf("list controller revisions: %w", err)
	}
	var text bytes.Buffer
	for _, pod := range pods.Items {
		if err := json.NewEncoder(&text).Encode(pod.Spec); err != nil {
			return nil, err
		}
	}
	for _, revision := range revisions.Items {
		text.Write(revision.Data.Raw)
	}
	return text.Bytes(), nil
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
