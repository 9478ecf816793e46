package keycloak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// attempts is how often a write is repeated that was not kept: somebody who writes at the
// same time can take ours with it.
const attempts = 3

// Observe implements idp.Admin with one GET for each realm.
func (a *admin) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	out := make(tenant.Settings, len(realms))
	for _, name := range realms {
		live, err := a.load(ctx, name)
		if err != nil {
			return nil, err
		}
		out[name] = live.settings()
	}
	return out, nil
}

// load reads a realm. Faults, beside those of a call: Waiting RealmMissing.
func (a *admin) load(ctx context.Context, name string) (realm, error) {
	var live realm
	err := a.ask(ctx, call{method: http.MethodGet, path: realmPath(name), into: &live})
	return live, realmFault(name, err)
}

// Configure implements idp.Admin. Settings that NotEnforceable names are left out. A
// value that the product cannot hold is refused before anything is written.
func (a *admin) Configure(ctx context.Context, change tenant.Diff) error {
	byRealm := map[string]tenant.Diff{}
	var refused []error
	for _, c := range change {
		if leftOut(c.Setting, c.To) {
			continue
		}
		if err := possible(c.Setting, c.To); err != nil {
			refused = append(refused, settingsRefused(tenant.Diff{c}, "the product cannot hold it: "+err.Error()))
		}
		byRealm[c.Realm] = append(byRealm[c.Realm], c)
	}
	if len(refused) > 0 {
		return together(refused)
	}
	for _, name := range slices.Sorted(maps.Keys(byRealm)) {
		err := a.configureRealm(ctx, name, byRealm[name])
		if err != nil && !isSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	return together(refused)
}

// configureRealm writes until the realm holds all.
func (a *admin) configureRealm(ctx context.Context, name string, changes tenant.Diff) error {
	for attempt := 0; ; attempt++ {
		live, err := a.load(ctx, name)
		if err != nil {
			return err
		}
		open := live.open(changes)
		if len(open) == 0 {
			return nil
		}
		if attempt == attempts {
			var refused []error
			for _, c := range open {
				refused = append(refused, settingsRefused(tenant.Diff{c}, fmt.Sprintf("the server answered that it took it, but holds %q", c.From)))
			}
			return together(refused)
		}
		if err := a.write(ctx, name, live, open); err != nil {
			return err
		}
	}
}

// open are the changes that the realm does not hold, with what it holds instead.
func (r realm) open(changes tenant.Diff) tenant.Diff {
	var open tenant.Diff
	for _, c := range changes {
		value, ok := r.read(c.Setting)
		if ok && value == c.To {
			continue
		}
		c.From = value
		open = append(open, c)
	}
	return open
}

// write sends all open changes in one request. Where the server refuses that, each is sent
// alone, so that one does not keep the others from being written.
func (a *admin) write(ctx context.Context, name string, live realm, open tenant.Diff) error {
	draft := live.clone()
	for _, c := range open {
		draft.write(c.Setting, c.To)
	}
	err := refusedFor(open, a.put(ctx, name, live, draft))
	if len(open) == 1 || !isSettingRefused(err) {
		return err
	}
	var refused []error
	for _, c := range open {
		live, err := a.load(ctx, name)
		if err != nil {
			return err
		}
		err = a.write(ctx, name, live, tenant.Diff{c})
		if err != nil && !isSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	return together(refused)
}

// put sends what differs. What a request does not name the server leaves alone, but for the
// attributes: it takes away those that are missing, and the fields that it keeps among
// them. So a request with attributes has the whole realm in it.
func (a *admin) put(ctx context.Context, name string, live, draft realm) error {
	body := draft.differing(live)
	if len(body) == 0 {
		return nil
	}
	if _, whole := body[attributesField]; whole {
		body = draft
	}
	return realmFault(name, a.ask(ctx, call{method: http.MethodPut, path: realmPath(name), body: body}))
}

// refusedFor says which settings an answer is about.
func refusedFor(changes tenant.Diff, err error) error {
	var answer *refusal
	if err == nil || isFault(err) || !errors.As(err, &answer) {
		return err
	}
	return settingsRefused(changes, answer.Error())
}

// settingsRefused is the fault of settings of one realm.
func settingsRefused(changes tenant.Diff, why string) error {
	var named []string
	for _, c := range changes {
		named = append(named, fmt.Sprintf("%s = %q", c.Setting, bounded(c.To)))
	}
	return fault.Terminal(idp.ReasonSettingRefused, "realm %s: %s is not kept: %s", changes[0].Realm, strings.Join(named, ", "), strings.TrimSpace(why))
}

// together makes one fault of several, on one line.
func together(refused []error) error {
	refused = slices.DeleteFunc(refused, func(err error) bool { return err == nil })
	switch len(refused) {
	case 0:
		return nil
	case 1:
		return refused[0]
	}
	const most = 10
	var messages []string
	for _, err := range refused[:min(len(refused), most)] {
		messages = append(messages, err.Error())
	}
	if more := len(refused) - most; more > 0 {
		messages = append(messages, fmt.Sprintf("and %d more", more))
	}
	return fault.Terminal(idp.ReasonSettingRefused, "%s", strings.Join(messages, "; "))
}

func isSettingRefused(err error) bool {
	return isFault(err) && fault.Of(err, "").Reason == idp.ReasonSettingRefused
}

func isFault(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f)
}
