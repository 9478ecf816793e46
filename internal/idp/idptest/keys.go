package idptest

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

func (b *bench) keys() idp.Keys {
	b.Helper()
	keys, err := b.subject.Driver.Keys(spec(b.server.Realms, nil), b.server.Access)
	if err != nil {
		b.Fatalf("Keys: %v", err)
	}
	b.Cleanup(func() { _ = keys.Close() })
	return keys
}

func (b *bench) ring(keys idp.Keys) idp.KeyRing {
	b.Helper()
	ring, err := keys.Observe(b.ctx)
	if err != nil {
		b.Fatalf("Observe of the keys: %v", err)
	}
	return ring
}

// publishedKeys checks that what the server publishes is what it was given, under the ids
// that the driver expects.
func publishedKeys(b *bench) {
	ring := b.ring(b.keys())
	if len(ring.Published) == 0 || !slices.IsSorted(ring.Published) || len(slices.Compact(slices.Clone(ring.Published))) != len(ring.Published) {
		b.Errorf("published are %v; want the ids of all keys, sorted, each once", ring.Published)
	}
	if ring.Signing != "" && !ring.Publishes(ring.Signing) {
		b.Errorf("%s signs and is not published: %v", ring.Signing, ring.Published)
	}
	if b.server.Certificates == nil {
		b.leavesOut("nobody knows its certificates")
		return
	}
	var want []string
	for _, certificate := range b.server.Certificates {
		id, err := b.subject.Driver.KeyID(certificate)
		if err != nil {
			b.Fatal(err)
		}
		want = append(want, id)
	}
	slices.Sort(want)
	b.differs("published keys", want, ring.Published)
}

// advance asks for another key to sign. Whatever the server's way is, what the effect says
// is what is seen afterwards.
func advance(b *bench) {
	keys := b.keys()
	before := b.ring(keys)
	wanted := before
	for _, id := range before.Published {
		if id != before.Signing {
			wanted.Signing = id
		}
	}
	var effect idp.Effect
	writes := b.writes(func() {
		var err error
		if effect, err = keys.Advance(b.ctx, wanted); err != nil {
			b.Fatalf("Advance: %v", err)
		}
	})
	after := b.ring(keys)
	switch effect {
	case idp.Live:
		b.differs("the ring after an advance that is live", wanted, after)
	case idp.NeedsRevision:
		b.differs("the ring after an advance that needs a revision", before, after)
		if writes != 0 {
			b.Errorf("an advance that needs a revision made %d writes", writes)
		}
	default:
		b.Errorf("the effect is %q", effect)
	}
}

// keysFromNobody checks that keys are taken from the server alone, and that one which is
// away is waited for.
func keysFromNobody(b *bench) {
	observe := func(access idp.Access) error {
		keys, err := b.subject.Driver.Keys(spec(b.server.Realms, nil), access)
		if err != nil {
			return err
		}
		defer func() { _ = keys.Close() }()
		_, err = keys.Observe(b.ctx)
		return err
	}
	stranger := b.server.Access
	stranger.CA = otherAuthority(b)
	b.refuses(observe(stranger), false, idp.ReasonServerUnreachable)
	stranger = b.server.Access
	stranger.ServerName = "somebody-else.example"
	b.refuses(observe(stranger), false, idp.ReasonServerUnreachable)
	if b.server.Stop == nil {
		b.leavesOut("it cannot be stopped")
		return
	}
	b.server.Stop()
	b.refuses(observe(b.server.Access), false, idp.ReasonServerUnreachable)
}
