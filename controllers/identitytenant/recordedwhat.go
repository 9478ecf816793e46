package identitytenant

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// find gives the record of a rotation, as the cache has it; nil: none yet.
func (n *notes) find(r record.Rotation) *v1alpha1.RotationRecord {
	name := r.Key().Name
	for i := range n.known {
		if n.known[i].Name == name {
			return &n.known[i]
		}
	}
	return nil
}

// rotation describes the rotation that led to a turn.
func (n *notes) rotation(ctx context.Context, material string, turn vault.Turn) record.Rotation {
	r := record.Rotation{
		Subject: record.SubjectOf("IdentityTenant", n.cr), Material: material, Cause: v1alpha1.RotationCause(turn.Cause),
		From: &v1alpha1.RotatedMaterial{Generation: int64(turn.From)}, To: v1alpha1.RotatedMaterial{Generation: int64(turn.Current)},
	}
	if r.Cause == v1alpha1.CauseRequest || r.Cause == v1alpha1.CauseLeak {
		r.Request = turn.Request
	}
	if store := n.storeOf(material); store != nil {
		// Other versions come between rotations, so the one before tells what was in use.
		if before := store.before(turn.Current); before != nil {
			r.From = before
		}
		r.To = store.at(turn.Current)
		if n.find(r) == nil { // it is looked up once: what is written does not change
			r.To.KeyIDs = append(r.To.KeyIDs, n.published(ctx, store, r.To)...)
		}
	}
	return r
}

// versions are what a store held and holds, as its Keystore shows it.
type versions struct {
	of   tenant.Keystore
	fact tenant.KeystoreFact
	cr   *v1alpha1.Keystore
}

// storeOf is the store of a material; nil: it lies in none, or nobody could look.
func (n *notes) storeOf(material string) *versions {
	fact, usable := n.report.Seen.Keystores[tenant.KeystoreRole(material)]
	child := n.children[tenant.KeystoreRole(material)]
	if !usable || child == nil {
		return nil
	}
	for _, store := range n.report.Want.Keystores {
		if string(store.Role) == material {
			return &versions{store, fact, child}
		}
	}
	return nil
}

func (v *versions) version(generation int) *v1alpha1.KeystoreVersion {
	for i := range v.cr.Status.Versions {
		if v.cr.Status.Versions[i].Generation == int64(generation) {
			return &v.cr.Status.Versions[i]
		}
	}
	return nil
}

// earlier is the version before one; nil: none is left.
func (v *versions) earlier(generation int) (found *v1alpha1.KeystoreVersion) {
	for i := range v.cr.Status.Versions {
		one := &v.cr.Status.Versions[i]
		if one.Generation < int64(generation) && (found == nil || one.Generation > found.Generation) {
			found = one
		}
	}
	return found
}

// at describes a version by the key that is used of it. Of a ring that is the present one, of which the present version alone
// tells which it is.
func (v *versions) at(generation int) v1alpha1.RotatedMaterial {
	alias := v.fact.Alias
	if v.of.Ring && int64(generation) != v.fact.Generation {
		alias = ""
	}
	return described(v.version(generation), alias, generation)
}

// before describes the version before one. Of a ring it names the newest key that is older than the present one.
func (v *versions) before(generation int) *v1alpha1.RotatedMaterial {
	earlier := v.earlier(generation)
	if earlier == nil {
		return nil
	}
	alias := v.of.Alias
	if v.of.Ring {
		present, newest := numberIn(v.fact.Alias, v.of.Alias), 0
		for _, entry := range earlier.Entries {
			if number := numberIn(entry.Alias, v.of.Alias); int64(generation) == v.fact.Generation && number < present && number > newest {
				newest = number
			}
		}
		alias = keystore.RingAlias(v.of.Alias, newest)
	}
	from := described(earlier, alias, int(earlier.Generation))
	return &from
}

// numberIn is the generation in an alias of a ring, 0 for none.
func numberIn(alias, ring string) int {
	number, err := strconv.Atoi(strings.TrimPrefix(alias, ring+"-"))
	if err != nil {
		return 0
	}
	return number
}

func described(version *v1alpha1.KeystoreVersion, alias string, generation int) v1alpha1.RotatedMaterial {
	told := v1alpha1.RotatedMaterial{Generation: int64(generation)}
	if version == nil {
		return told
	}
	told.SecretName = version.SecretName
	if entry := entryOf(version, alias); entry != nil {
		told.KeyIDs, told.Serials, told.Fingerprints = []string{entry.Alias}, []string{entry.Serial}, []string{entry.FingerprintSHA256}
	}
	return told
}

func entryOf(version *v1alpha1.KeystoreVersion, alias string) *v1alpha1.KeystoreVersionEntry {
	for i := range version.Entries {
		if entry := &version.Entries[i]; !entry.Trusted && entry.Alias == alias {
			return entry
		}
	}
	return nil
}

// published is the name that a signing key has in tokens, where the product has one.
func (n *notes) published(ctx context.Context, store *versions, to v1alpha1.RotatedMaterial) []string {
	if store.of.Role != tenant.RoleSigning || len(to.KeyIDs) == 0 {
		return nil
	}
	id, err := n.keyID(ctx, n.report.Want, to.SecretName, to.KeyIDs[0])
	if err != nil || id == "" {
		return nil // the alias tells it too
	}
	return []string{id}
}

// renewal describes what an issuer did by itself: the certificate in the newest version is another than in the version
// before, and no turn led to that.
func (n *notes) renewal(material string) (r record.Rotation, renewed bool) {
	store, turn := n.storeOf(material), n.place.position.Of(material)
	if store == nil || !store.of.Issued {
		return r, false
	}
	newest := store.version(int(store.fact.Generation))
	for newest != nil {
		earlier := store.earlier(int(newest.Generation))
		if earlier == nil || newest.Generation <= int64(turn.Current) && turn.Current > 1 {
			return r, false // the first one, or one that somebody asked for
		}
		now, then := entryOf(newest, store.of.Alias), entryOf(earlier, store.of.Alias)
		if now == nil || then == nil {
			return r, false
		}
		if now.FingerprintSHA256 == then.FingerprintSHA256 {
			newest = earlier // the version is newer, the certificate is not
			continue
		}
		r = record.Rotation{
			Subject: record.SubjectOf("IdentityTenant", n.cr), Material: material, Cause: v1alpha1.CauseExpiry,
			From: store.before(int(newest.Generation)), To: store.at(int(newest.Generation)),
		}
		// An issuer dates a certificate back by some minutes.
		if due := then.NotAfter.Add(-store.of.RenewBefore); now.NotBefore.Add(time.Hour).Before(due) {
			r.Cause = v1alpha1.CauseChange
		}
		return r, !now.NotBefore.Add(time.Hour).Before(n.cr.CreationTimestamp.Time)
	}
	return r, false
}
