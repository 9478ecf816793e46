package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// keepLeases renews the accounts that Vault made and that pods may hold. It comes right after
// the login, and whether or not a tenant is suspended: an account ends when nobody does it.
func (p *pass) keepLeases(ctx context.Context, want tenant.Spec, seen tenant.Facts) {
	var kept metav1.PartialObjectMetadataList
	kept.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := p.client.List(ctx, &kept, client.InNamespace(want.Namespace), client.MatchingLabels{tenant.LabelTenant: want.Name}, client.HasLabels{tenant.LabelLease})
	if err != nil {
		p.leaseTrouble, p.leaseUnread = fmt.Errorf("list the database accounts: %w", err), true
		return
	}
	for i := range kept.Items {
		owner := metav1.GetControllerOf(&kept.Items[i])
		generation, err := strconv.Atoi(kept.Items[i].Labels[tenant.LabelLease])
		if err != nil || owner == nil || owner.UID != want.Owner.UID || kept.Items[i].Name != want.LeaseName(generation) {
			continue
		}
		if err := p.keepLease(ctx, want, seen, generation); err != nil {
			p.leaseTrouble = err
		}
	}
}

func (p *pass) keepLease(ctx context.Context, want tenant.Spec, seen tenant.Facts, generation int) error {
	l, err := p.leaseOf(ctx, want, generation)
	if err != nil || l == nil || !l.Held() {
		p.leaseUnread = p.leaseUnread || err != nil
		return err
	}
	turn, err := p.turn(ctx, want, seen, materialDatabase)
	if err != nil {
		return err
	}
	if generation > turn.Current { // what no pod ever held ends by itself
		return nil
	}
	keep := p.renewLease
	if at := renewal(want, l.Terms, p.Clock.Now()); at.IsZero() || at.After(p.Clock.Now()) {
		p.wake(at)
		keep = p.checkLease
	}
	if err := keep(ctx, want, l); err != nil {
		return fmt.Errorf("the database account of generation %d is not renewed and ends at %s: %w", generation, l.Terms.Until.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// renewLease prolongs an account, or notes that Vault has ended it.
func (p *pass) renewLease(ctx context.Context, want tenant.Spec, l *lease) error {
	engine, err := p.engineOf()
	if err != nil {
		return err
	}
	now, next := p.Clock.Now(), l.Lease
	granted, err := engine.Renew(ctx, vault.Secret(l.Token), l.ID)
	if err != nil {
		return p.orGone(ctx, l, err)
	}
	if granted.Lease < l.Terms.TTL {
		mount, role := path(l.Terms.Role)
		if read, err := engine.ReadRole(ctx, mount, role); err == nil && granted.Lease < read.DefaultTTL {
			next.Terms.Ends = now.Add(granted.Lease) // it is as old as it may become
		}
	}
	if next.Terms.Ends.Sub(now) > next.Terms.Longest {
		next.Terms.Ends = now.Add(next.Terms.Longest) // a clock went back: nobody knows how old it is, until Vault grants less
	}
	next.Terms.TTL, next.Terms.Until = granted.Lease, now.Add(granted.Lease)
	next.Terms.TokenTTL, next.Terms.TokenUntil = granted.Token, now.Add(granted.Token)
	if err := p.keep(ctx, l, next); err != nil {
		return err
	}
	p.wake(renewal(want, next.Terms, now))
	return nil
}

// checkLease notices that somebody had Vault end an account.
func (p *pass) checkLease(ctx context.Context, _ tenant.Spec, l *lease) error {
	engine, err := p.engineOf()
	if err != nil {
		return err
	}
	return p.orGone(ctx, l, engine.CheckLease(ctx, vault.Secret(l.Token), l.ID))
}

// orGone notes that an account is no more, when that is what the error says.
func (p *pass) orGone(ctx context.Context, l *lease, err error) error {
	if !errors.Is(err, vault.ErrLeaseGone) {
		return err
	}
	p.Recorder.Eventf(p.cr, nil, corev1.EventTypeWarning, v1alpha1.ReasonVaultLeaseGone, "Renew", "Vault ended the database account of generation %d, %s: another one is taken", l.Generation, l.Account.Username)
	return p.over(ctx, l)
}

// path takes a role's name apart.
func path(role string) (mount, name string) {
	cut := strings.LastIndex(role, "/")
	return role[:cut], role[cut+1:]
}

// leasedAccount gives the account that pods are to hold.
func (p *pass) leasedAccount(ctx context.Context, want tenant.Spec, seen tenant.Facts) (*lease, error) {
	turn, err := p.turn(ctx, want, seen, materialDatabase)
	if err != nil {
		return nil, err
	}
	return p.haveLease(ctx, want, seen, turn.Current)
}

// exchange takes another account when somebody asks for it, when another role is declared, and
// before the present one ends. That the position names it is the exchange; the former one is
// good until no pod holds it.
func (p *pass) exchange(ctx context.Context, want tenant.Spec, seen tenant.Facts, request rotation.Request) error {
	from := want.Database.Credentials
	if from.Role == "" {
		return nil
	}
	turn, err := p.turn(ctx, want, seen, materialDatabase)
	if err != nil {
		return err
	}
	current, err := p.leaseOf(ctx, want, turn.Current)
	if err != nil || current == nil || !current.Held() {
		return err // which is not exchanged, but taken anew
	}
	cause, next, err := p.whyExchange(ctx, want, turn, current, request)
	if err != nil || cause == "" {
		return err
	}
	next.Previous, next.Current, next.At = turn.Current, turn.Current+1, p.Clock.Now()
	following, err := p.following(ctx, want, seen, next.Current)
	if err != nil {
		return err
	}
	if err := p.move(ctx, want, seen, materialDatabase, next); err != nil {
		return err
	}
	p.tellTenure(want, following, next.At)
	p.Recorder.Eventf(p.cr, nil, corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate", "Rotated %s from generation %d to %d, %s", materialDatabase, turn.Current, next.Current, cause)
	return nil
}

// whyExchange says why another account is taken now; empty: it is not.
func (p *pass) whyExchange(ctx context.Context, want tenant.Spec, turn vault.Turn, current *lease, request rotation.Request) (string, vault.Turn, error) {
	next := vault.Turn{Request: turn.Request, Run: turn.Run}
	now := p.Clock.Now()
	due, at := tenure(want, current.Terms).Due(now, want.Maintenance)
	if !due && !at.After(now) {
		at = rotation.Hold(now, current.Terms.Ends, want.Maintenance).Until // the window that it waits for
	}
	p.wake(at)
	p.tellTenure(want, current, turn.At)
	verb, named := request.Materials[materialDatabase]
	asked := request.Token != "" && request.Token != turn.Request && (named || len(request.Materials) == 0)
	switch {
	case asked && verb == rotation.Drop:
		return "", next, dropRefused(materialDatabase)
	case asked:
		next.Request, next.Cause = request.Token, causeOf(verb)
		return fmt.Sprintf("as %q asked", request.Token), next, p.noRollout(ctx, want, turn)
	case current.Terms.Role != roleOf(want.Database.Credentials):
		next.Cause = string(v1alpha1.CauseChange)
		return fmt.Sprintf("from the role %s to %s", current.Terms.Role, roleOf(want.Database.Credentials)), next, nil
	case due:
		next.Cause = string(v1alpha1.CauseExpiry)
		return "since its account ends at " + current.Terms.Ends.UTC().Format(time.RFC3339), next, nil
	}
	return "", next, p.stillLasts(ctx, want, current)
}

// noRollout has a request wait until pods hold one account only.
func (p *pass) noRollout(ctx context.Context, want tenant.Spec, turn vault.Turn) error {
	if turn.Previous != 0 {
		return rolloutInFlight(materialDatabase, turn)
	}
	return p.havePods(ctx, want, materialDatabase)
}

// stillLasts refuses a role that was good for the windows that were declared before.
func (p *pass) stillLasts(ctx context.Context, want tenant.Spec, current *lease) error {
	refused := lasts(want, current.Terms)
	if refused == nil {
		return nil
	}
	engine, err := p.engineOf()
	if err != nil {
		return err
	}
	role, err := engine.ReadRole(ctx, want.Database.Credentials.Mount, want.Database.Credentials.Role)
	if err != nil {
		return inField(want.Database.Credentials, err)
	}
	terms := current.Terms
	terms.Longest = role.MaxTTL
	if lasts(want, terms) == nil {
		return nil // the next account will
	}
	return refused
}

// following gives the next account. One that an earlier pass took is taken up when it is of
// the same role and Vault still knows it.
func (p *pass) following(ctx context.Context, want tenant.Spec, seen tenant.Facts, generation int) (*lease, error) {
	found, err := p.leaseOf(ctx, want, generation)
	if err != nil {
		return nil, err
	}
	if found != nil && found.Held() {
		if found.Terms.Role != roleOf(want.Database.Credentials) {
			err = p.over(ctx, found)
		} else {
			err = p.renewLease(ctx, want, found)
		}
		if err != nil {
			return nil, err
		}
	}
	return p.haveLease(ctx, want, seen, generation)
}

// tellTenure notes for the status when an account is exchanged.
func (p *pass) tellTenure(want tenant.Spec, l *lease, moved time.Time) {
	_, at := tenure(want, l.Terms).Due(p.Clock.Now(), want.Maintenance)
	p.rotations[materialDatabase] = tenant.RotationFact{Material: materialDatabase, NextDue: at, Last: moved, Reason: string(rotation.NotDue),
		Message: "the account ends at " + l.Terms.Ends.UTC().Format(time.RFC3339)}
}

// endFormer ends the accounts that no pod holds any more. A crash in between leaves a Secret
// that says so.
func (p *pass) endFormer(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	if len(p.leases) == 0 {
		return nil
	}
	turn, err := p.turn(ctx, want, seen, materialDatabase)
	if err != nil {
		return err
	}
	used := want.Database.Credentials.Role != ""
	var former []*lease
	for _, generation := range slices.Sorted(maps.Keys(p.leases)) {
		l := p.leases[generation]
		ahead := generation > turn.Current && p.Clock.Now().Before(l.Terms.Until)
		if !used || l.Terms.Over || generation != turn.Current && !ahead {
			former = append(former, l)
		}
	}
	if len(former) > 0 || turn.Previous != 0 {
		if only, err := p.onlyThese(ctx, want); err != nil || !only {
			return err
		}
	}
	for _, l := range former {
		if err := p.endLease(ctx, l); err != nil {
			return err
		}
	}
	if turn.Previous == 0 {
		return nil
	}
	turn.Previous = 0
	return p.move(ctx, want, seen, materialDatabase, turn)
}

// onlyThese tells whether every pod, one that is about to end included, holds the credentials
// that were gathered in this pass, and none comes back with others.
func (p *pass) onlyThese(ctx context.Context, want tenant.Spec) (bool, error) {
	set, err := p.statefulSet(ctx, want)
	if err != nil {
		return false, err
	}
	if set != nil && (credentialsOf(want, set) != p.credentials || set.Status.ObservedGeneration != set.Generation || moving(set)) {
		return false, nil
	}
	return p.podsHold(ctx, want)
}

// accountEnds says of pods whose account ends before a window opens that they do not wait for
// it. Empty: they do, or they hold no account that ends.
func (p *pass) accountEnds(want tenant.Spec, held string) string {
	if !strings.HasPrefix(held, leasePrefix) || held == p.databaseAccount || p.leaseUnread {
		return ""
	}
	for _, l := range p.leases {
		if l.mark() != held || !l.Held() {
			continue
		}
		hold, zone := rotation.Hold(p.Clock.Now(), l.Terms.Ends, want.Maintenance), want.Maintenance.Zone()
		if !hold.Expiring {
			p.wake(hold.Until)
			return ""
		}
		return fmt.Sprintf("pods are replaced outside of any window: the database account %s that they hold ends at %s, %s", l.Account.Username, l.Terms.Ends.In(zone).Format(time.RFC3339), hold.Before(zone))
	}
	return "pods are replaced outside of any window: Vault ended the database account that they hold"
}

// endLeases ends what a tenant that is being deleted has of accounts.
func (r *Reconciler) endLeases(ctx context.Context, cr *v1alpha1.IdentityTenant) error {
	c, err := r.Admission.Admit(ctx, cr.Namespace)
	if err != nil {
		return err
	}
	var kept corev1.SecretList
	if err := c.List(ctx, &kept, client.InNamespace(cr.Namespace), client.MatchingLabels{tenant.LabelTenant: cr.Name}, client.HasLabels{tenant.LabelLease}); err != nil {
		return err
	}
	if len(kept.Items) == 0 {
		return nil
	}
	kv, _, err := r.Vaults.LastKV(ctx, cr.Namespace, cr.Spec.VaultRef.Name)
	if err != nil {
		return err
	}
	p := &pass{Reconciler: r, cr: cr, client: c, kv: kv, leases: map[int]*lease{}}
	for i := range kept.Items {
		secret := &kept.Items[i]
		read, err := desired.ReadLease(secret)
		if owner := metav1.GetControllerOf(secret); err != nil || owner == nil || owner.UID != cr.UID {
			continue
		}
		if err := p.endLease(ctx, &lease{read, secret}); err != nil {
			return err
		}
	}
	return nil
}
