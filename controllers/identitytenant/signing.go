package identitytenant

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// lookAgain is how soon a server is asked again for what it does not show yet.
const lookAgain = 5 * time.Second

// After a leak a ring moves twice: its next key, which may be known too, is replaced; once every
// server publishes the fresh one, that signs, and the leaked one is forgotten at once.
const (
	burned  = ".burned"
	dropped = ".dropped"
)

func (p *pass) moveAfterLeak(ctx context.Context, child *v1alpha1.Keystore, decision rotation.Decision, store tenant.Keystore, words string) error {
	if handledBy(child) != words+burned && tokenOf(child.Annotations[v1alpha1.AnnotationRotate]) != words+dropped {
		return p.askStore(ctx, child, fmt.Sprintf("%s%s %s:%s %s", words, burned, store.Alias, rotation.Leaked, "password"))
	}
	p.delivered = append(p.delivered, store.Alias+":"+string(rotation.Leaked)) // it does not wait for a window either
	if !decision.Due {
		return nil // until the fresh key is published
	}
	return p.askStore(ctx, child, fmt.Sprintf("%s%s %s:%s", words, dropped, store.Alias, rotation.Drop))
}

// overlap gathers what a ring's move has to wait for: since when the next key is published by
// the live server, and since when the key before the current one signs nothing any more. What
// was seen once is kept in the status; a status that is lost only has it seen again, later.
func (p *pass) overlap(ctx context.Context, want tenant.Spec, seen tenant.Facts, store tenant.Keystore) *rotation.Ring {
	fact, now := seen.Keystores[store.Role], p.Clock.Now()
	ring := &rotation.Ring{Previous: fact.Ring.Previous != 0}
	ring.Ahead, ring.LongestToken = p.ringWaits(want)
	known := tenant.SigningFact{Ring: *fact.Ring}
	if before := p.cr.Status.TokenSigning; before != nil && before.Current == int64(fact.Ring.Current) {
		known.CurrentSince = timeOf(before.CurrentSince)
		if before.Next == int64(fact.Ring.Next) {
			known.NextSince = timeOf(before.NextPublishedSince)
		}
	}
	// A server that takes keys while it runs is looked at when it was given them.
	if !p.shape.LiveKeys && (known.CurrentSince.IsZero() || known.NextSince.IsZero()) {
		if settled, published := p.published(ctx, want, seen, store, fact); settled {
			known.CurrentSince = firstOf(known.CurrentSince, now)
			if published {
				known.NextSince = firstOf(known.NextSince, now)
			}
		}
		if set, err := p.statefulSet(ctx, want); err == nil && set != nil && !moving(set) && known.NextSince.IsZero() {
			p.wake(now.Add(lookAgain)) // nothing tells when a server that just started answers
		}
	}
	p.signing = &known
	ring.NextPublished, ring.PreviousRetired = p.steady.Since(known.NextSince, now), p.steady.Since(known.CurrentSince, now)
	return ring
}

// ringWaits are for how long the next key is published before it signs, and for how long the
// longest-lived token verifies.
func (p *pass) ringWaits(want tenant.Spec) (ahead, longestToken time.Duration) {
	if p.RingWaits != nil {
		return p.RingWaits.PublishAhead, p.RingWaits.LongestToken
	}
	return want.PublishAhead, p.shape.LongestToken
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func firstOf(known, now time.Time) time.Time {
	if known.IsZero() {
		return now.Truncate(time.Second)
	}
	return known
}

// published tells whether every pod has the store of the ring, and whether the server then
// publishes the next key: pods of one store publish the same.
func (p *pass) published(ctx context.Context, want tenant.Spec, seen tenant.Facts, store tenant.Keystore, fact tenant.KeystoreFact) (settled, published bool) {
	all, err := p.allPodsName(ctx, want, fact.SecretName)
	if err != nil || !all {
		return false, false
	}
	id, err := p.keyID(ctx, want, fact.SecretName, keystore.RingAlias(store.Alias, fact.Ring.Next))
	if err != nil {
		return true, false
	}
	keys, err := p.driver.Keys(want, p.access(want, seen))
	if err != nil {
		return true, false
	}
	defer func() { _ = keys.Close() }()
	live, err := keys.Observe(ctx)
	return true, err == nil && live.Publishes(id)
}

// keyID is how the server names a key of the store.
func (p *pass) keyID(ctx context.Context, want tenant.Spec, secretName, alias string) (string, error) {
	secret := &corev1.Secret{}
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: secretName}, secret); err != nil {
		return "", fmt.Errorf("read Secret %s: %w", secretName, err)
	}
	chain, err := keystore.ParseCertificates(secret.Data[alias+keystore.ChainSuffix])
	if err != nil {
		return "", fmt.Errorf("certificate %s in Secret %s: %w", alias, secretName, err)
	}
	return p.driver.KeyID(chain[0])
}

// allPodsName tells whether the rollout is over, and every pod, also one that is about to end,
// was made with a Secret.
func (p *pass) allPodsName(ctx context.Context, want tenant.Spec, secretName string) (bool, error) {
	set, err := p.statefulSet(ctx, want)
	if err != nil || set == nil || set.Status.ObservedGeneration != set.Generation || set.Status.ReadyReplicas == 0 || set.Status.ReadyReplicas != set.Status.Replicas {
		return false, err
	}
	var pods corev1.PodList
	if err := p.client.List(ctx, &pods, client.InNamespace(want.Namespace), client.MatchingLabels(want.ServerSelector())); err != nil {
		return false, fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		if names, err := apply.Names(pods.Items[i].Spec, secretName); err != nil || !names {
			if !moving(set) { // a cache still shows a pod of before, whose end wakes nobody
				p.wake(p.Clock.Now().Add(pipeline.WaitingRetry))
			}
			return false, err
		}
	}
	return len(pods.Items) > 0, nil
}
