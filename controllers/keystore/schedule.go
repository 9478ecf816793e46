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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/fault"
	schedules "github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// rotateWhenDue moves what the schedule makes due, and what would end: all that is made here, in one version. What an issuer
// made it renews itself, and what a tenant owns the tenant decides about.
func (p *pass) rotateWhenDue(ctx context.Context) error {
	if p.want.rollback != "" || metav1.GetControllerOf(p.cr) != nil {
		return nil
	}
	schedule, err := p.schedule(ctx)
	if err != nil {
		return err
	}
	now, turns, why := p.Clock.Now(), map[string]vault.Turn{}, ""
	for _, a := range p.possible() {
		if a.entry.issued != nil {
			continue
		}
		turn := p.turn(a.material, a.entry.ring)
		since := turn.At
		if since.IsZero() {
			since = p.cr.CreationTimestamp.Time
		}
		decision := rotation.Decide(rotation.Material{Name: a.material, Key: p.want.namespace + "/" + p.want.name, Schedule: schedule, Since: since,
			NotAfter: p.selfSignedEnd(a.entry), RenewBefore: min(defaultRenewBefore, a.entry.duration/3)}, now)
		p.nextDue, p.again = earlier(p.nextDue, decision.NextDue), earlier(p.again, decision.Again)
		if !decision.Due {
			continue
		}
		next, err := p.successor(ctx, a, turn.Request)
		if err != nil {
			return err
		}
		next.Run, next.Cause = decision.Token(), string(v1alpha1.CauseSchedule)
		why = "due since " + next.Run
		if next.Run == "" {
			next.Run, next.Cause, why = turn.Run, string(v1alpha1.CauseExpiry), "since the certificate ends"
		}
		turns[a.material] = next
	}
	if len(turns) == 0 {
		return nil
	}
	if err := p.move(ctx, turns); err != nil {
		return err
	}
	p.nextDue = schedule.Next(now, p.want.namespace+"/"+p.want.name) // of new certificates the next pass tells
	p.again = p.nextDue
	publish.Event(p.Recorder, p.cr, corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate",
		"Rotated "+strings.Join(slices.Sorted(maps.Keys(turns)), ", ")+", "+why)
	return nil
}

// selfSignedEnd is when the certificate of an entry ends, as the status has it. The keys of a ring wait for each other: whoever
// uses one alone rotates it.
func (p *pass) selfSignedEnd(e entry) time.Time {
	for _, known := range p.knownEntries(p.cr.Status.SecretName) {
		if e.selfSigned != nil && !e.ring && known.Alias == e.alias {
			return known.NotAfter.Time
		}
	}
	return time.Time{}
}

// schedule reads what rotationRef names; nothing is due by that of nobody.
func (p *pass) schedule(ctx context.Context) (rotation.Schedule, error) {
	if p.want.rotationRef == "" {
		return rotation.Schedule{}, nil
	}
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
