package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// renewed has cert-manager make a new key and certificate before their time, and gives the turn that names them once they are
// there and in Vault. Until then it is a Waiting fault. First it is written down for which key another one is asked, so that
// whoever comes next, after a crash, knows the new one when he sees it and asks for no third.
func (p *pass) renewed(ctx context.Context, a ask, token string) (vault.Turn, error) {
	turn := p.standing.position.Of(a.material)
	live, err := p.issue(ctx, a.entry)
	if err != nil {
		return turn, err
	}
	if turn.Pending != token {
		if err := p.escrow(ctx, live); err != nil {
			return turn, err
		}
		newest, err := p.newestGeneration(ctx, a.material)
		if err != nil {
			return turn, err
		}
		if newest != turn.Current { // it was renewed in its time since the last request
			turn.From, turn.Cause, turn.Of = turn.Current, string(v1alpha1.CauseExpiry), string(p.cr.UID)
		}
		turn.Current, turn.Pending = newest, token
		if err := p.move(ctx, map[string]vault.Turn{a.material: turn}); err != nil {
			return turn, err
		}
	}
	former, err := p.keptKey(ctx, a.material, turn.Current)
	if err != nil {
		return turn, err
	}
	if sameKey(former, live.PrivateKey) {
		return turn, p.triggerRenewal(ctx, a.entry, live.certificate)
	}
	if err := p.escrow(ctx, live); err != nil {
		return turn, err
	}
	turn.Request, turn.Pending, turn.At = token, "", p.Clock.Now()
	turn.From, turn.Cause, turn.Of = turn.Current, causeOf(a.verb), string(p.cr.UID)
	turn.Current, err = p.newestGeneration(ctx, a.material)
	return turn, err
}

// keptKey reads the private key of a generation that is in Vault.
func (p *pass) keptKey(ctx context.Context, material string, generation int) (crypto.Signer, error) {
	data, path, err := p.ensure(ctx, material, generation, func() (map[string]string, error) { return nil, errNothingThere })
	if errors.Is(err, errNothingThere) {
		return nil, p.lost(material, path)
	}
	if err != nil {
		return nil, err
	}
	key, err := keystore.ParsePrivateKey([]byte(data[fieldPrivateKey]))
	if err != nil {
		return nil, p.troubled(fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s in Vault holds no private key that can be read; roll the value back", path))
	}
	return key, nil
}

// triggerRenewal says to cert-manager what its own command line says, unless it is at work already. The Certificate is as it was
// before its key was found to be the old one: if it changed since, perhaps because it was renewed, this is refused, and the key
// is looked at again.
func (p *pass) triggerRenewal(ctx context.Context, e entry, seen *cmv1.Certificate) error {
	waiting := fault.Waiting(v1alpha1.ReasonCertificatePending, "%s: cert-manager is asked for a new key and certificate, which are not there yet", e.field())
	live := seen.DeepCopy()
	now := metav1.NewTime(p.Clock.Now())
	asked := cmv1.CertificateCondition{
		Type: cmv1.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "RotationRequested", Message: "Holdfast was asked to rotate the key",
		LastTransitionTime: &now, ObservedGeneration: live.Generation,
	}
	before := live.DeepCopy()
	for i, condition := range live.Status.Conditions {
		if condition.Type != cmv1.CertificateConditionIssuing {
			continue
		}
		if condition.Status == cmmeta.ConditionTrue {
			return waiting
		}
		if condition.Reason == "Failed" && live.Status.LastFailureTime != nil {
			return waiting // cert-manager tries again by itself, ever more seldom
		}
		live.Status.Conditions = append(live.Status.Conditions[:i], live.Status.Conditions[i+1:]...)
		break
	}
	live.Status.Conditions = append(live.Status.Conditions, asked)
	if err := p.client.Status().Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("%s: ask cert-manager to renew Certificate %s: %w", e.field(), live.Name, err)
	}
	return waiting
}
