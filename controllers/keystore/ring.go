package keystore

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// gatherRing collects the keys of a ring: the one before, which still verifies, the one that signs, and the one that will.
func (p *pass) gatherRing(ctx context.Context, e entry, m *material) error {
	turn := p.turn(e.alias, true)
	for _, generation := range []int{turn.Previous, turn.Current, turn.Next} {
		if generation == 0 {
			continue
		}
		// The first two come with the ring, also with one that was a single key before.
		known, moved := p.standing.position[e.alias]
		made, err := p.selfSign(ctx, e, generation, !moved || known.Next == 0 && generation == turn.Next)
		if err != nil {
			return err
		}
		made.Alias = keystore.RingAlias(e.alias, generation)
		m.entries = append(m.entries, made)
		m.chains[made.Alias] = made.Chain
	}
	ring := v1alpha1.KeystoreRing{Alias: e.alias, Previous: int64(turn.Previous), Current: int64(turn.Current), Next: int64(turn.Next)}
	if !turn.At.IsZero() {
		ring.Since = &metav1.Time{Time: turn.At}
	}
	m.rings = append(m.rings, ring)
	return nil
}
