package keystore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
)

// pin makes a former version the current one. Nothing else is made or removed meanwhile, so that the way back stays open.
func (p *pass) pin(ctx context.Context) error {
	generation, err := strconv.ParseInt(p.want.rollback, 10, 64)
	if err != nil || generation < 1 {
		return fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: write the generation of a version, such as 2: see status.versions", v1alpha1.AnnotationRollback)
	}
	if p.versions, err = p.findVersions(ctx, p.Live); err != nil {
		return err
	}
	at := slices.IndexFunc(p.versions, func(v version) bool { return v.generation == generation })
	if at < 0 {
		return fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: version %d does not exist, or not any more: name one of status.versions, or remove the annotation", v1alpha1.AnnotationRollback, generation)
	}
	pinned := &p.versions[at]
	var secret corev1.Secret
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: pinned.secret.Name}, &secret); err != nil {
		return fmt.Errorf("read Secret %s of version %d: %w", pinned.secret.Name, generation, err)
	}
	if pinned.entries == nil {
		if pinned.entries, err = p.readVersion(ctx, pinned.secret.Name); err != nil {
			return err
		}
	}
	if err := json.Unmarshal([]byte(pinned.secret.Annotations[annotationRings]), &p.rings); err != nil {
		p.rings = nil // it has none
	}
	p.current, p.data = pinned, secret.Data
	return p.copyToTarget(ctx)
}
