package identitytenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/publish"
	"github.com/holdfast-iam/holdfast/internal/apply"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// leeway is for how long a rollout that is under way goes on when its window has closed.
const leeway = time.Hour

// windowOpen tells whether pods may be replaced now, as far as the maintenance windows go.
func (r *Reconciler) windowOpen(want tenant.Spec) bool {
	if r.WindowOpen != nil {
		return r.WindowOpen(want.Key())
	}
	return want.Maintenance.Open(r.Clock.Now())
}

// wake asks for a look at a time; the first one that was asked for counts.
func (p *pass) wake(at time.Time) {
	if !at.IsZero() && (p.wakeAt.IsZero() || at.Before(p.wakeAt)) {
		p.wakeAt = at
	}
}

// build makes the objects around the pods, and decides whether their newest template may
// replace pods now.
func (p *pass) build(ctx context.Context, want tenant.Spec, seen tenant.Facts, live *appsv1.StatefulSet) (desired.Around, error) {
	windowOpen := want.WindowOpen
	if want.WindowOpen = true; live != nil {
		want.WindowOpen, want.Rotated = released(live), live.Spec.Template.Annotations[tenant.AnnotationRotated]
	}
	around, err := desired.Workload(p.driver, want, seen)
	if err != nil || p.firstInstall(live) {
		return around, err
	}
	changed := around.Revision != live.Spec.Template.Annotations[tenant.AnnotationRevision]
	if !changed && !moving(live) {
		return around, nil // nothing waits: a window that opens or closes is no reason to write
	}
	rebuild := false
	if changed {
		// A request is only noted in a template that it changed: one that did not replaces no pod.
		requested, err := p.requested(ctx, want, seen)
		if err != nil {
			return around, err
		}
		if rebuild = requested != "" && requested != want.Rotated; rebuild {
			want.Rotated = requested
		}
	}
	open, err := p.mayReplace(ctx, want, live, changed, windowOpen)
	if err != nil {
		return around, err
	}
	if !rebuild && open == want.WindowOpen {
		return around, nil
	}
	want.WindowOpen = open
	return desired.Workload(p.driver, want, seen)
}

// firstInstall tells whether no revision has ever served: there is nothing that a rollout
// could harm, and a repair must not wait. That one did, when the status was lost, is told
// by pods that all run it, and by a partition that stands.
func (p *pass) firstInstall(live *appsv1.StatefulSet) bool {
	if live == nil {
		return true
	}
	serves := !moving(live) && live.Status.ReadyReplicas > 0 && live.Status.ReadyReplicas == live.Status.Replicas
	return p.cr.Status.ServingRevision == "" && released(live) && !serves
}

// mayReplace tells whether pods may be replaced by the newest template now.
func (p *pass) mayReplace(ctx context.Context, want tenant.Spec, live *appsv1.StatefulSet, changed, windowOpen bool) (bool, error) {
	now := p.Clock.Now()
	if windowOpen || p.WindowOpen != nil {
		return windowOpen, nil
	}
	if !changed && released(live) && want.Maintenance.Open(now.Add(-leeway)) {
		return true, nil
	}
	serving, err := p.servingTemplate(ctx, live)
	if err != nil || serving == nil {
		return false, err
	}
	if want.Rotated != serving.Annotations[tenant.AnnotationRotated] {
		return true, nil // a person asked for what it changes
	}
	if p.expires, err = p.lockedOut(ctx, want, serving.Spec); err != nil || p.expires != "" {
		return p.expires != "", err
	}
	p.expires, err = p.expiring(ctx, want, *serving, now)
	return p.expires != "", err
}

// requested names the request that rotated what pods hold, and what of it. Empty: none did.
func (p *pass) requested(ctx context.Context, want tenant.Spec, seen tenant.Facts) (string, error) {
	request, err := rotation.ParseRequest(p.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	if err != nil || request.Token == "" {
		return "", nil //nolint:nilerr // the step that rotates tells what is wrong with it
	}
	names := slices.Clone(p.delivered)
	for _, material := range p.driver.Materials(want) {
		turn, err := p.turn(ctx, want, seen, material.Name)
		if err != nil {
			return "", err
		}
		if !material.FirstStart && turn.Request == request.Token {
			names = append(names, material.Name)
		}
	}
	if want.Database.Credentials.Role != "" {
		turn, err := p.turn(ctx, want, seen, materialDatabase)
		if err != nil {
			return "", err
		}
		if turn.Request == request.Token {
			names = append(names, materialDatabase)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	slices.Sort(names)
	return request.Token + " " + strings.Join(slices.Compact(names), " "), nil
}

// expiring says of a certificate that pods serve, and that the newest template replaces, that
// it would end before a window opens. Empty: none does.
func (p *pass) expiring(ctx context.Context, want tenant.Spec, serving corev1.PodTemplateSpec, now time.Time) (string, error) {
	text, err := json.Marshal(serving.Spec)
	if err != nil {
		return "", err
	}
	for _, store := range want.Keystores {
		child := &v1alpha1.Keystore{}
		err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: want.KeystoreName(store.Role)}, child)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		ends := endOf(child, string(text))
		hold := rotation.Hold(now, ends, want.Maintenance)
		if hold.Expiring {
			zone := want.Maintenance.Zone()
			return fmt.Sprintf("pods are replaced outside of any window: the certificate of Keystore %s that they serve ends at %s, %s", child.Name, ends.In(zone).Format(time.RFC3339), hold.Before(zone)), nil
		}
		p.wake(hold.Until) // which is the opening, where one is known
	}
	return "", nil
}

// endOf is the first end of a certificate of the store's versions that a template names and
// that are not the newest; zero: it names none.
func endOf(child *v1alpha1.Keystore, template string) (first time.Time) {
	for _, version := range child.Status.Versions {
		if version.SecretName == child.Status.SecretName || !strings.Contains(template, `"`+version.SecretName+`"`) {
			continue
		}
		for _, entry := range version.Entries {
			if end := entry.NotAfter.Time; !entry.Trusted && (first.IsZero() || end.Before(first)) {
				first = end
			}
		}
	}
	return first
}

// observeHold tells until when a template is held, and what it changes.
func (p *pass) observeHold(ctx context.Context, want tenant.Spec, set *appsv1.StatefulSet, seen *tenant.Facts) error {
	now := p.Clock.Now()
	if moving(set) && released(set) {
		if late := rotation.Hold(now.Add(-leeway), time.Time{}, want.Maintenance); late.Open && !late.Until.IsZero() {
			p.wake(late.Until.Add(leeway))
		}
	}
	if !seen.Pods.Held {
		return nil
	}
	if hold := rotation.Hold(now, time.Time{}, want.Maintenance); !hold.Open {
		seen.Pods.Opens = hold.Next
	}
	serving, err := p.servingTemplate(ctx, set)
	if err != nil || serving == nil {
		return err
	}
	seen.Pods.Changes = desired.Changes(want, *serving, set.Spec.Template)
	return nil
}

// announceExpiring tells why a rollout begins outside of any window.
func (p *pass) announceExpiring(changes []apply.Change) {
	begins := func(change apply.Change) bool { return change.Kind == "StatefulSet" }
	if p.expires != "" && slices.ContainsFunc(changes, begins) {
		publish.Event(p.Recorder, p.cr, corev1.EventTypeWarning, v1alpha1.ReasonExpiring, "Roll", strings.ToUpper(p.expires[:1])+p.expires[1:])
	}
}
