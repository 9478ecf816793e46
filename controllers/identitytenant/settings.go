package identitytenant

import (
	"context"
	"maps"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// applySettings compares declared settings with those of the running server, writes
// what differs, and has them read back.
func (p *pass) applySettings(ctx context.Context, want tenant.Spec, seen tenant.Facts) (err error) {
	if !p.haveAccount {
		return fault.Waiting(v1alpha1.ReasonDependencyNotReady, "the operator's account could not be read from Vault")
	}
	admin, err := p.signIn(ctx, want, seen)
	if err != nil {
		return err
	}
	defer closing(admin, &err)
	if err := p.ensureAccounts(ctx, want, seen, admin); err != nil {
		return err
	}
	if err := p.closeFormerAccount(ctx, want, seen, admin); err != nil {
		return err
	}
	var there []string
	if maker, ok := admin.(idp.RealmMaker); ok {
		if there, err = maker.EnsureRealms(ctx, slices.Sorted(maps.Keys(want.Settings()))); err != nil {
			return err
		}
	}
	// The keys come last: with a key that goes, the session may end that it signed.
	return fault.Worse(p.holdRealms(ctx, want, seen, admin, there), p.advanceKeys(ctx, want, seen, admin))
}

// holdRealms holds the declared realms to their settings, then the others. A declared one that is
// missing, or refuses a setting, keeps none of the others from it.
func (p *pass) holdRealms(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin, there []string) error {
	err := p.holdDeclared(ctx, want, admin)
	p.realmsHeld = err == nil
	if err != nil && !idp.IsSettingRefused(err) && fault.Of(err, "").Reason != v1alpha1.ReasonRealmMissing {
		return err
	}
	return fault.Worse(err, p.holdUndeclared(ctx, want, seen, admin, there))
}

// holdDeclared writes the settings that are not as declared.
func (p *pass) holdDeclared(ctx context.Context, want tenant.Spec, admin idp.Admin) error {
	declared := idp.Enforceable(want.Settings(), p.driver.NotEnforceable(want))
	live, err := admin.Observe(ctx, slices.Sorted(maps.Keys(declared)))
	if err != nil {
		return err
	}
	diff := tenant.Compare(declared, live)
	drift := p.drift(diff)
	if len(diff) > 0 {
		if err := admin.Configure(ctx, diff); err != nil {
			p.untold.Store(client.ObjectKeyFromObject(p.cr), drift)
			return err
		}
	}
	p.announceSettings(drift)
	return nil
}

// observeSettings notes what the product cannot enforce, and what was seen of the realms.
func (p *pass) observeSettings(_ context.Context, want tenant.Spec, seen *tenant.Facts) error {
	seen.NotEnforceable = p.driver.NotEnforceable(want)
	seen.Signing = p.signing
	seen.RealmsHeld, seen.Undeclared = p.realmsHeld, p.undeclared
	return nil
}

func (p *pass) access(want tenant.Spec, seen tenant.Facts) idp.Access {
	name := want.ServiceHost()
	access := p.Access
	access.Address = net.JoinHostPort(name, strconv.Itoa(int(p.shape.HTTPSPort)))
	access.ServerName = name
	access.CA = seen.Keystores[tenant.RoleTLS].CertificatePEM
	access.Bootstrap, access.System, access.First = p.accounts.Bootstrap, p.accounts.System, p.accounts.First
	return access
}

// drift is what of a difference was changed by hand: a setting that was right for this very
// generation and is not any more, unless the policy itself changed. What an earlier pass
// found, and could not put back and read back at once, is drift still.
func (p *pass) drift(diff tenant.Diff) tenant.Diff {
	key := client.ObjectKeyFromObject(p.cr)
	var found tenant.Diff
	if earlier, ok := p.untold.LoadAndDelete(key); ok {
		found = earlier.(tenant.Diff)
	}
	if !p.appliedBefore() {
		return found
	}
	declared := tenant.Settings(nil)
	last, known := p.lastGood.Load(key)
	if known {
		declared = last.(tenant.Spec).Settings()
	}
	for _, change := range diff {
		told := slices.ContainsFunc(found, func(c tenant.Change) bool { return c.Realm == change.Realm && c.Setting == change.Setting })
		if !told && (!known || declared[change.Realm][change.Setting] == change.To) {
			found = append(found, change)
		}
	}
	return found
}

// appliedBefore tells whether all settings were as declared for this very generation.
func (p *pass) appliedBefore() bool {
	before := apimeta.FindStatusCondition(p.cr.Status.Conditions, v1alpha1.ConditionSettingsApplied)
	return before != nil && before.Status == "True" && before.ObservedGeneration == p.cr.Generation
}

// announceSettings reports what was changed by hand and put back.
func (p *pass) announceSettings(drift tenant.Diff) {
	for _, change := range drift {
		// Named beside the tenant: events that agree in all but the note are counted as one.
		setting := &corev1.ObjectReference{Kind: "IdentityTenant", Namespace: p.cr.Namespace, Name: p.cr.Name, FieldPath: change.Realm + "/" + string(change.Setting)}
		p.Recorder.Eventf(p.cr, setting, corev1.EventTypeWarning, v1alpha1.EventSettingRestored, "Restore",
			"Realm %s: put back %s from %q to %q", change.Realm, change.Setting, change.From, change.To)
	}
}
