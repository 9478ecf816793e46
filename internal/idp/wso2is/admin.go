package wso2is

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// admin speaks to a server over its REST APIs. It signs in as the bootstrap account:
// the system account, which pods hold, has hardly any right.
type admin struct {
	client  *client
	access  idp.Access
	version string
}

// Connect implements idp.Driver. It asks for the server's health without signing in,
// so that a server that does not answer is Waiting, reason ServerUnreachable.
func (Driver) Connect(ctx context.Context, _ tenant.Spec, seen tenant.Facts, access idp.Access) (idp.Admin, error) {
	client, err := newClient(access)
	if err != nil {
		return nil, err
	}
	a := &admin{client: client, access: access, version: seen.ServingVersion}
	if _, err := a.healthy(ctx); err != nil {
		_ = a.Close()
		return nil, err
	}
	return a, nil
}

// Probe implements idp.Admin. The product tells its version nowhere once its Server
// header is off, so the version is that of the revision that serves.
func (a *admin) Probe(ctx context.Context) (idp.Health, error) {
	health := idp.Health{Version: a.version}
	var err error
	if health.Serving, err = a.healthy(ctx); err != nil {
		return health, err
	}
	// What is asked for is what the account is needed for, so that a login without rights is
	// not taken for a good one. The rules of passwords are open to anybody.
	err = a.client.do(ctx, call{method: http.MethodGet, path: realmPath(tenant.RootRealm) + governancePath + restID(string(categories[0])), account: a.account(tenant.RootRealm)})
	if err != nil {
		return health, err
	}
	health.LoggedIn = true
	return health, nil
}

// healthy asks the open health check: true when it answers 200, false when it
// answers that something is amiss.
func (a *admin) healthy(ctx context.Context) (bool, error) {
	err := a.client.do(ctx, call{method: http.MethodGet, path: "/api/health-check/v1.0/health"})
	var answer *refusal
	if errors.As(err, &answer) && answer.status == http.StatusServiceUnavailable {
		return false, nil
	}
	return err == nil, err
}

// Close implements idp.Admin.
func (a *admin) Close() error {
	a.client.http.CloseIdleConnections()
	return nil
}

// realmPath is the base of a realm's REST APIs. The root realm is the super tenant,
// which the product serves without /t/ only.
func realmPath(realm string) string {
	if realm == tenant.RootRealm {
		return "/api/server/v1"
	}
	return "/t/" + url.PathEscape(idp.NameOf(realm, superTenant)) + "/api/server/v1"
}

// account is who signs in for a realm. In another realm the account says where it
// lives, or the product would look for it there.
func (a *admin) account(realm string) *idp.UsernamePassword {
	account := a.access.Bootstrap
	if realm != tenant.RootRealm {
		account.Username += "@" + superTenant
	}
	return &account
}

const (
	passwordRulesPath = "/validation-rules/password"
	governancePath    = "/identity-governance/"
)

// liveRealm is what a server holds for a realm.
type liveRealm struct {
	rules      validators
	governance governance
	configs    configs
}

// settings are all that we have a word for.
func (l liveRealm) settings() tenant.RealmSettings {
	out := tenant.RealmSettings{}
	for setting := range passwordRules {
		if value, ok := l.read(setting); ok {
			out[setting] = value
		}
	}
	for setting := range bindings {
		if value, ok := l.read(setting); ok {
			out[setting] = value
		}
	}
	for setting := range configFields {
		if value, ok := l.read(setting); ok {
			out[setting] = value
		}
	}
	return out
}

// read gives the live value of a setting, false when the server has none.
func (l liveRealm) read(setting tenant.Setting) (string, bool) {
	if rule, ok := passwordRules[setting]; ok {
		return rule.decode(l.rules)
	}
	if field, ok := configFields[setting]; ok {
		return field.decode(l.configs)
	}
	return observeSetting(setting, l.governance)
}

// load reads a realm. Faults, beside those of a call: Waiting RealmMissing.
func (a *admin) load(ctx context.Context, realm string) (liveRealm, error) {
	live := liveRealm{governance: governance{}, configs: configs{}}
	var rules passwordModel
	err := a.client.do(ctx, call{method: http.MethodGet, path: realmPath(realm) + passwordRulesPath, account: a.account(realm), into: &rules})
	if err != nil {
		return live, realmFault(realm, err)
	}
	live.rules = rules.validators()
	for _, category := range categories {
		if err := a.loadCategory(ctx, realm, category, live.governance); err != nil {
			return live, err
		}
	}
	return live, a.loadConfigs(ctx, realm, live.configs)
}

// loadConfigs reads the documents of a realm: the answer for all of them has two more in it.
func (a *admin) loadConfigs(ctx context.Context, realm string, into configs) error {
	for _, own := range []document{serverConfigs, assertConfig} {
		answer := map[string]json.RawMessage{}
		err := a.client.do(ctx, call{method: http.MethodGet, path: realmPath(realm) + own.path, account: a.account(realm), into: &answer})
		if isNotFound(err) {
			continue // a build without it
		}
		if err != nil {
			return realmFault(realm, err)
		}
		into.keep(own.path, answer)
		for _, nested := range []document{corsConfig, clientConfig} {
			inner := map[string]json.RawMessage{}
			if own == serverConfigs && json.Unmarshal(answer[nested.within], &inner) == nil {
				into.keep(nested.path, inner)
			}
		}
	}
	return nil
}

func isNotFound(err error) bool {
	var answer *refusal
	return errors.As(err, &answer) && answer.status == http.StatusNotFound
}

// loadCategory adds what a category lists. A build that lacks all connectors of a
// category answers 404.
func (a *admin) loadCategory(ctx context.Context, realm string, category category, into governance) error {
	var listed struct {
		Connectors []struct {
			Name       string
			Properties []struct{ Name, Value string }
		}
	}
	err := a.client.do(ctx, call{method: http.MethodGet, path: realmPath(realm) + governancePath + restID(string(category)),
		account: a.account(realm), into: &listed})
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return realmFault(realm, err)
	}
	for _, connector := range listed.Connectors {
		into[connector.Name] = properties{}
		for _, property := range connector.Properties {
			into[connector.Name][property.Name] = property.Value
		}
	}
	return nil
}

// realmFault says what an answer means for a realm other than root. An account that root lets
// in is refused by a pod that started before the realm was declared: the rollout answers it.
func realmFault(realm string, err error) error {
	if realm == tenant.RootRealm {
		return err
	}
	if isNotFound(err) {
		return fault.Waiting(idp.ReasonRealmMissing, "realm %s: the server has no active server tenant of this domain; "+
			"create it in the server or take it out of spec.realms", realm)
	}
	if f := fault.Of(err, ""); fault.IsTerminal(err) && f.Reason == idp.ReasonServerRefusedLogin {
		return fault.Waiting(idp.ReasonServerRefusedLogin, "realm %s: the server does not let the super tenant's account into this server tenant; "+
			"its pods run with a deployment.toml whose [[resource.access_control]] has no cross_tenant for it yet: let the rollout end", realm).Because(err)
	}
	return err
}
