package identitytenant

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// inUseSince is when a material came into use: when it rotated last or, of one that never did,
// when the tenant was made.
func (p *pass) inUseSince(rotated time.Time) time.Time {
	if rotated.IsZero() {
		rotated = p.cr.CreationTimestamp.Time
	}
	return p.steady.Came(rotated, p.Clock.Now())
}

// decide asks whether a material rotates now, and keeps the answer for the status. rotated is
// when it did last, zero for never.
func (p *pass) decide(m rotation.Material, rotated time.Time) rotation.Decision {
	m.Since = p.inUseSince(rotated)
	d := rotation.Decide(m, p.Clock.Now())
	if m.Schedule.Runs() || !m.NotAfter.IsZero() || m.Asked {
		p.rotations[m.Name] = tenant.RotationFact{Material: m.Name, NextDue: d.NextDue, Last: rotated, Overdue: d.Overdue, Reason: string(d.Reason), Message: d.Message}
		p.wake(d.Again)
	}
	return d
}

// observeRotations tells what was decided in this pass, and when the issuer renews what it issued.
func (p *pass) observeRotations(_ context.Context, want tenant.Spec, seen *tenant.Facts) error {
	for _, store := range want.Keystores {
		fact, usable := seen.Keystores[store.Role]
		if store.Issued && usable && !fact.NotAfter.IsZero() {
			p.rotations[string(store.Role)] = p.issued(store, fact)
		}
		if warning, ok := pinned[store.Role]; ok && usable && store.Existing == "" {
			p.tellEnd(store, fact, warning)
		}
	}
	seen.Signing, seen.Served = p.signing, p.served
	for _, material := range slices.Sorted(maps.Keys(p.rotations)) {
		seen.Rotations = append(seen.Rotations, p.rotations[material])
	}
	return p.leaseTrouble
}

// tellEnd tells of a key that others hold on to, and that nobody here replaces unasked, that
// its certificate is about to end.
func (p *pass) tellEnd(store tenant.Keystore, seen tenant.KeystoreFact, warning string) {
	d := rotation.Decide(rotation.Material{Name: string(store.Role), NotAfter: seen.KeyEnds}, p.Clock.Now())
	if !d.Due {
		p.wake(d.Again)
		return
	}
	p.rotations[string(store.Role)] = tenant.RotationFact{Material: string(store.Role), NextDue: d.NextDue, Overdue: d.NextDue, Reason: string(rotation.Expiring),
		Message: fmt.Sprintf("its certificate ends at %s, and it rotates only when it is asked for by name: annotate %s. %s",
			seen.KeyEnds.UTC().Format(time.RFC3339), v1alpha1.AnnotationRotate, warning)}
}

// issued is a certificate that its issuer renews: nobody here decides when, but that it did
// not is worth telling.
func (p *pass) issued(store tenant.Keystore, seen tenant.KeystoreFact) tenant.RotationFact {
	d := rotation.Decide(rotation.Material{Name: string(store.Role), NotAfter: seen.NotAfter, RenewBefore: store.RenewBefore}, p.Clock.Now())
	fact := tenant.RotationFact{Material: string(store.Role), NextDue: d.NextDue, Overdue: d.Overdue, Reason: string(d.Reason), Message: d.Message}
	if d.Due {
		fact.Message = fmt.Sprintf("the issuer has not renewed it yet, and it ends at %s: see Keystore %s", seen.NotAfter.UTC().Format(time.RFC3339), seen.Name)
	}
	if block, _ := pem.Decode(seen.CertificatePEM); block != nil && seen.Generation > 1 {
		if leaf, err := x509.ParseCertificate(block.Bytes); err == nil {
			fact.Last = leaf.NotBefore
		}
	}
	return fact
}
