package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// materialDatabase is the account that pods sign in to the database with, as the rotate
// annotation and the position name it.
const materialDatabase = "database"

// leasePrefix begins the mark of an account that ends, before its role and its user name.
const leasePrefix = "lease "

// lease is an account that Vault made, and the Secret that keeps it.
type lease struct {
	desired.Lease
	secret *corev1.Secret
}

func (l *lease) mark() string { return leasePrefix + l.Terms.Role + " " + l.Account.Username }

// roleOf names the role that makes accounts.
func roleOf(from tenant.Credentials) string { return from.Mount + "/" + from.Role }

// leaseOf gives a generation of the account as its Secret has it; nil: there is none.
func (p *pass) leaseOf(ctx context.Context, want tenant.Spec, generation int) (*lease, error) {
	if known, ok := p.leases[generation]; ok {
		return known, nil
	}
	secret := &corev1.Secret{}
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: want.LeaseName(generation)}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", want.LeaseName(generation), err)
	}
	if owner := metav1.GetControllerOf(secret); owner == nil || owner.UID != want.Owner.UID {
		return nil, fault.Terminal(v1alpha1.ReasonNameConflict, "Secret %s/%s exists and belongs to someone else: delete or rename it, or rename this IdentityTenant", secret.Namespace, secret.Name)
	}
	read, err := desired.ReadLease(secret)
	if err != nil {
		return nil, err
	}
	p.leases[generation] = &lease{read, secret}
	return p.leases[generation], nil
}

// haveLease gives a generation of the account, and takes it when there is none that may be
// used: one that Vault ended, or whose taking was not brought to its end, is cleared away.
func (p *pass) haveLease(ctx context.Context, want tenant.Spec, seen tenant.Facts, generation int) (*lease, error) {
	found, err := p.leaseOf(ctx, want, generation)
	if err != nil {
		return nil, err
	}
	if found != nil && found.Held() {
		p.begun.Delete(found.secret.UID)
		return found, nil
	}
	if found != nil {
		if wait := p.inHand(found); wait > 0 {
			return nil, fault.Waiting(v1alpha1.ReasonProgressing, "Secret %s waits for the account of the database that was asked for", found.secret.Name).After(wait)
		}
		if err := p.endLease(ctx, found); err != nil {
			return nil, err
		}
	}
	return p.takeLease(ctx, want, seen, generation)
}

// handTime is how long somebody else may take to bring to its end what he began: longer than
// a request to Vault takes.
const handTime = 12 * time.Second

// inHand tells for how long a lease that was begun is left to whoever began it, by a clock
// that nobody sets. A token that is revoked while an account is being made with it would
// leave the account behind.
func (p *pass) inHand(l *lease) time.Duration {
	if l.Terms.Over {
		return 0
	}
	first, _ := p.begun.LoadOrStore(l.secret.UID, time.Now())
	return handTime - time.Since(first.(time.Time))
}

// takeLease has Vault make an account. The token comes first and is kept: a life that ends in
// between leaves nothing that its Secret could not revoke. Of two managers one makes the
// Secret, and the other revokes what it has.
func (p *pass) takeLease(ctx context.Context, want tenant.Spec, seen tenant.Facts, generation int) (*lease, error) {
	from := want.Database.Credentials
	engine, err := p.engineOf()
	if err != nil {
		return nil, err
	}
	role, err := engine.ReadRole(ctx, from.Mount, from.Role)
	if err != nil {
		return nil, inField(from, err)
	}
	now := p.Clock.Now()
	terms := desired.LeaseTerms{Role: roleOf(from), Longest: role.MaxTTL, Ends: now.Add(role.MaxTTL)}
	if err := p.refuse(ctx, want, lasts(want, terms)); err != nil {
		return nil, err
	}
	if err := p.addFinalizer(ctx); err != nil {
		return nil, err
	}
	token, err := engine.NewToken(ctx, from.TokenRole, owner(want, seen).String())
	if err != nil {
		return nil, inField(from, err)
	}
	terms.TokenTTL, terms.TokenUntil = token.TTL, now.Add(token.TTL)
	made := &lease{Lease: desired.Lease{Generation: generation, Token: string(token.Value), Terms: terms}}
	if made.secret, err = desired.LeaseSecret(want, made.Lease); err != nil {
		return nil, err
	}
	if err := p.client.Create(ctx, made.secret, client.FieldOwner(tenant.FieldManager)); err != nil {
		if apierrors.IsAlreadyExists(err) {
			err = fault.Waiting(v1alpha1.ReasonProgressing, "Secret %s was made by somebody else meanwhile: it is looked at again", made.secret.Name).After(time.Second)
		}
		err = errors.Join(err, engine.Revoke(ctx, token.Value))
		return nil, fmt.Errorf("keep the token of a database account: %w", err)
	}
	account, err := engine.Take(ctx, token.Value, from.Mount, from.Role)
	if err != nil {
		return nil, errors.Join(inField(from, err), p.endLease(ctx, made))
	}
	next := made.Lease
	next.Account, next.ID = idp.UsernamePassword{Username: account.Username, Password: string(account.Password)}, account.ID
	next.Terms.TTL, next.Terms.Until = account.TTL, now.Add(account.TTL)
	if err := p.keep(ctx, made, next); err != nil {
		return nil, err
	}
	p.leases[generation] = made
	return made, nil
}

func inField(from tenant.Credentials, err error) error { return fmt.Errorf("%s: %w", from.Field, err) }

// lasts refuses accounts that would end before pods could go on to the next one.
func lasts(want tenant.Spec, terms desired.LeaseTerms) error {
	return tenure(want, terms).Lasts(want.Database.Credentials.Field+".role", terms.Role, want.Maintenance, v1alpha1.ReasonInvalidSpec)
}

// refuse takes a role's fault as a reason to begin nothing. Pods that run need an account all
// the same: for them it is told, and windows are not waited for.
func (p *pass) refuse(ctx context.Context, want tenant.Spec, refused error) error {
	if refused == nil {
		return nil
	}
	set, err := p.statefulSet(ctx, want)
	if err != nil || set == nil {
		return errors.Join(err, refused)
	}
	p.leaseTrouble = refused
	return nil
}

func tenure(want tenant.Spec, terms desired.LeaseTerms) rotation.Tenure {
	return rotation.Tenure{Key: want.Key().String(), Ends: terms.Ends, Longest: terms.Longest}
}

// keep writes a lease over the one that was read. Whoever comes too late changes nothing.
func (p *pass) keep(ctx context.Context, l *lease, next desired.Lease) error {
	data, err := desired.LeaseData(next)
	if err != nil {
		return err
	}
	before := l.secret.DeepCopy()
	l.secret.Data = data
	err = p.client.Patch(ctx, l.secret, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(tenant.FieldManager))
	if err != nil {
		l.secret = before
		return fmt.Errorf("note what became of the database account: %w", err)
	}
	l.Lease = next
	return nil
}

// endLease has Vault end an account and all else that its token made, then forgets it. That
// it is over is noted first, so that whoever else holds it in hand does not come to use it.
func (p *pass) endLease(ctx context.Context, l *lease) error {
	engine, err := p.engineOf()
	if err != nil {
		return err
	}
	if err := p.over(ctx, l); err != nil {
		return err
	}
	if err := engine.Revoke(ctx, vault.Secret(l.Token)); err != nil {
		return err
	}
	delete(p.leases, l.Generation)
	p.begun.Delete(l.secret.UID)
	return apply.Delete(ctx, p.client, l.secret)
}

func (p *pass) over(ctx context.Context, l *lease) error {
	if l.Terms.Over {
		return nil
	}
	next := l.Lease
	next.Terms.Over = true
	return p.keep(ctx, l, next)
}

// renewal is when a lease is renewed: with a half or more of its time left, at another time
// for each tenant. Zero: its end is near, and no renewal puts it off.
func renewal(want tenant.Spec, terms desired.LeaseTerms, now time.Time) (at time.Time) {
	for _, part := range []struct {
		until time.Time
		ttl   time.Duration
	}{{terms.Until, terms.TTL}, {terms.TokenUntil, terms.TokenTTL}} {
		if !part.until.Before(terms.Ends) {
			continue
		}
		early := part.until.Add(-rotation.Early(want.Key().String(), part.ttl))
		if part.until.Sub(now) > part.ttl {
			early = now // a clock went back: nobody knows how long it has
		}
		if at.IsZero() || early.Before(at) {
			at = early
		}
	}
	return at
}
