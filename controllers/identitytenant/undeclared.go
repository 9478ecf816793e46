package identitytenant

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// undeclaredPerPass is how many realms that nobody declares one pass reads: of WSO2 each takes
// eight requests (docs/adr/0020).
const undeclaredPerPass = 50

// holdUndeclared looks at realms that the server has and nobody declares, and holds them to the
// default where that is wanted. One that cannot be read or written keeps no other from it. there
// are all realms, nil where nobody asked for them yet.
func (p *pass) holdUndeclared(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin, there []string) error {
	key := client.ObjectKeyFromObject(p.cr)
	if want.Undeclared.Mode == tenant.UndeclaredIgnore {
		p.foreign.Delete(key)
		return nil
	}
	if there == nil {
		var err error
		if there, err = admin.Realms(ctx); err != nil {
			return err
		}
	}
	remembered, _ := p.foreign.Load(key)
	known, _ := remembered.(*undeclaredRealms)
	known = known.of(want, p.undeclaredWanted(want))
	p.foreign.Store(key, known)
	known.found(undeclaredAmong(there, want.Realms), p.heldBefore)
	for _, realm := range known.next(undeclaredPerPass) {
		err := p.holdOne(ctx, known, realm, admin)
		if f := fault.Of(err, v1alpha1.ReasonError); ctx.Err() != nil || err != nil && f.Reason == v1alpha1.ReasonServerUnreachable {
			return err
		}
		known.judge(realm, err, seen.ServingRevision == seen.DesiredRevision)
	}
	p.undeclared = known.fact()
	return p.undeclaredVerdict(known)
}

// undeclaredWanted is what the product can enforce of the default.
func (p *pass) undeclaredWanted(want tenant.Spec) tenant.RealmSettings {
	want.Realms = []tenant.Realm{{Settings: want.Undeclared.Settings}}
	return idp.Enforceable(want.Settings(), p.driver.NotEnforceable(want))[""]
}

func undeclaredAmong(there []string, declared []tenant.Realm) []string {
	return slices.DeleteFunc(slices.Clone(there), func(name string) bool {
		return slices.ContainsFunc(declared, func(realm tenant.Realm) bool { return realm.Name == name })
	})
}

// heldBefore tells whether status says of a realm that it held what is wanted now: what differs
// then was changed by hand, whoever saw to it before this process began.
func (p *pass) heldBefore(name string) bool {
	return p.cr.Status.ObservedGeneration == p.cr.Generation && slices.ContainsFunc(p.cr.Status.Realms, func(realm v1alpha1.RealmStatus) bool {
		return !realm.Declared && realm.Name == name && realm.Outcome == v1alpha1.RealmHeld
	})
}

// holdOne reads one realm, and writes what differs where that is wanted.
func (p *pass) holdOne(ctx context.Context, known *undeclaredRealms, realm *undeclaredRealm, admin idp.Admin) error {
	name := realm.fact.Name
	live, err := admin.Observe(ctx, []string{name})
	if err != nil {
		return err
	}
	diff := tenant.Compare(tenant.Settings{name: known.wanted}, live)
	if known.mode == tenant.UndeclaredReport {
		realm.fact.Differences, realm.held = diff, nil
		return nil
	}
	drift, fresh := realm.split(diff)
	realm.drift = drift
	if len(diff) > 0 {
		if err := admin.Configure(ctx, diff); err != nil {
			return err
		}
	}
	realm.held, realm.drift = known.wanted, nil
	p.announceSettings(drift)
	p.announceHardened(name, fresh)
	return nil
}

// announceHardened tells that a realm of somebody else's was brought to the default.
func (p *pass) announceHardened(name string, changes tenant.Diff) {
	if len(changes) == 0 {
		return
	}
	realm := &corev1.ObjectReference{Kind: "IdentityTenant", Namespace: p.cr.Namespace, Name: p.cr.Name, FieldPath: idp.Bounded(name)}
	p.Recorder.Eventf(p.cr, realm, corev1.EventTypeNormal, v1alpha1.EventRealmHardened, "Harden",
		"Realm %s, which nobody declares: brought %d settings to the default, %s", idp.Bounded(name), len(changes), someSettings(changes))
}

// someSettings names the first of several.
func someSettings(changes tenant.Diff) string {
	const most = 5
	return strings.Join(idp.Some(changes, most, func(change tenant.Change) string { return string(change.Setting) }), ", ")
}

// undeclaredVerdict is why not all of them hold what is wanted. Many of them take several passes:
// what was said of the tenant before stays meanwhile.
func (p *pass) undeclaredVerdict(known *undeclaredRealms) error {
	if err := known.worst(); err != nil {
		return err
	}
	pending := known.pending()
	if pending == 0 {
		return nil
	}
	p.wake(p.Clock.Now().Add(pipeline.WaitingRetry))
	if p.appliedBefore() {
		return nil
	}
	return fault.Waiting(v1alpha1.ReasonProgressing, "%d of %d realms that nobody declares are still to be looked at", pending, len(known.realms))
}
