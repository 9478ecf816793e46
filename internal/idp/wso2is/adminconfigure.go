package wso2is

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// realms is how settings of a realm are read and written. A realm is eight GET requests.
func (a *admin) realms() idp.Realms[liveRealm] {
	return idp.Realms[liveRealm]{
		LeftOut: func(c tenant.Change) bool {
			_, without := withoutValidator[c.Setting]
			return without
		},
		Possible: possible, Load: a.load, Settings: liveRealm.settings, Read: liveRealm.read, Write: a.write,
	}
}

// Observe implements idp.Admin.
func (a *admin) Observe(ctx context.Context, realms []string) (tenant.Settings, error) {
	return a.realms().Observe(ctx, realms)
}

// Configure implements idp.Admin. The product reads all properties of a realm, changes some
// and writes all back. Settings that NotEnforceable names are left out.
func (a *admin) Configure(ctx context.Context, change tenant.Diff) error {
	return a.realms().Configure(ctx, change)
}

// writes are what to send to a realm, and which settings each request is for.
type writes struct {
	rules      validators
	ofRules    tenant.Diff
	connectors connectorWrites
	of         map[connector]tenant.Diff
	configs    map[document]operations
	ofConfigs  map[document]tenant.Diff
}

// plan makes writes of the open changes, and faults of those for which the server has
// no place. A regular expression for passwords gives way: it excludes rules.
func (l liveRealm) plan(open tenant.Diff) (w writes, refused []error) {
	w = writes{rules: l.rules.clone(), connectors: connectorWrites{}, of: map[connector]tenant.Diff{},
		configs: map[document]operations{}, ofConfigs: map[document]tenant.Diff{}}
	for _, c := range open {
		var err error
		if rule, ok := passwordRules[c.Setting]; ok {
			err = rule.apply(w.rules, c.To)
			w.ofRules = append(w.ofRules, c)
		} else if field, ok := configFields[c.Setting]; ok {
			err = w.addConfig(field, c, l.configs)
		} else {
			err = w.connectors.add(c.Setting, c.To, l.governance)
		}
		if err != nil {
			refused = append(refused, idp.SettingsRefused(tenant.Diff{c}, err.Error()))
			continue
		}
		for _, b := range bindings[c.Setting] {
			w.of[b.connector] = append(w.of[b.connector], c)
		}
	}
	return w, refused
}

// addConfig adds a change of a document that the server has.
func (w writes) addConfig(field configField, c tenant.Change, live configs) error {
	d := field.document
	if _, there := live[d.path]; !there {
		return fmt.Errorf("this server has no %s", d.path)
	}
	if w.configs[d] == nil {
		w.configs[d] = operations{}
	}
	w.ofConfigs[d] = append(w.ofConfigs[d], c)
	return w.configs[d].add(field, c.To)
}

// write sends the rules of the password, each connector's properties and each document's
// fields once. What
// the server refuses does not keep the rest from being written.
func (a *admin) write(ctx context.Context, realm string, live liveRealm, open tenant.Diff) error {
	w, refused := live.plan(open)
	if len(w.ofRules) > 0 {
		err := refusedFor(w.ofRules, a.putRules(ctx, realm, w.rules))
		if err != nil && !idp.IsSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	for _, connector := range slices.SortedFunc(maps.Keys(w.connectors), byName) {
		err := refusedFor(w.of[connector], a.patch(ctx, realm, connector, w.connectors[connector]))
		if err != nil && !idp.IsSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	for _, d := range slices.SortedFunc(maps.Keys(w.configs), func(a, b document) int { return cmp.Compare(a.path, b.path) }) {
		err := refusedFor(w.ofConfigs[d], a.client.do(ctx, call{method: http.MethodPatch, path: realmPath(realm) + d.path,
			account: a.account(realm), body: w.configs[d].body(d)}))
		if err != nil && !idp.IsSettingRefused(err) {
			return err
		}
		refused = append(refused, err)
	}
	return idp.Together(refused)
}

// putRules replaces the rules of the password.
func (a *admin) putRules(ctx context.Context, realm string, rules validators) error {
	if err := rules.check(); err != nil {
		return err
	}
	return a.client.do(ctx, call{method: http.MethodPut, path: realmPath(realm) + passwordRulesPath, account: a.account(realm), body: rules.model()})
}

// patch writes properties of one connector, all of which the server listed: it would
// store an unknown name and answer 200.
func (a *admin) patch(ctx context.Context, realm string, c connector, write properties) error {
	type property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	body := struct {
		Operation  string     `json:"operation"`
		Properties []property `json:"properties"`
	}{Operation: "UPDATE"}
	for _, name := range slices.Sorted(maps.Keys(write)) {
		body.Properties = append(body.Properties, property{name, write[name]})
	}
	return a.client.do(ctx, call{method: http.MethodPatch, account: a.account(realm), body: body,
		path: realmPath(realm) + governancePath + restID(string(c.category)) + "/connectors/" + restID(c.name)})
}

func byName(a, b connector) int {
	return cmp.Or(cmp.Compare(a.category, b.category), cmp.Compare(a.name, b.name))
}

// possible tells whether the product has a place for the value at all.
func possible(setting tenant.Setting, value string) error {
	if rule, ok := passwordRules[setting]; ok {
		return rule.apply(validators{}, value)
	}
	if field, ok := configFields[setting]; ok {
		_, err := field.codec.encode(value)
		return err
	}
	if len(bindings[setting]) == 0 {
		return errors.New("there is no such setting")
	}
	for _, b := range bindings[setting] {
		if _, err := b.codec.encode(value); err != nil {
			return err
		}
	}
	return nil
}

// refusedFor says which settings an answer is about.
func refusedFor(changes tenant.Diff, err error) error {
	if err == nil || fault.Is(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var answer *refusal
	if errors.As(err, &answer) && answer.status >= http.StatusInternalServerError {
		return err // transient
	}
	return idp.SettingsRefused(changes, err.Error())
}
