package identitytenant

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// advanceKeys gives the keys that sign tokens to the running server of a product that takes
// them so, and looks since when it holds them: no pod mounts their store, and no rollout tells.
func (p *pass) advanceKeys(ctx context.Context, want tenant.Spec, seen tenant.Facts, admin idp.Admin) (err error) {
	fact, usable := seen.Keystores[tenant.RoleSigning]
	if !p.shape.LiveKeys || p.signing == nil || !usable || fact.Ring == nil {
		return nil
	}
	ring, err := p.signingRing(ctx, want, fact)
	if err != nil {
		return err
	}
	keys, err := p.keysOf(want, seen, admin)
	if err != nil {
		return err
	}
	defer func() {
		if failed := keys.Close(); err == nil && failed != nil {
			err = fmt.Errorf("close the connection to the server's keys: %w", failed)
		}
	}()
	advanced, err := keys.Advance(ctx, ring)
	p.noteKeys(ctx, advanced)
	if err != nil {
		return err
	}
	p.wake(advanced.Again)
	return p.lookAtKeys(ctx, keys, ring)
}

func (p *pass) keysOf(want tenant.Spec, seen tenant.Facts, admin idp.Admin) (idp.Keys, error) {
	if holder, ok := admin.(idp.KeysHolder); ok {
		return holder.Keys(want), nil
	}
	return p.driver.Keys(want, p.access(want, seen))
}

// signingRing reads the keys of the ring's version. The store itself is opened only when the
// server lacks a key.
func (p *pass) signingRing(ctx context.Context, want tenant.Spec, fact tenant.KeystoreFact) (idp.Ring, error) {
	secret := &corev1.Secret{}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: fact.SecretName}, secret); err != nil {
		return idp.Ring{}, fmt.Errorf("read Secret %s: %w", fact.SecretName, err)
	}
	opened := sync.OnceValues(func() ([]keystore.Entry, error) {
		return keystore.DecodePKCS12(secret.Data[keystore.FilePKCS12], string(secret.Data["password"]))
	})
	var problem error
	key := func(generation int) idp.SigningKey {
		alias := keystore.RingAlias(string(tenant.RoleSigning), generation)
		chain, err := keystore.ParseCertificates(secret.Data[alias+keystore.ChainSuffix])
		if err != nil {
			problem = fmt.Errorf("certificate %s in Secret %s: %w", alias, secret.Name, err)
			return idp.SigningKey{}
		}
		return idp.SigningKey{Generation: generation, Certificate: chain[0], Private: func() (crypto.Signer, error) {
			entries, err := opened()
			if err != nil {
				return nil, fmt.Errorf("open the store in Secret %s: %w", secret.Name, err)
			}
			for _, entry := range entries {
				if entry.Alias == alias && entry.PrivateKey != nil {
					return entry.PrivateKey, nil
				}
			}
			return nil, fmt.Errorf("the store in Secret %s has no key %s", secret.Name, alias)
		}}
	}
	ring := idp.Ring{Current: key(fact.Ring.Current), Next: key(fact.Ring.Next), Now: p.Clock.Now, Over: func(began time.Time, wait time.Duration) bool {
		now := p.Clock.Now()
		return !p.steady.Since(began, now).Add(wait).After(now)
	}}
	if fact.Ring.Previous != 0 {
		ring.Previous = new(key(fact.Ring.Previous))
	}
	ring.Ahead, ring.LongestToken = p.ringWaits(want)
	return ring, problem
}

// noteKeys tells what was put right. What is written while the server holds the ring since an
// earlier pass was changed by hand, unless it comes with time.
func (p *pass) noteKeys(ctx context.Context, advanced idp.Advanced) {
	rested := !p.signing.CurrentSince.IsZero() && !p.signing.NextSince.IsZero()
	for _, change := range advanced.Changes {
		logf.FromContext(ctx).Info("Changed the keys that sign tokens", "realm", change.Realm, "change", change.What)
		if change.Expected {
			continue
		}
		// What clients can rely on begins anew.
		p.signing.CurrentSince, p.signing.NextSince = time.Time{}, time.Time{}
		known := slices.ContainsFunc(p.cr.Status.Realms, func(realm v1alpha1.RealmStatus) bool { return realm.Name == change.Realm })
		if rested && known { // a realm that is new has been given its keys
			realm := &corev1.ObjectReference{Kind: "IdentityTenant", Namespace: p.cr.Namespace, Name: p.cr.Name, FieldPath: change.Realm + "/keys"}
			p.Recorder.Eventf(p.cr, realm, corev1.EventTypeWarning, v1alpha1.EventSettingRestored, "Restore", "Realm %s: put back its keys: %s", change.Realm, change.What)
		}
	}
}

// lookAtKeys looks, once for each ring, whether clients are told of its keys and what signs.
func (p *pass) lookAtKeys(ctx context.Context, keys idp.Keys, ring idp.Ring) error {
	if !p.signing.CurrentSince.IsZero() && !p.signing.NextSince.IsZero() {
		return nil
	}
	current, err := p.driver.KeyID(ring.Current.Certificate)
	if err != nil {
		return err
	}
	next, err := p.driver.KeyID(ring.Next.Certificate)
	if err != nil {
		return err
	}
	live, err := keys.Observe(ctx)
	if err != nil {
		return err
	}
	now := p.Clock.Now()
	if live.Signing == current {
		p.signing.CurrentSince = firstOf(p.signing.CurrentSince, now)
	}
	if live.Publishes(next) {
		p.signing.NextSince = firstOf(p.signing.NextSince, now)
	}
	p.wake(now.Add(lookAgain)) // whatever waits for it decides in the next pass
	return nil
}
