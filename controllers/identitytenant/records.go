package identitytenant

import (
	"context"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/pipeline"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// followRotations tells how far rotations have come, from where materials stand and what pods
// hold at the end of the pass: nothing else has to be remembered over a crash.
func (p *pass) followRotations(ctx context.Context, report *pipeline.Report) {
	if p.place == nil {
		return // nobody could look
	}
	served, err := p.everyPodReads(ctx, report.Want, report.Seen)
	if err != nil {
		return // it is looked at again in the next pass
	}
	if workload, ran := report.Outcome(v1alpha1.ConditionWorkloadAvailable); !ran || !workload.Met() {
		served = false
	}
	report.Seen.Rotated = p.complete(report.Want, served)
	p.noteRotations(ctx, *report, served)
}

// complete gives the token of the request, once all of it is done. What was complete once stays
// so through later rollouts.
func (p *pass) complete(want tenant.Spec, served bool) string {
	request, err := rotation.ParseRequest(p.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	if err != nil || request.Token == "" {
		return "" // the step that rotates tells what is wrong with it
	}
	for _, material := range p.rotatable(want) {
		_, named := request.Materials[material.name]
		if !named && (material.onlyNamed || len(request.Materials) > 0) {
			continue
		}
		turn := p.place.position.Of(material.name)
		if turn.Request != request.Token || !material.settled(turn, p.serves(material, served)) {
			return ""
		}
	}
	return request.Token
}

// rotatable is a material of a tenant, as far as the end of its rotation goes.
type rotatable struct {
	name string
	// onlyNamed: it rotates only when it is named.
	onlyNamed bool
	// inPods: a rollout brings it. live: a running server is given it, and tells since when it has it.
	inPods, live bool
	// closes: what was in use before is closed when the rollout is over.
	closes bool
}

// rotatable lists what the tenant can rotate: what is generated for its server, and its stores.
func (p *pass) rotatable(want tenant.Spec) (all []rotatable) {
	for _, material := range p.driver.Materials(want) {
		if material.Once {
			continue
		}
		all = append(all, rotatable{name: material.Name, onlyNamed: material.Irreplaceable, inPods: !material.FirstStart, closes: material.Name == idp.MaterialSystem})
	}
	if want.Database.Credentials.Role != "" {
		all = append(all, rotatable{name: materialDatabase, inPods: true, closes: true})
	}
	for _, store := range want.Keystores {
		if store.Role != tenant.RoleTrust && store.Existing == "" {
			live := store.Ring && p.shape.LiveKeys
			all = append(all, rotatable{name: string(store.Role), onlyNamed: store.Role == tenant.RoleInternal, inPods: !live, live: live})
		}
	}
	return all
}

// settled tells whether nothing of the rotation that led to the turn is still to be done.
func (r rotatable) settled(turn vault.Turn, served bool) bool {
	return (served || !r.inPods && !r.live) && (turn.Previous == 0 || !r.closes)
}

// serves tells whether a material is in use everywhere; served is so of what pods hold.
func (p *pass) serves(material rotatable, served bool) bool {
	if material.live {
		return p.signing != nil && !p.signing.CurrentSince.IsZero()
	}
	return served
}
