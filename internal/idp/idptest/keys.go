package idptest

import (
	"crypto"
	"slices"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
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

// advance takes a server through the life of a ring: the first keys, whatever was there before,
// then each that comes next. Whatever the server's way is, what the effect says is what is
// seen afterwards, and the same ring again is no write.
func advance(b *bench) {
	if b.server.Stop == nil {
		b.leavesOut("another key that signs")
		return
	}
	keys := b.keys()
	before := b.ring(keys)
	var made []idp.SigningKey
	for generation := range 5 {
		made = append(made, b.signingKey(generation+1))
	}
	for current := range 4 {
		ring := idp.Ring{Current: made[current], Next: made[current+1], Now: time.Now, Over: func(time.Time, time.Duration) bool { return true }}
		if current > 0 {
			ring.Previous = &made[current-1]
		}
		if current == 3 {
			ring.Previous = nil // it leaked
		}
		var advanced idp.Advanced
		writes := b.writes(func() { advanced = b.advances(keys, ring) })
		switch advanced.Effect {
		case idp.NeedsRevision:
			b.differs("the ring after an advance that needs a revision", before, b.ring(keys))
			if writes != 0 || len(advanced.Changes) != 0 {
				b.Errorf("an advance that needs a revision made %d writes and tells of %v", writes, advanced.Changes)
			}
			return
		case idp.Live:
			b.differs("the ring after an advance that is live", b.ids(ring), b.ring(keys))
			if writes == 0 || len(advanced.Changes) == 0 {
				b.Errorf("generation %d came to sign by %d writes, of which %v is told", current+1, writes, advanced.Changes)
			}
		default:
			b.Fatalf("the effect is %q", advanced.Effect)
		}
		if writes := b.writes(func() { advanced = b.advances(keys, ring) }); writes != 0 || len(advanced.Changes) != 0 {
			b.Errorf("generation %d again: %d writes, of which %v is told", current+1, writes, advanced.Changes)
		}
	}
}

func (b *bench) advances(keys idp.Keys, ring idp.Ring) idp.Advanced {
	b.Helper()
	advanced, err := keys.Advance(b.ctx, ring)
	if err != nil {
		b.Fatalf("Advance: %v", err)
	}
	return advanced
}

// ids is what a server shows that holds the ring.
func (b *bench) ids(ring idp.Ring) (ids idp.KeyRing) {
	b.Helper()
	for _, key := range ring.All() {
		id, err := b.subject.Driver.KeyID(key.Certificate)
		if err != nil {
			b.Fatal(err)
		}
		if ids.Published = append(ids.Published, id); key.Generation == ring.Current.Generation {
			ids.Signing = id
		}
	}
	slices.Sort(ids.Published)
	return ids
}

// signingKey makes a key as a ring of a Keystore has it.
func (b *bench) signingKey(generation int) idp.SigningKey {
	b.Helper()
	key, err := SigningKey(generation)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// SigningKey makes a key as a ring of a Keystore has it.
func SigningKey(generation int) (idp.SigningKey, error) {
	private, err := keystore.GenerateKey(keystore.RSA, 3072)
	if err != nil {
		return idp.SigningKey{}, err
	}
	begin := time.Now().Add(-time.Minute)
	certificate, err := keystore.SelfSign(private, keystore.SelfSignTemplate{CommonName: "token-signing", NotBefore: begin, NotAfter: begin.Add(24 * time.Hour)})
	return idp.SigningKey{Generation: generation, Certificate: certificate, Private: func() (crypto.Signer, error) { return private, nil }}, err
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
