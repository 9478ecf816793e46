package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/record"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// stepRefused: it could not be rotated; a person is needed.
const stepRefused v1alpha1.RotationStepName = "Refused"

// refusal is what was asked for and waits for a person.
type refusal struct {
	asked   []ask
	request string
	why     error
}

// causeOf is why somebody asks: both halves of what is done after a leak are because of it.
func causeOf(verb rotation.Verb) string {
	if verb == rotation.Renew {
		return string(v1alpha1.CauseRequest)
	}
	return string(v1alpha1.CauseLeak)
}

// noteRotations writes down what has become of rotations, told by where materials stand and by the version that holds them: a
// life that ended between a rotation and its record is followed by one that writes it. A record that cannot be written holds up
// nothing. What a tenant rotates in its Keystores stands in the tenant's records.
func (p *pass) noteRotations(ctx context.Context) {
	if owner := metav1.GetControllerOf(p.cr); owner != nil && owner.Kind == "IdentityTenant" {
		return
	}
	for _, a := range p.possible() {
		began, now := p.began.Of(a.material), p.standing.position.Of(a.material)
		if began.Newest() != now.Newest() {
			p.noteTurn(ctx, a, began, false) // no later pass can do that any more
		}
		p.noteTurn(ctx, a, now, p.applied)
		p.noteRenewal(ctx, a, now)
	}
	if p.refused == nil {
		return
	}
	for _, a := range p.refused.asked {
		turn := p.turn(a.material, a.entry.ring)
		r := p.rotationOf(a, vault.Turn{From: turn.Newest(), Current: turn.Newest() + 1, Cause: causeOf(a.verb), Request: p.refused.request})
		r.Attempt = p.refused.request
		if !p.ended(ctx, r) {
			p.note(ctx, r, p.started(ctx, r), record.Did(stepRefused, fault.Of(p.refused.why, "").Message), record.Ended(v1alpha1.RotationFailed))
		}
	}
}

// noteTurn writes down the rotation that led to a turn. One that is over costs two looks into the cache.
func (p *pass) noteTurn(ctx context.Context, a ask, turn vault.Turn, applied bool) {
	if turn.Cause == "" || turn.Of != string(p.cr.UID) {
		return // it never rotated, or in the life of a Keystore of the same name
	}
	r := p.rotationOf(a, turn)
	if applied {
		p.identify(&r, a, turn)
	}
	var known v1alpha1.RotationRecord
	err := p.Client.Get(ctx, r.Key(), &known)
	if apierrors.IsNotFound(err) {
		var all v1alpha1.RotationRecordList
		if err := p.Client.List(ctx, &all, client.InNamespace(p.cr.Namespace), client.MatchingLabels(record.Labels("Keystore", p.cr.Name))); err == nil && record.Later(all.Items, r) {
			return // it was removed with time
		}
	}
	if err != nil || known.Status.Outcome == "" {
		made := fmt.Sprintf("Generation %d is in Vault and is named by the position there", turn.Newest())
		if a.entry.ring {
			made += fmt.Sprintf("; %s signs, %s comes next", keystore.RingAlias(a.material, turn.Current), keystore.RingAlias(a.material, turn.Next))
		}
		entries := []record.Entry{p.started(ctx, r), record.Did(v1alpha1.StepKeyMade, made)}
		if applied {
			entries = append(entries, record.Did(v1alpha1.StepApplied, p.where()), record.Ended(v1alpha1.RotationSucceeded))
		}
		p.note(ctx, r, entries...)
	}
	before := record.Rotation{Subject: r.Subject, Material: r.Material, To: v1alpha1.RotatedMaterial{Generation: int64(turn.From)}}
	if err := p.Client.Get(ctx, before.Key(), &known); err == nil && known.Status.Outcome == "" {
		p.note(ctx, before, record.Ended(v1alpha1.RotationSuperseded))
	}
}

// noteRenewal writes down that cert-manager made another key in its time. The position says nothing of that, so it is looked for
// in Vault, once for each version: as long as the status does not tell of the version.
func (p *pass) noteRenewal(ctx context.Context, a ask, turn vault.Turn) {
	if a.entry.issued == nil || !p.applied || turn.Pending != "" ||
		slices.ContainsFunc(p.cr.Status.Versions, func(v v1alpha1.KeystoreVersion) bool { return v.SecretName == p.current.secret.Name }) {
		return
	}
	newest, err := p.newestGeneration(ctx, a.material)
	if err != nil {
		p.unnoted = errors.Join(p.unnoted, err)
		return
	}
	if newest > turn.Current {
		p.noteTurn(ctx, a, vault.Turn{From: newest - 1, Current: newest, Cause: string(v1alpha1.CauseExpiry), Of: string(p.cr.UID)}, true)
	}
}

func (p *pass) rotationOf(a ask, turn vault.Turn) record.Rotation {
	r := record.Rotation{
		Subject: record.SubjectOf("Keystore", p.cr), Material: a.material, Cause: v1alpha1.RotationCause(turn.Cause),
		From: &v1alpha1.RotatedMaterial{Generation: int64(turn.From)}, To: v1alpha1.RotatedMaterial{Generation: int64(turn.Newest())},
	}
	if r.Cause != v1alpha1.CauseExpiry {
		r.Request = turn.Request
	}
	return r
}

// identify names the keys before and after, of a ring those that signed and sign, and the Secrets that hold them.
func (p *pass) identify(r *record.Rotation, a ask, turn vault.Turn) {
	alias := a.material
	if a.entry.ring {
		alias = keystore.RingAlias(a.material, turn.Current)
	}
	identifyIn(&r.To, *p.current, alias)
	for _, v := range p.versions { // newest first
		if v.generation < p.current.generation {
			identifyIn(r.From, v, signer(v, a.material))
			return
		}
	}
}

// signer is the alias of what signed in a version.
func signer(v version, material string) string {
	var rings []v1alpha1.KeystoreRing
	if json.Unmarshal([]byte(v.secret.Annotations[annotationRings]), &rings) == nil {
		for _, ring := range rings {
			if ring.Alias == material {
				return keystore.RingAlias(material, int(ring.Current))
			}
		}
	}
	return material
}

func identifyIn(material *v1alpha1.RotatedMaterial, v version, alias string) {
	material.SecretName = v.secret.Name
	for _, e := range v.entries {
		if e.Alias == alias && !e.Trusted {
			material.KeyIDs, material.Serials, material.Fingerprints = []string{e.Alias}, []string{e.Serial}, []string{e.FingerprintSHA256}
		}
	}
}

// where says what applications read from now on.
func (p *pass) where() string {
	said := fmt.Sprintf("Version %d in Secret %s holds it", p.current.generation, p.current.secret.Name)
	if p.want.target != "" {
		said += ", and so does the copy in Secret " + p.want.target
	}
	return said
}

// started tells what it comes from, and who asked. The API server alone knows that, and is asked once for a record.
func (p *pass) started(ctx context.Context, r record.Rotation) record.Entry {
	var known v1alpha1.RotationRecord
	if err := p.Client.Get(ctx, r.Key(), &known); err == nil && record.HasStep(known.Status, v1alpha1.StepStarted) {
		return record.Did(v1alpha1.StepStarted, "")
	}
	if r.Cause == v1alpha1.CauseExpiry {
		return record.Did(v1alpha1.StepStarted, "cert-manager renewed its certificate with another key")
	}
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Keystore"))
	said := []string{"Asked"}
	if err := p.Live.Get(ctx, client.ObjectKeyFromObject(p.cr), live); err == nil {
		if manager := record.Asker(live, r.Request); manager != "" {
			said = append(said, "by", manager)
		}
	}
	return record.Did(v1alpha1.StepStarted, strings.Join(append(said, "as", r.Request), " "))
}

// ended tells whether the record of a rotation is complete.
func (p *pass) ended(ctx context.Context, r record.Rotation) bool {
	var known v1alpha1.RotationRecord
	return p.Client.Get(ctx, r.Key(), &known) == nil && known.Status.Outcome != ""
}

func (p *pass) note(ctx context.Context, r record.Rotation, entries ...record.Entry) {
	err := record.Writer{Client: p.Client, Live: p.Live, Clock: p.Clock}.Note(ctx, r, entries...)
	if err == nil {
		return
	}
	logf.FromContext(ctx).Info("A rotation could not be written down", "material", r.Material, "reason", err.Error())
	if !fault.IsTerminal(err) { // else trying again changes nothing
		p.unnoted = errors.Join(p.unnoted, err)
	}
}
