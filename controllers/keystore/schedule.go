package keystore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/fault"
	schedules "github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// rotateWhenDue moves what the schedule makes due: all that is made here, in one version. What an issuer made it renews itself.
func (p *pass) rotateWhenDue(ctx context.Context) error {
	if p.want.rotationRef == "" || p.want.rollback != "" {
		return nil
	}
	schedule, err := p.schedule(ctx)
	if err != nil {
		return err
	}
	now, turns, run := p.Clock.Now(), map[string]vault.Turn{}, ""
	for _, a := range p.possible() {
		if a.entry.issued != nil {
			continue
		}
		turn := p.turn(a.material, a.entry.ring)
		since := turn.At
		if since.IsZero() {
			since = p.cr.CreationTimestamp.Time
		}
		decision := rotation.Decide(rotation.Material{Name: a.material, Key: p.want.namespace + "/" + p.want.name, Schedule: schedule, Since: since}, now)
		p.nextDue, p.again = earlier(p.nextDue, decision.NextDue), earlier(p.again, decision.Again)
		if !decision.Due {
			continue
		}
		next, err := p.successor(ctx, a, turn.Request)
		if err != nil {
			return err
		}
		run = decision.Token()
		next.Run, next.Cause = run, string(v1alpha1.CauseSchedule)
		turns[a.material] = next
	}
	if len(turns) == 0 {
		return nil
	}
	if err := p.move(ctx, turns); err != nil {
		return err
	}
	p.nextDue = schedule.Next(now, p.want.namespace+"/"+p.want.name)
	p.again = p.nextDue
	publish.Event(p.Recorder, p.cr, corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate",
		"Rotated "+strings.Join(slices.Sorted(maps.Keys(turns)), ", ")+", due since "+run)
	return nil
}

func (p *pass) schedule(ctx context.Context) (rotation.Schedule, error) {
	var named v1alpha1.RotationSchedule
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.want.namespace, Name: p.want.rotationRef}, &named)
	if apierrors.IsNotFound(err) {
		return rotation.Schedule{}, fault.Waiting(v1alpha1.ReasonNotFound, "spec.rotationRef: RotationSchedule %s does not exist: create it, or correct the name", p.want.rotationRef)
	}
	if err != nil {
		return rotation.Schedule{}, fmt.Errorf("spec.rotationRef: read RotationSchedule %s: %w", p.want.rotationRef, err)
	}
	schedule, err := schedules.Schedule(&named)
	if err != nil {
		return schedule, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.rotationRef: RotationSchedule %s is not valid: %s", p.want.rotationRef, fault.Of(err, "").Message)
	}
	return schedule, nil
}

// earlier is the first of two times that is one.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
