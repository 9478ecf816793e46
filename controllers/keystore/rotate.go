package keystore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// standing is where a Keystore's materials stand, as Vault has it: aliases and the password.
type standing struct {
	position vault.Position
	version  int
}

// turn of a material. A ring begins with two keys, since one that is published before it signs has to be there from the start.
func (p *pass) turn(material string, ring bool) vault.Turn {
	turn := p.standing.position.Of(material)
	if ring && turn.Next == 0 {
		turn.Next = turn.Newest() + 1
	}
	return turn
}

// readStanding reads the position, before anything is gathered: it says of which generations.
func (p *pass) readStanding(ctx context.Context) error {
	path, err := vault.PositionPath(p.place.Prefix, p.want.namespace, vaultKind, p.want.name)
	if err != nil {
		return p.troubled(err)
	}
	position, version, err := vault.ReadPosition(ctx, p.kv, p.place.Mount, path, p.owner())
	if err != nil && p.want.adopt && fault.Of(err, "").Reason == vault.ReasonOwnedByOther {
		if _, err := vault.Adopt(ctx, p.kv, p.place.Mount, path, p.owner()); err != nil {
			return p.troubled(err)
		}
		position, version, err = vault.ReadPosition(ctx, p.kv, p.place.Mount, path, p.owner())
	}
	if err != nil {
		return p.troubled(err)
	}
	p.standing, p.began = standing{position, version}, position
	return nil
}

// move has materials stand elsewhere, all by one write: it is the rotation, and of two managers never both do it.
func (p *pass) move(ctx context.Context, turns map[string]vault.Turn) error {
	path, err := vault.PositionPath(p.place.Prefix, p.want.namespace, vaultKind, p.want.name)
	if err != nil {
		return p.troubled(err)
	}
	moved := vault.Position{}
	maps.Copy(moved, p.standing.position)
	maps.Copy(moved, turns)
	version, err := vault.WritePosition(ctx, p.kv, p.place.Mount, path, p.owner(), moved, p.standing.version)
	if err != nil {
		return p.troubled(err) // it may be written although its answer was lost: the next pass reads it
	}
	p.standing = standing{moved, version}
	return nil
}

// rotate moves what the annotation asks to rotate, once for a token: the new values are made in Vault, then the position names
// them all at once. A certificate that cert-manager has to renew comes first, so that all becomes one version.
func (p *pass) rotate(ctx context.Context) error {
	request, err := rotation.ParseRequest(p.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	if err != nil || request.Token == "" {
		return err
	}
	asked, err := p.asked(request)
	if err != nil {
		return err
	}
	asked = slices.DeleteFunc(asked, func(a ask) bool { return p.standing.position.Of(a.material).Request == request.Token })
	if len(asked) == 0 {
		p.rotated = request.Token
		return nil
	}
	if p.want.rollback != "" {
		err := fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: nothing is rotated while %s pins a former version: remove that first", v1alpha1.AnnotationRotate, v1alpha1.AnnotationRollback)
		p.refused = &refusal{asked, request.Token, err}
		return err
	}
	turns := map[string]vault.Turn{}
	for _, a := range asked {
		if a.entry.issued == nil {
			continue
		}
		turn, err := p.renewed(ctx, a, request.Token)
		if err != nil {
			return err
		}
		turns[a.material] = turn
	}
	for _, a := range asked {
		if a.entry.issued != nil {
			continue
		}
		if turns[a.material], err = p.successor(ctx, a, request.Token); err != nil {
			return err
		}
	}
	if err := p.move(ctx, turns); err != nil {
		return err
	}
	p.rotated = request.Token
	publish.Event(p.Recorder, p.cr, corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate",
		"Rotated "+strings.Join(slices.Sorted(maps.Keys(turns)), ", ")+", as "+request.Token+" asked")
	return nil
}

// ask is one material that somebody wants rotated.
type ask struct {
	material string
	verb     rotation.Verb
	entry    entry // without alias for the password
}

// asked lists the materials of a request, those with keys and the password when it names none.
func (p *pass) asked(request rotation.Request) ([]ask, error) {
	possible := p.possible()
	if len(request.Materials) == 0 {
		return possible, nil
	}
	var asked []ask
	for _, material := range slices.Sorted(maps.Keys(request.Materials)) {
		at := slices.IndexFunc(possible, func(a ask) bool { return a.material == material })
		if at < 0 {
			return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: %s is nothing that this Keystore can rotate: name aliases of key pairs, or %s",
				v1alpha1.AnnotationRotate, material, materialPassword)
		}
		possible[at].verb = request.Materials[material]
		if possible[at].verb == rotation.Drop && !possible[at].entry.ring {
			return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: %s:%s is for a ring, and %s has no former key to drop", v1alpha1.AnnotationRotate, material, rotation.Drop, material)
		}
		asked = append(asked, possible[at])
	}
	return asked, nil
}

// possible lists what has keys, and the password.
func (p *pass) possible() (possible []ask) {
	for _, e := range p.want.entries {
		if e.trusted == nil {
			possible = append(possible, ask{material: e.alias, entry: e})
		}
	}
	if p.want.hasPassword() {
		possible = append(possible, ask{material: materialPassword})
	}
	return possible
}

// successor makes what a material comes to next, and gives the turn that names it. A value that an earlier pass made, and did
// not come to name, is taken up.
func (p *pass) successor(ctx context.Context, a ask, token string) (vault.Turn, error) {
	turn := p.turn(a.material, a.entry.ring)
	made := turn.Newest() + 1
	next := vault.Turn{Current: made, Request: token, Run: turn.Run, At: p.Clock.Now(), From: turn.Newest(), Cause: causeOf(a.verb), Of: string(p.cr.UID)}
	if a.entry.ring {
		next.Previous, next.Current, next.Next = turn.Current, turn.Next, made
		switch a.verb {
		case rotation.Leaked: // what was to sign next may be known too; what signs now goes with the next request
			next.Previous, next.Current, next.At = turn.Previous, turn.Current, turn.At
		case rotation.Drop:
			next.Previous = 0
		}
	}
	var err error
	if a.material == materialPassword {
		_, err = p.passwordOf(ctx, made, true)
	} else {
		_, err = p.selfSign(ctx, a.entry, made, true)
	}
	return next, err
}

// errNothingThere: a generation that was in use once is not in Vault any more.
var errNothingThere = errors.New("the position names it")

// lost tells that a value is missing which is not made anew: another key in its place would be nobody's.
func (p *pass) lost(material, path string) error {
	p.vaultErr = fault.Terminal(v1alpha1.ReasonVaultValueMissing, "Vault has no %s at %s any more: restore the value there, or annotate %s to go on with a new one",
		material, path, v1alpha1.AnnotationRotate)
	return p.vaultErr
}
