// Package identitytenant makes an IdentityTenant true: resolve, steps, status once.
package identitytenant

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/waking"
	"github.com/holdfast-iam/holdfast/internal/access"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/hardening"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/tracing"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// Admission gives a client for a namespace that let the operator in, or a Waiting fault.
type Admission interface {
	Admit(ctx context.Context, namespace string) (client.Client, error)
	Close(namespace string)
}

// Vaults opens the Vault behind a VaultConnection of a namespace.
type Vaults interface {
	KV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error)
	// LastKV is KV for cleaning up: a login in memory serves when the connection is gone.
	LastKV(ctx context.Context, namespace, name string) (vault.KV, v1alpha1.VaultKV, error)
}

// Reconciler makes IdentityTenants true. All fields but the last group are required.
type Reconciler struct {
	// Own reads this API group's kinds from the manager's cache and writes their status.
	Own       client.Client
	Admission Admission
	Vaults    Vaults
	Applier   *apply.Applier
	Drivers   map[tenant.Product]idp.Driver
	Recorder  events.EventRecorder
	Clock     clock.PassiveClock

	// Options of the operator, the same for each tenant but for the window.
	Options resolve.Options
	// WindowOpen says, in the place of maintenance windows and of all that does not wait for
	// them, whether a tenant's pods may be replaced now. Nil: those say.
	WindowOpen func(types.NamespacedName) bool
	// Access is the template for reaching servers: its dialler and transport.
	Access idp.Access
	// DeletionPatience is how long a deletion waits for pods to end and for a Vault that
	// does not answer. Zero: two minutes.
	DeletionPatience time.Duration
	// Resync is how often what cannot be watched is looked at although all is well. Zero:
	// pipeline.Resync.
	Resync time.Duration

	// RingWaits are for tests, in the place of what tenants and their products say. Nil: those say.
	RingWaits *RingWaits

	// Progress is how long a status may be withheld that only shows how far a first
	// installation has come. Zero: 30 seconds; negative: not at all.
	Progress time.Duration

	Cluster  access.Cluster
	steady   rotation.Steady
	lastGood sync.Map // types.NamespacedName to tenant.Spec
	judged   sync.Map // types.NamespacedName to judgement
	untold   sync.Map // types.NamespacedName to tenant.Diff: drift that was found and could not be put back at once
	foreign  sync.Map // types.NamespacedName to *undeclaredRealms
	proofs   sync.Map // proven to the digest of the key
	refusals sync.Map // types.NamespacedName of the record of a refusal to the time.Time at which it was met first
	begun    sync.Map // UID of a database account's Secret to the time.Time at which it was first seen without the account
	stale    waking.Stale
	turns    sync.Mutex
	lastTurn time.Time // when a progress was last written that might have waited
	written  sync.Map  // types.NamespacedName to the time.Time of the last status of a first installation
}

// begun is when the process began, by a clock that nobody sets.
var begun = time.Now()

// RingWaits are what a ring of signing keys waits for before it moves.
type RingWaits struct{ PublishAhead, LongestToken time.Duration }

// Reconcile is one pass over one tenant.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	cr := &v1alpha1.IdentityTenant{}
	if err := r.Own.Get(ctx, request.NamespacedName, cr); err != nil {
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.forget(ctx, request.NamespacedName)
		}
		return ctrl.Result{}, fmt.Errorf("read the tenant: %w", err)
	}
	if again, stale := r.stale.Read(cr); stale {
		return again, nil
	}
	if cr.DeletionTimestamp != nil {
		return r.finalize(ctx, cr)
	}
	r.steady.Look(r.Clock.Now(), time.Since(begun))
	report, pass := r.run(ctx, cr)
	tracing.Found(ctx, report.Worst())
	withheld, err := r.publish(ctx, cr, report, pass.changes)
	if err != nil {
		return waking.Late(err)
	}
	result, err := report.Result()
	if !pass.wakeAt.IsZero() && err == nil {
		result.RequeueAfter = min(result.RequeueAfter, max(pass.wakeAt.Sub(r.Clock.Now()), time.Second))
	}
	if withheld > 0 && err == nil {
		result.RequeueAfter = min(result.RequeueAfter, withheld)
	}
	if r.Resync > 0 && result.RequeueAfter > r.Resync {
		result.RequeueAfter = r.Resync
	}
	return result, err
}

// run resolves the tenant and performs its steps. When the wish cannot be resolved the
// last one that could be goes on being enforced, and the report says why.
func (r *Reconciler) run(ctx context.Context, cr *v1alpha1.IdentityTenant) (pipeline.Report, *pass) {
	empty := &pass{}
	key := client.ObjectKeyFromObject(cr)
	c, err := r.Admission.Admit(ctx, cr.Namespace)
	if err != nil {
		return pipeline.Rejected(err), empty
	}
	want, judged, rejected := r.resolve(ctx, c, cr)
	if rejected != nil {
		last, ok := r.lastGood.Load(key)
		if !ok || last.(tenant.Spec).Owner.UID != cr.UID {
			report := pipeline.Rejected(rejected)
			report.Seen.Hardening = judged
			return report, empty
		}
		want, rejected = last.(tenant.Spec), stillHolds(rejected)
	}
	want.WindowOpen = r.windowOpen(want)
	p := r.newPass(cr, c, want)
	report := tracing.Run(ctx, want, p.steps())
	p.followRotations(ctx, &report)
	blameVault(&report)
	report.Rejected, report.Seen.Hardening = rejected, judged
	if judged != nil {
		p.wake(judged.Next)
		if rejected == nil && len(judged.Migrations) > 0 { // all but that is rolled out
			report.Rejected = fault.Terminal(v1alpha1.ReasonNeedsMigration, "%s", judged.Migrations[0].Message)
		}
	}
	if rejected == nil {
		r.lastGood.Store(key, want)
	}
	r.closeWhenForbidden(ctx, cr.Namespace, report)
	return report, p
}

// stillHolds says of a reference that was there before that what it said goes on holding.
func stillHolds(rejected error) error {
	f := fault.Of(rejected, v1alpha1.ReasonError)
	if f.Kind != fault.KindWaiting || f.Reason != v1alpha1.ReasonNotFound {
		return rejected
	}
	return fault.Waiting(v1alpha1.ReasonReferenceMissing, "%s. What it said last goes on holding", f.Message)
}

func (r *Reconciler) resolve(ctx context.Context, c client.Client, cr *v1alpha1.IdentityTenant) (tenant.Spec, *tenant.HardeningFact, error) {
	refs, err := resolve.Gather(ctx, c, cr)
	if err != nil {
		return tenant.Spec{}, nil, err
	}
	want, err := resolve.Tenant(cr, refs, r.Options)
	if err != nil {
		return tenant.Spec{}, nil, err
	}
	want.Installed = installedOf(cr)
	driver := r.Drivers[want.Product]
	if driver == nil {
		return tenant.Spec{}, nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "spec.product: this operator has no driver for %s", want.Product)
	}
	if last, ok := r.lastGood.Load(want.Key()); !ok || !sameSchedules(last.(tenant.Spec), want) {
		if err := resolve.Feasible(want, driver.Shape(want).LongestToken); err != nil {
			return want, nil, err
		}
	}
	verdicts, err := r.judge(driver, want)
	if err != nil {
		return want, nil, err
	}
	judged := hardening.Assess(verdicts, want, r.Clock.Now())
	return want, &judged, strongEnough(cr, judged)
}

// judgement is what was found about a wish.
type judgement struct {
	want     tenant.Spec
	verdicts []hardening.Verdict
}

// judge renders and judges a wish once, not in each pass: only time makes an unchanged one
// weaker, when a waiver ends.
func (r *Reconciler) judge(driver idp.Driver, want tenant.Spec) ([]hardening.Verdict, error) {
	if known, ok := r.judged.Load(want.Key()); ok && reflect.DeepEqual(known.(judgement).want, want) {
		return known.(judgement).verdicts, nil
	}
	verdicts, err := hardening.Tenant(driver, want)
	if err == nil {
		r.judged.Store(want.Key(), judgement{want, verdicts})
	}
	return verdicts, err
}

// strongEnough refuses what is weaker than the profile, before anything of it is made. A
// waiver that expired ends nothing that serves.
func strongEnough(cr *v1alpha1.IdentityTenant, judged tenant.HardeningFact) error {
	if len(judged.Weak) > 0 {
		all := make([]string, len(judged.Weak))
		for i, one := range judged.Weak {
			all[i] = one.Message
		}
		return fault.Terminal(v1alpha1.ReasonHardeningWeak, "%s", strings.Join(all, ". "))
	}
	if len(judged.Lapsed) > 0 && cr.Status.ServingRevision == "" {
		return fault.Terminal(v1alpha1.ReasonWaiverExpired, "%s is weaker than the profile, and HardeningWaiver %s has expired: make it stronger, or have the waiver prolonged", judged.Lapsed[0].Control, judged.Lapsed[0].Waiver)
	}
	return nil
}

// sameSchedules spares looking through a year of windows in each pass.
func sameSchedules(a, b tenant.Spec) bool {
	return a.Product == b.Product && reflect.DeepEqual(a.Rotations, b.Rotations) && reflect.DeepEqual(a.Maintenance, b.Maintenance)
}

// closeWhenForbidden looks again at who may read a namespace once a right is missing
// there: the RoleBinding may be gone.
func (r *Reconciler) closeWhenForbidden(ctx context.Context, namespace string, report pipeline.Report) {
	for _, outcome := range report.Outcomes {
		if apierrors.IsForbidden(outcome.Err) {
			logf.FromContext(ctx).Info("A right is missing in the namespace, its watches are closed until it is admitted again", "reason", outcome.Err.Error())
			r.Admission.Close(namespace)
			return
		}
	}
}

// forget drops what is kept in memory of a tenant that is gone, and the namespace's
// watches when nothing of ours is left in it.
func (r *Reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	r.lastGood.Delete(key)
	r.judged.Delete(key)
	r.untold.Delete(key)
	r.foreign.Delete(key)
	r.written.Delete(key)
	r.stale.Forget(key)
	var tenants v1alpha1.IdentityTenantList
	var stores v1alpha1.KeystoreList
	if err := r.Own.List(ctx, &tenants, client.InNamespace(key.Namespace), client.Limit(1)); err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	if err := r.Own.List(ctx, &stores, client.InNamespace(key.Namespace), client.Limit(1)); err != nil {
		return fmt.Errorf("list keystores: %w", err)
	}
	if len(tenants.Items) == 0 && len(stores.Items) == 0 {
		r.Admission.Close(key.Namespace)
	}
	return nil
}
