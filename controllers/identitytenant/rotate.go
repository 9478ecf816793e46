package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// rotate moves those of the generated secrets that somebody asked to rotate, or that fell due.
// One that cannot be moved keeps none of the others, and neither does a request that cannot be
// read keep what is due.
func (p *pass) rotate(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	request, problem := rotation.ParseRequest(p.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	note := func(err error) {
		// How far it came is not known, or somebody else is at it: pods would get some of it now and the rest later.
		p.asking = p.asking || err != nil && (errors.Is(err, vault.ErrConflict) || fault.Of(err, "").Kind == fault.KindTransient)
		problem = fault.Worse(problem, err)
	}
	if problem == nil {
		problem = p.checkNames(want, request)
	}
	p.proveServed(ctx, want, seen)
	note(p.rotateStores(ctx, want, seen, request))
	note(p.attempt(materialDatabase, p.exchange(ctx, want, seen, request)))
	for _, material := range p.driver.Materials(want) {
		if material.Once {
			continue
		}
		note(p.attempt(material.Name, p.rotateWhenDue(ctx, want, seen, material, request)))
	}
	return problem
}

// rotateWhenDue moves a material once for a request, and once for however many runs of its
// schedule have passed since it moved.
func (p *pass) rotateWhenDue(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, request rotation.Request) error {
	verb, named := request.Materials[material.Name]
	asked := request.Token != "" && (named || len(request.Materials) == 0 && !material.Irreplaceable)
	m := rotation.Material{Name: material.Name, Key: want.Key().String(), Schedule: want.ScheduleOf(material.Name), Maintenance: want.Maintenance, Verb: verb}
	if !asked && !m.Schedule.Runs() {
		return nil
	}
	turn, err := p.turn(ctx, want, seen, material.Name)
	if err != nil {
		return err
	}
	m.Asked = asked && turn.Request != request.Token
	decision := p.decide(m, turn.At)
	if !decision.Due {
		return nil
	}
	next := vault.Turn{Request: turn.Request, Run: decision.Token(), At: p.Clock.Now(), Cause: string(v1alpha1.CauseSchedule)}
	cause := "since it was due at " + next.Run
	if m.Asked {
		next.Request, next.Run, cause = request.Token, turn.Run, fmt.Sprintf("as %q asked", request.Token)
		next.Cause = causeOf(verb)
	}
	if err := p.advance(ctx, want, seen, material, verb, next, cause); err != nil {
		return err
	}
	m.Asked = false
	p.decide(m, next.At)
	return nil
}

// advance moves a material to its next generation: the value is made in Vault first, then the
// server is made to know it where it has to, then the position names it. After a crash at any
// point the next pass takes up what is there.
func (p *pass) advance(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, verb rotation.Verb, next vault.Turn, cause string) error {
	turn, err := p.turn(ctx, want, seen, material.Name)
	if err != nil {
		return err
	}
	if verb == rotation.Drop {
		return dropRefused(material.Name)
	}
	if err := p.havePods(ctx, want, material.Name); err != nil {
		return err
	}
	current, err := p.inUse(ctx, want, seen, material, turn.Current)
	if err != nil {
		return err
	}
	switch {
	case material.Irreplaceable:
		next.Previous = turn.Current
		next.Current, err = p.nextDataKey(ctx, want, seen, material, turn, current)
	case material.Name == idp.MaterialAdministrator:
		next.Current, err = p.changeAdministrator(ctx, want, seen, material, turn, current)
	case material.Name == idp.MaterialSystem:
		next.Previous = turn.Current
		next.Current, err = p.openNextAccount(ctx, want, seen, material, turn, current)
	default:
		// Each pod holds all that belongs to it, so old and new ones do not meet.
		next.Current = turn.Current + 1
		_, err = p.successor(ctx, want, seen, material, current, next.Current)
	}
	if err != nil {
		return err
	}
	if err := p.move(ctx, want, seen, material.Name, next); err != nil {
		return err
	}
	p.Recorder.Eventf(p.cr, nil, corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate", "Rotated %s from generation %d to %d, %s", material.Name, turn.Current, next.Current, cause)
	return nil
}

func dropRefused(name string) error {
	return fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: %s:%s is for a Keystore; write %s, or %s:%s when somebody else may know it",
		v1alpha1.AnnotationRotate, name, rotation.Drop, name, name, rotation.Leaked)
}

// havePods has a rotation wait for the first pods.
func (p *pass) havePods(ctx context.Context, want tenant.Spec, name string) error {
	set, err := p.statefulSet(ctx, want)
	if err == nil && set == nil {
		err = fault.Waiting(v1alpha1.ReasonProgressing, "the rotation of %s waits for the first pods", name)
	}
	return err
}

// nextDataKey refuses a key as long as data may be left that only the key before the present
// one can read: the server knows one predecessor and encrypts nothing anew by itself.
func (p *pass) nextDataKey(ctx context.Context, want tenant.Spec, seen tenant.Facts, material idp.Material, turn vault.Turn, current map[string]string) (int, error) {
	if p.predecessor(turn) != 0 {
		return 0, fault.Terminal(v1alpha1.ReasonReencryptionUnattested,
			"%s is not rotated again: data that generation %d encrypted would be lost for ever, since the server can read with one key before the present one. "+
				"Encrypt it anew with generation %d, then annotate %s=%d; or take %s out of %s",
			material.Name, turn.Previous, turn.Current, v1alpha1.AnnotationReencrypted, turn.Current, material.Name, v1alpha1.AnnotationRotate)
	}
	_, err := p.successor(ctx, want, seen, material, current, turn.Current+1)
	return turn.Current + 1, err
}

// predecessor is the generation of the data key that pods hold beside the present one: until
// somebody attests that nothing is encrypted with it any more. Whoever takes that back gets
// it back.
func (p *pass) predecessor(turn vault.Turn) int {
	if p.cr.Annotations[v1alpha1.AnnotationReencrypted] == strconv.Itoa(turn.Current) {
		return 0
	}
	return turn.Previous
}
