package identitytenant

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/status"
)

// defaultProgress spares most writes of a first installation, which comes on by a step
// each second or so, and is still soon enough for whoever looks on.
const defaultProgress = 30 * time.Second

// progressEvery is how often the operator writes any tenant's progress.
const progressEvery = 5 * time.Second

// publish writes the status, when it changed, and then tells what was done. A status that
// may wait is withheld for the time that is returned.
func (r *Reconciler) publish(ctx context.Context, cr *v1alpha1.IdentityTenant, report pipeline.Report, changes []apply.Change) (withheld time.Duration, err error) {
	before := cr.DeepCopy()
	cr.Status = status.Tenant(cr, report, r.Clock.Now())
	if equality.Semantic.DeepEqual(before.Status, cr.Status) {
		r.announce(before, cr, changes)
		return 0, nil
	}
	if withheld = r.withhold(before, cr); withheld == 0 {
		if err := status.Write(ctx, r.Own, before, cr); err != nil {
			r.announce(before, before, changes)
			return 0, err
		}
		r.stale.Wrote(before, cr)
		r.note(cr)
	}
	r.announce(before, cr, changes)
	return withheld, nil
}

// withhold tells for how long the status of a first installation still waits: until its own
// time has come, and until the operator may write one more of this kind.
func (r *Reconciler) withhold(before, after *v1alpha1.IdentityTenant) time.Duration {
	written, ok := r.written.Load(client.ObjectKeyFromObject(after))
	if !ok || r.progress() == 0 || !status.MayWait(before.Status, after.Status) {
		return 0
	}
	now := r.Clock.Now()
	if early := r.progress() - now.Sub(written.(time.Time)); early > 0 {
		return early
	}
	return r.turn(now)
}

// turn keeps a hundred installations at once from writing a hundred times as much progress.
func (r *Reconciler) turn(now time.Time) time.Duration {
	r.turns.Lock()
	defer r.turns.Unlock()
	if early := progressEvery - now.Sub(r.lastTurn); early > 0 {
		return max(early, r.progress()/2)
	}
	r.lastTurn = now
	return 0
}

// note remembers when the status of a first installation was written.
func (r *Reconciler) note(cr *v1alpha1.IdentityTenant) {
	key := client.ObjectKeyFromObject(cr)
	if cr.Status.ServingRevision != "" {
		r.written.Delete(key)
		return
	}
	r.written.Store(key, r.Clock.Now())
}

func (r *Reconciler) progress() time.Duration {
	if r.Progress == 0 {
		return defaultProgress
	}
	return max(0, r.Progress)
}
