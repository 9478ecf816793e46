package keystore_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/controllertest"
	internalkeystore "github.com/holdfast-iam/holdfast/internal/keystore"
)

func TestRotation(t *testing.T) {
	vault := env.Vault(t)
	manager := startControllers(t, controllertest.Options{})
	for name, test := range map[string]func(place){
		"a ring moves by one for each request":                                    aRingMoves,
		"after a leak the next key is another one, then the ring moves and drops": aLeakedRing,
		"everything that was asked for becomes one version":                       oneVersionForAll,
		"only the password": onlyThePassword,
		"a self-signed key of another size comes with a rotation": aKeyOfAnotherSize,
		"a key becomes a ring":                           aKeyBecomesARing,
		"back to a former version, and forth":            backAndForth,
		"what cannot be asked is refused":                badRequests,
		"JKS, PEM and old encryption":                    otherFormats,
		"deleted and made anew it stands where it stood": rotatedKeysAreFoundAgain,
		"what was rotated is written down":               rotationsAreWrittenDown,
		"what a tenant rotates is left to the tenant":    aTenantsKeystoreWritesNoRecords,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newPlace(t, vault, manager))
		})
	}
}

func ringEntry(alias string) v1alpha1.KeystoreEntry {
	entry := selfSignedEntry(alias)
	entry.Ring = true
	return entry
}

// rotate asks, and waits until it is done.
func (p place) rotate(name, request string) *v1alpha1.Keystore {
	p.Helper()
	p.annotate(name, v1alpha1.AnnotationRotate, request)
	token, _, _ := strings.Cut(request, " ")
	return p.until(name, func(cr *v1alpha1.Keystore) error {
		if cr.Status.Requests == nil || cr.Status.Requests.Rotate != token {
			return fmt.Errorf("%q is not done: %s", token, describe(cr))
		}
		return nil
	})
}

func ringOf(cr *v1alpha1.Keystore) string {
	if len(cr.Status.Rings) != 1 {
		return fmt.Sprintf("%d rings", len(cr.Status.Rings))
	}
	ring := cr.Status.Rings[0]
	return fmt.Sprint(ring.Previous, ring.Current, ring.Next)
}

// entriesOf reads the store of a version, by alias.
func (p place) entriesOf(cr *v1alpha1.Keystore) map[string]internalkeystore.Entry {
	p.Helper()
	secret := p.secret(cr.Status.SecretName)
	format := internalkeystore.Format(cr.Spec.Format)
	entries, err := internalkeystore.Decode(format, secret.Data, string(secret.Data["password"]))
	if err != nil {
		p.Fatal(err)
	}
	found := map[string]internalkeystore.Entry{}
	for _, e := range entries {
		found[e.Alias] = e
	}
	return found
}

func aliases(entries map[string]internalkeystore.Entry) string {
	return strings.Join(slices.Sorted(maps.Keys(entries)), " ")
}

func aRingMoves(p place) {
	p.create(p.keystore("keys", ringEntry("signing")))
	first := p.ready("keys")
	before := p.entriesOf(first)
	if ringOf(first) != "0 1 2" || aliases(before) != "signing-1 signing-2" {
		p.Fatalf("ring %s with %s, want a current and a next key", ringOf(first), aliases(before))
	}
	second := p.rotate("keys", "one signing")
	after := p.entriesOf(second)
	if ringOf(second) != "1 2 3" || aliases(after) != "signing-1 signing-2 signing-3" {
		p.Fatalf("ring %s with %s, want the former key kept", ringOf(second), aliases(after))
	}
	for alias, e := range before {
		if !after[alias].Chain[0].Equal(e.Chain[0]) {
			p.Errorf("%s is another key than before", alias)
		}
	}
	p.reconcile("keys", "again")
	if third := p.rotate("keys", "two signing"); ringOf(third) != "2 3 4" || aliases(p.entriesOf(third)) != "signing-2 signing-3 signing-4" || third.Status.CurrentGeneration != 3 {
		p.Errorf("ring %s in version %d, want 2 3 4 in version 3", ringOf(third), third.Status.CurrentGeneration)
	}
	if paths := p.vaultPaths(); len(paths) != 6 || paths["keystore/keys/position/1"] != 2 {
		p.Errorf("Vault holds %v, want four keys, the password and a position of two versions", paths)
	}
	p.event(v1alpha1.EventRotated, "signing", "two")
}

func aLeakedRing(p place) {
	p.create(p.keystore("keys", ringEntry("signing")))
	first := p.entriesOf(p.ready("keys"))
	if burnt := p.rotate("keys", "burn signing:leaked"); ringOf(burnt) != "0 1 3" || aliases(p.entriesOf(burnt)) != "signing-1 signing-3" {
		p.Fatalf("ring %s, want the next key replaced and the current one kept", ringOf(burnt))
	}
	dropped := p.rotate("keys", "drop signing:drop")
	if ringOf(dropped) != "0 3 4" || aliases(p.entriesOf(dropped)) != "signing-3 signing-4" {
		p.Fatalf("ring %s with %s, want no trace of the leaked keys", ringOf(dropped), aliases(p.entriesOf(dropped)))
	}
	for _, e := range p.entriesOf(dropped) {
		for _, leaked := range first {
			if e.Chain[0].Equal(leaked.Chain[0]) {
				p.Errorf("%s is a leaked key", e.Alias)
			}
		}
	}
}

func oneVersionForAll(p place) {
	p.create(p.keystore("all", issuedEntry("server"), selfSignedEntry("other"), ringEntry("signing")))
	first := p.ready("all")
	before := p.entriesOf(first)
	second := p.rotate("all", "2027-01-15")
	after := p.entriesOf(second)
	if second.Status.CurrentGeneration != 2 || len(second.Status.Versions) != 2 {
		p.Errorf("versions %+v, want exactly two", second.Status.Versions)
	}
	for _, alias := range []string{"server", "other"} {
		if before[alias].Chain[0].Equal(after[alias].Chain[0]) {
			p.Errorf("%s is the key that it was", alias)
		}
	}
	if bytes.Equal(p.secret(first.Status.SecretName).Data["password"], p.secret(second.Status.SecretName).Data["password"]) {
		p.Error("the password is what it was")
	}
	if ringOf(second) != "1 2 3" {
		p.Errorf("ring %s", ringOf(second))
	}
	paths := p.vaultPaths()
	for path, versions := range map[string]int{"server/1": 1, "server/2": 1, "other/2": 1, "signing/3": 1, "password/2": 1} {
		if paths["keystore/all/"+path] != versions {
			p.Errorf("Vault has %v, want %s", paths, path)
		}
	}
	if len(paths) != 10 { // 2 server, 2 other, 3 signing, 2 passwords, 1 position
		p.Errorf("Vault has %d values, want 10: %v", len(paths), paths)
	}
}

func onlyThePassword(p place) {
	p.create(p.keystore("keys", selfSignedEntry("signing")))
	first := p.ready("keys")
	second := p.rotate("keys", "one password")
	before, after := p.secret(first.Status.SecretName), p.secret(second.Status.SecretName)
	if bytes.Equal(before.Data["password"], after.Data["password"]) {
		p.Error("the password is what it was")
	}
	if !p.entriesOf(first)["signing"].Chain[0].Equal(p.entriesOf(second)["signing"].Chain[0]) {
		p.Error("the key is another one")
	}
	p.opens(first.Status.SecretName)
	p.opens(second.Status.SecretName)
}

func aKeyOfAnotherSize(p place) {
	cr := p.keystore("keys", selfSignedEntry("signing"), ringEntry("tokens"))
	p.create(cr)
	p.ready("keys")
	p.change("keys", cr, func() { cr.Spec.Entries[0].Size, cr.Spec.Entries[1].Size = 384, 384 })
	if message := p.stalled("keys", v1alpha1.ReasonInvalidSpec); !strings.Contains(message, "rotate") {
		p.Errorf("%q does not say how to get the other key", message)
	}
	p.rotate("keys", "larger signing tokens:leaked")
	entries := p.entriesOf(p.ready("keys"))
	if size := entries["signing"].Chain[0].PublicKey; fmt.Sprintf("%T", size) == "" || entries["tokens-3"].Chain == nil || entries["tokens-1"].Chain == nil {
		p.Errorf("the store has %s, want the ring to go over to the other size", aliases(entries))
	}
}

func aKeyBecomesARing(p place) {
	cr := p.keystore("keys", selfSignedEntry("signing"))
	p.create(cr)
	before := p.entriesOf(p.rotate("keys", "one"))["signing"]
	p.change("keys", cr, func() { cr.Spec.Entries[0].Ring = true })
	ring := p.ready("keys")
	if entries := p.entriesOf(ring); ringOf(ring) != "0 2 3" || !entries["signing-2"].Chain[0].Equal(before.Chain[0]) {
		p.Errorf("ring %s with %s, want the key that was there to go on signing", ringOf(ring), aliases(entries))
	}
}

func backAndForth(p place) {
	cr := p.keystore("keys", selfSignedEntry("signing"))
	cr.Spec.HistoryLimit = new(int32(1))
	cr.Spec.Target = &v1alpha1.KeystoreTarget{SecretName: "stable"}
	p.create(cr)
	first := p.ready("keys")
	second := p.rotate("keys", "one")
	p.annotate("keys", v1alpha1.AnnotationRollback, "1")
	p.until("keys", func(cr *v1alpha1.Keystore) error {
		if cr.Status.SecretName != first.Status.SecretName || cr.Status.CurrentGeneration != 1 || cr.Status.Requests == nil || cr.Status.Requests.Rollback != "1" {
			return fmt.Errorf("%d in %s", cr.Status.CurrentGeneration, cr.Status.SecretName)
		}
		return nil
	})
	if !bytes.Equal(p.secret("stable").Data["password"], p.secret(first.Status.SecretName).Data["password"]) {
		p.Error("the copy did not go back")
	}
	p.annotate("keys", v1alpha1.AnnotationRotate, "two")
	if message := p.stalled("keys", v1alpha1.ReasonInvalidSpec); message == "" {
		p.Error("nothing is said of a rotation while a version is pinned")
	}
	p.annotate("keys", v1alpha1.AnnotationRotate, "one")
	p.annotate("keys", v1alpha1.AnnotationRollback, "7")
	p.stalled("keys", v1alpha1.ReasonInvalidSpec)
	p.annotate("keys", v1alpha1.AnnotationRollback, "")
	p.until("keys", func(cr *v1alpha1.Keystore) error {
		if cr.Status.SecretName != second.Status.SecretName || cr.Status.CurrentGeneration != 2 || len(cr.Status.Versions) != 2 {
			return fmt.Errorf("%d in %s", cr.Status.CurrentGeneration, cr.Status.SecretName)
		}
		return nil
	})
}

func badRequests(p place) {
	p.create(p.keystore("keys", selfSignedEntry("signing")))
	first := p.ready("keys")
	for request, word := range map[string]string{
		"../x":            "token",
		"a signing:burn":  "signing:burn",
		"b nothing":       "nothing",
		"c signing:drop":  "ring",
		"d token-signing": "token-signing",
	} {
		p.annotate("keys", v1alpha1.AnnotationRotate, request)
		p.until("keys", func(cr *v1alpha1.Keystore) error {
			if text := describe(cr); !strings.Contains(text, v1alpha1.ReasonInvalidSpec) || !strings.Contains(text, word) {
				return fmt.Errorf("%q: %s", request, text)
			}
			return nil
		})
	}
	p.annotate("keys", v1alpha1.AnnotationRotate, "")
	if after := p.ready("keys"); after.Status.SecretName != first.Status.SecretName || len(p.vaultPaths()) != 2 {
		p.Errorf("something was rotated: %v", p.vaultPaths())
	}
}

func otherFormats(p place) {
	for name, spec := range map[string]v1alpha1.KeystoreSpec{
		"keystore.jks": {Format: v1alpha1.FormatJKS}, "signing.key": {Format: v1alpha1.FormatPEM}, "keystore.p12": {Encryption: v1alpha1.EncryptionLegacy},
	} {
		object := strings.ReplaceAll(name, ".", "-")
		cr := p.keystore(object, selfSignedEntry("signing"))
		cr.Spec.Format, cr.Spec.Encryption = spec.Format, spec.Encryption
		p.create(cr)
		made := p.ready(object)
		secret := p.secret(made.Status.SecretName)
		if secret.Data[name] == nil || (secret.Data["password"] == nil) != (spec.Format == v1alpha1.FormatPEM) {
			p.Errorf("%s: the Secret has the keys %v", name, slices.Sorted(maps.Keys(secret.Data)))
		}
		if len(p.entriesOf(made)) != 1 || len(made.Status.Versions[0].Entries) != 1 {
			p.Errorf("%s: status shows %+v", name, made.Status.Versions)
		}
	}
	cr := &v1alpha1.Keystore{}
	p.change("keystore-jks", cr, func() { cr.Spec.Format = v1alpha1.FormatPKCS12 })
	if changed := p.ready("keystore-jks"); changed.Status.CurrentGeneration != 2 || len(changed.Status.Versions) != 2 {
		p.Errorf("another format is in version %d, want 2", changed.Status.CurrentGeneration)
	}
}

func rotatedKeysAreFoundAgain(p place) {
	p.create(p.keystore("keys", ringEntry("signing")))
	p.ready("keys")
	before := p.rotate("keys", "one")
	entries := p.entriesOf(before)
	p.delete(before)
	p.gone("keys", &v1alpha1.Keystore{})
	again := p.keystore("keys", ringEntry("signing"))
	again.Annotations = map[string]string{v1alpha1.AnnotationRotate: "one"}
	p.create(again)
	restored := p.ready("keys")
	if ringOf(restored) != "1 2 3" {
		p.Errorf("ring %s, want 1 2 3: it stood there, and the request was handled", ringOf(restored))
	}
	for alias, e := range p.entriesOf(restored) {
		if !e.Chain[0].Equal(entries[alias].Chain[0]) {
			p.Errorf("%s is another key than before", alias)
		}
	}
}
