package identitytenant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// rotationManager is the field manager of what a tenant asks of its Keystores.
const rotationManager = "holdfast-rotation"

// pinned are keys that others hold on to: they have to be told.
var pinned = map[tenant.KeystoreRole]string{
	tenant.RoleFederation: "SAML partners that pin the former certificate refuse what the new one signs: send them the new metadata",
	tenant.RoleInternal:   "What was encrypted with the former key has to be encrypted anew: secrets of the configuration, and the stores of server tenants",
}

// rotateStores asks the tenant's Keystores to rotate what is due. All that is asked at once
// becomes one revision: until each of them is done, the pods' template stays as it is.
func (p *pass) rotateStores(ctx context.Context, want tenant.Spec, seen tenant.Facts, request rotation.Request) (problem error) {
	for _, store := range want.Keystores {
		if store.Role == tenant.RoleTrust || store.Existing != "" {
			continue
		}
		err := p.attempt(string(store.Role), p.rotateStore(ctx, want, seen, store, request))
		if errors.Is(err, vault.ErrConflict) {
			p.asking = true
		}
		problem = fault.Worse(problem, err)
	}
	return problem
}

func (p *pass) rotateStore(ctx context.Context, want tenant.Spec, seen tenant.Facts, store tenant.Keystore, request rotation.Request) error {
	turn, err := p.turn(ctx, want, seen, string(store.Role))
	if err != nil {
		return err
	}
	m, err := p.weigh(ctx, want, seen, store, request, turn)
	if err != nil {
		return err
	}
	decision := p.decide(m, turn.At)
	next, words := vault.Turn{Request: turn.Request, Run: decision.Token(), At: p.Clock.Now(), Cause: string(v1alpha1.CauseSchedule)}, wordsOf(decision.Token())
	if words == "" && !m.NotAfter.IsZero() {
		// A token for each version: the key that comes next may end soon, too.
		next.Run, next.Cause, words = turn.Run, string(v1alpha1.CauseExpiry), fmt.Sprintf("end-of-version-%d", turn.Current)
	}
	if m.Asked {
		next.Cause = causeOf(m.Verb)
		next.Request, next.Run, words = request.Token, turn.Run, wordsOf(request.Token)
	}
	if words == "" {
		return nil
	}
	child := p.children[store.Role]
	if done, err := p.doneBy(ctx, child, store, m, decision, words); err != nil || !done {
		return err
	}
	next.Current = int(child.Status.CurrentGeneration)
	if err := p.move(ctx, want, seen, m.Name, next); err != nil {
		return err
	}
	if m.Asked {
		p.delivered = append(p.delivered, m.Name)
	}
	m.Asked = false
	p.decide(m, next.At)
	p.announceStore(store, child, words)
	return nil
}

// weigh gathers what decides about a store.
func (p *pass) weigh(ctx context.Context, want tenant.Spec, seen tenant.Facts, store tenant.Keystore, request rotation.Request, turn vault.Turn) (rotation.Material, error) {
	name := string(store.Role)
	verb, named := request.Materials[name]
	asked := request.Token != "" && (named || len(request.Materials) == 0 && store.Role != tenant.RoleInternal)
	m := rotation.Material{
		Name: name, Key: want.Key().String(), Schedule: want.ScheduleOf(name), Maintenance: want.Maintenance,
		Verb: verb, Asked: asked && turn.Request != request.Token,
	}
	if asked && !m.Asked {
		p.delivered = append(p.delivered, name)
	}
	if m.Asked && verb == rotation.Drop {
		return m, dropRefused(name)
	}
	set, err := p.statefulSet(ctx, want)
	if err != nil {
		return m, err
	}
	live := store.Ring && p.shape.LiveKeys // no rollout brings it, and none is in its way
	m.RolloutInFlight = set == nil || released(set) && moving(set) && !live
	if store.Ring {
		m.Ring, m.NotAfter = p.overlap(ctx, want, seen, store), seen.Keystores[store.Role].KeyEnds
	}
	return m, nil
}

// doneBy tells whether a Keystore did what is due, and asks it to when it is time.
func (p *pass) doneBy(ctx context.Context, child *v1alpha1.Keystore, store tenant.Keystore, m rotation.Material, decision rotation.Decision, words string) (bool, error) {
	if store.Ring && m.Asked && m.Verb == rotation.Leaked {
		if handledBy(child) == words+dropped {
			return true, nil
		}
		return false, p.moveAfterLeak(ctx, child, decision, store, words)
	}
	if handledBy(child) == words || !decision.Due {
		return handledBy(child) == words, nil
	}
	return false, p.askStore(ctx, child, words)
}

// wordsOf makes of what identifies a run or a request what an annotation may have as a token.
func wordsOf(token string) string { return strings.ReplaceAll(token, ":", "") }

// askStore has a Keystore rotate, and holds the pods' template until it did.
func (p *pass) askStore(ctx context.Context, child *v1alpha1.Keystore, words string) error {
	p.asking = true
	if child.Annotations[v1alpha1.AnnotationRotate] == words {
		return fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s is being rotated", child.Name)
	}
	changed := child.DeepCopy()
	if changed.Annotations == nil {
		changed.Annotations = map[string]string{}
	}
	changed.Annotations[v1alpha1.AnnotationRotate] = words
	if err := p.client.Patch(ctx, changed, client.MergeFrom(child), client.FieldOwner(rotationManager)); err != nil {
		return fmt.Errorf("ask Keystore %s to rotate: %w", child.Name, err)
	}
	return fault.Waiting(v1alpha1.ReasonProgressing, "Keystore %s is asked to rotate", child.Name)
}

func (p *pass) announceStore(store tenant.Keystore, child *v1alpha1.Keystore, words string) {
	note := fmt.Sprintf("Rotated %s to version %d of Keystore %s, as %q asked", store.Role, child.Status.CurrentGeneration, child.Name, words)
	kind := corev1.EventTypeNormal
	if warning := pinned[store.Role]; warning != "" {
		note, kind = note+". "+warning, corev1.EventTypeWarning
	}
	publish.Event(p.Recorder, p.cr, kind, v1alpha1.EventRotated, "Rotate", note)
}

// checkNames refuses a request that names what this tenant does not have.
func (p *pass) checkNames(want tenant.Spec, request rotation.Request) error {
	var known []string
	for _, material := range p.rotatable(want) {
		known = append(known, material.name)
	}
	slices.Sort(known)
	for _, name := range slices.Sorted(maps.Keys(request.Materials)) {
		if !slices.Contains(known, name) {
			return fault.Terminal(v1alpha1.ReasonInvalidSpec, "the annotation %s: this tenant has no %s: name one of %s", v1alpha1.AnnotationRotate, name, strings.Join(known, ", "))
		}
	}
	return nil
}
