package idp

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// attempts is how often a write is repeated that was not kept: somebody who writes at the
// same time can take ours with it (catalogue G-08).
const attempts = 3

// Realms is how the settings of one product's realms are read and written: Observe and
// Configure of its Admin. L is what a server holds of a realm.
type Realms[L any] struct {
	// LeftOut tells changes for which there is nothing to do; Possible whether the product has a
	// place for a value at all.
	LeftOut  func(tenant.Change) bool
	Possible func(tenant.Setting, string) error
	// Load reads a realm.
	Load func(ctx context.Context, realm string) (L, error)
	// Settings are all that we have a word for; Read is one of them, false when nothing tells it.
	Settings func(L) tenant.RealmSettings
	Read     func(L, tenant.Setting) (string, bool)
	// Write sends changes that the realm does not hold. What the server refuses of them is a
	// fault, reason SettingRefused, and does not keep the rest from being written.
	Write func(ctx context.Context, realm string, live L, open tenant.Diff) error
}

// Observe reads each realm once.
func (r Realms[L]) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	out := make(tenant.Settings, len(realms))
	for _, realm := range realms {
		live, err := r.Load(ctx, realm)
		if err != nil {
			return nil, err
		}
		out[realm] = r.Settings(live)
	}
	return out, nil
}

// Configure writes until each realm holds all. A value that the product cannot hold is
// refused before anything is written.
func (r Realms[L]) Configure(ctx context.Context, change tenant.Diff) error {
	byRealm := map[string]tenant.Diff{}
	var refused []error
	for _, c := range change {
		if r.LeftOut(c) {
			continue
		}
		if err := r.Possible(c.Setting, c.To); err != nil {
			refused = append(refused, SettingsRefused(tenant.Diff{c}, "the product cannot hold it: "+err.Error()))
		}
		byRealm[c.Realm] = append(byRealm[c.Realm], c)
	}
	if len(refused) > 0 {
		return Together(refused)
	}
	for _, realm := range slices.Sorted(maps.Keys(byRealm)) {
		err := r.configure(ctx, realm, byRealm[realm])
		if err != nil && !IsSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	return Together(refused)
}

func (r Realms[L]) configure(ctx context.Context, realm string, changes tenant.Diff) error {
	for attempt := 0; ; attempt++ {
		live, err := r.Load(ctx, realm)
		if err != nil {
			return err
		}
		open := r.open(live, changes)
		if len(open) == 0 {
			return nil
		}
		if attempt == attempts {
			var refused []error
			for _, c := range open {
				refused = append(refused, SettingsRefused(tenant.Diff{c}, fmt.Sprintf("the server answered that it took it, but holds %q", c.From)))
			}
			return Together(refused)
		}
		if err := r.Write(ctx, realm, live, open); err != nil {
			return err
		}
	}
}

// open are the changes that the realm does not hold, with what it holds instead.
func (r Realms[L]) open(live L, changes tenant.Diff) tenant.Diff {
	var open tenant.Diff
	for _, c := range changes {
		value, ok := r.Read(live, c.Setting)
		if ok && value == c.To {
			continue
		}
		c.From = value
		open = append(open, c)
	}
	return open
}
