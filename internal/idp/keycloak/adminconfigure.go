package keycloak

import (
	"context"
	"errors"
	"net/http"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// realms is how settings of a realm are read and written. A realm is one GET.
func (a *admin) realms() idp.Realms[realm] {
	return idp.Realms[realm]{
		LeftOut:  func(c tenant.Change) bool { return leftOut(c.Setting, c.To) },
		Possible: possible, Load: a.load, Settings: realm.settings, Read: realm.read, Write: a.write,
	}
}

// Observe implements idp.Admin.
func (a *admin) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	return a.realms().Observe(ctx, realms)
}

// Configure implements idp.Admin. Settings that NotEnforceable names are left out.
func (a *admin) Configure(ctx context.Context, change tenant.Diff) error {
	return a.realms().Configure(ctx, change)
}

// load reads a realm. Faults, beside those of a call: Waiting RealmMissing.
func (a *admin) load(ctx context.Context, name string) (realm, error) {
	var live realm
	err := a.ask(ctx, call{method: http.MethodGet, path: realmPath(name), into: &live})
	return live, realmFault(name, err)
}

// write sends all open changes in one request. Where the server refuses that, each is sent
// alone, so that one does not keep the others from being written.
func (a *admin) write(ctx context.Context, name string, live realm, open tenant.Diff) error {
	draft := live.clone()
	for _, c := range open {
		draft.write(c.Setting, c.To)
	}
	err := refusedFor(open, a.put(ctx, name, live, draft))
	if len(open) == 1 || !idp.IsSettingRefused(err) {
		return err
	}
	var refused []error
	for _, c := range open {
		live, err := a.load(ctx, name)
		if err != nil {
			return err
		}
		err = a.write(ctx, name, live, tenant.Diff{c})
		if err != nil && !idp.IsSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	return idp.Together(refused)
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
	if err == nil || fault.Is(err) || !errors.As(err, &answer) {
		return err
	}
	return idp.SettingsRefused(changes, answer.Error())
}
