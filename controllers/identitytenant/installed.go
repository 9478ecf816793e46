package identitytenant

import (
	"context"
	"maps"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// materialInstalled keeps the choices of the first start in Vault, beside the keys without
// which they mean nothing. It never has a second generation.
const materialInstalled = "installed"

// none stands in Vault for a key that was not written: a value there cannot be empty.
const none = "-"

// ensureInstalled sees to it that what is rendered keeps the choices that the server began
// with. The status is believed while it agrees with the profile; else Vault says what they
// are, which also brings them back to a tenant that lost its status or was made anew.
func (p *pass) ensureInstalled(ctx context.Context, want tenant.Spec, seen tenant.Facts) error {
	byProfile := p.driver.FirstStart(want)
	if maps.Equal(want.Installed, byProfile) {
		p.installed = want.Installed
		return nil
	}
	kept, err := p.inUse(ctx, want, seen, idp.Material{Name: materialInstalled, Generate: func(map[string]string) (map[string]string, error) {
		return escaped(byProfile), nil
	}}, 1)
	if err != nil {
		return err
	}
	p.installed = map[string]string{}
	for key := range byProfile {
		p.installed[key] = kept[key] // of a choice that nobody knew of then the product's own way holds
		if kept[key] == none {
			p.installed[key] = ""
		}
	}
	rendered := want.Installed
	if rendered == nil {
		rendered = byProfile
	}
	if !maps.Equal(p.installed, rendered) {
		return fault.Waiting(v1alpha1.ReasonProgressing, "Vault has choices of an earlier first start: they are taken up")
	}
	return nil
}

func escaped(choices map[string]string) map[string]string {
	kept := maps.Clone(choices)
	for key, value := range kept {
		if value == "" {
			kept[key] = none
		}
	}
	return kept
}

// installedOf gives the choices as the status has them, nil when it has none.
func installedOf(cr *v1alpha1.IdentityTenant) map[string]string {
	if len(cr.Status.Installed) == 0 {
		return nil
	}
	choices := map[string]string{}
	for _, choice := range cr.Status.Installed {
		choices[choice.Key] = choice.Value
	}
	return choices
}
