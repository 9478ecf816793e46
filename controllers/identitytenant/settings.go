package identitytenant

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// applySettings compares declared settings with those of the running server, writes
// what differs, and has them read back.
func (p *pass) applySettings(ctx context.Context, want tenant.Spec, seen tenant.Facts) (err error) {
	if !p.haveAccount {
		return fault.Waiting(v1alpha1.ReasonDependencyNotReady, "the operator's account could not be read from Vault")
	}
	admin, err := p.driver.Connect(ctx, want, seen, p.access(want, seen))
	if err != nil {
		return err
	}
	defer func() {
		if closing := admin.Close(); err == nil && closing != nil {
			err = fmt.Errorf("close the connection to the server: %w", closing)
		}
	}()
	if _, err := admin.EnsureAccounts(ctx); err != nil {
		return err
	}
	declared := idp.Enforceable(want.Settings(), p.driver.NotEnforceable(want))
	live, err := admin.Observe(ctx, slices.Sorted(maps.Keys(declared)))
	if err != nil {
		return err
	}
	diff := tenant.Compare(declared, live)
	if len(diff) == 0 {
		return nil
	}
	if err := admin.Configure(ctx, diff); err != nil {
		return err
	}
	p.announceSettings(diff)
	return nil
}

// observeSettings notes what the product cannot enforce.
func (p *pass) observeSettings(_ context.Context, want tenant.Spec, seen *tenant.Facts) error {
	seen.NotEnforceable = p.driver.NotEnforceable(want)
	return nil
}

func (p *pass) access(want tenant.Spec, seen tenant.Facts) idp.Access {
	name := fmt.Sprintf("%s.%s.svc", want.ServiceName(), want.Namespace)
	access := p.Access
	access.Address = net.JoinHostPort(name, strconv.Itoa(int(p.shape.HTTPSPort)))
	access.ServerName = name
	access.CA = seen.Keystores[tenant.RoleTLS].CertificatePEM
	access.Bootstrap, access.System = p.accounts.Bootstrap, p.accounts.System
	return access
}

// announceSettings reports drift: a setting that was right for this very generation
// and is not any more was changed by hand. One that the policy itself changed is no drift.
func (p *pass) announceSettings(diff tenant.Diff) {
	before := apimeta.FindStatusCondition(p.cr.Status.Conditions, v1alpha1.ConditionSettingsApplied)
	if before == nil || before.Status != "True" || before.ObservedGeneration != p.cr.Generation {
		return
	}
	declared := tenant.Settings(nil)
	last, known := p.lastGood.Load(client.ObjectKeyFromObject(p.cr))
	if known {
		declared = last.(tenant.Spec).Settings()
	}
	for _, change := range diff {
		if known && declared[change.Realm][change.Setting] != change.To {
			continue
		}
		// Named beside the tenant: events that agree in all but the note are counted as one.
		setting := &corev1.ObjectReference{Kind: "IdentityTenant", Namespace: p.cr.Namespace, Name: p.cr.Name, FieldPath: change.Realm + "/" + string(change.Setting)}
		p.Recorder.Eventf(p.cr, setting, corev1.EventTypeWarning, v1alpha1.EventSettingRestored, "Restore",
			"Realm %s: put back %s from %q to %q", change.Realm, change.Setting, change.From, change.To)
	}
}
