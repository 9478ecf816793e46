package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
)

const (
	usersPath = "/admin/realms/" + masterRealm + "/users"
	// adminRole is the role of the master realm that may do everything, in every realm.
	adminRole = "admin"
)

type user struct {
	ID      string
	Enabled bool
}

// EnsureAccounts implements idp.Admin. The administrator is made by the account of the
// first start, which then goes: it is gone before anything else is done with the server.
func (a *admin) EnsureAccounts(ctx context.Context) (changed bool, err error) {
	in, err := a.signIn(ctx)
	if err != nil {
		return false, err
	}
	if !in {
		if err := a.replaceFirst(ctx); err != nil {
			return true, err
		}
		changed = true
	}
	removed, err := a.removeFirst(ctx)
	changed = changed || removed
	if err != nil || a.access.System.Username == "" {
		return changed, err
	}
	corrected, err := a.ensureAccount(ctx, a.access.System, false)
	return changed || corrected, err
}

// replaceFirst has the account of the first start make the administrator.
func (a *admin) replaceFirst(ctx context.Context) error {
	if a.access.First.Username == "" {
		return a.refusedLogin()
	}
	asFirst := &admin{client: a.client, access: a.access}
	asFirst.access.Bootstrap = a.access.First
	account := a.access.Bootstrap
	if in, err := a.Login(ctx, a.access.First); err != nil || !in {
		return errors.Join(err, a.refusedLogin())
	}
	found, err := asFirst.findUser(ctx, account.Username)
	if err != nil {
		return err
	}
	if found == nil {
		if found, err = asFirst.createUser(ctx, account); err != nil {
			return err
		}
	} else if err := asFirst.putPassword(ctx, found.ID, account); err != nil {
		return err
	}
	var role map[string]any
	if err := asFirst.ask(ctx, call{method: http.MethodGet, path: "/admin/realms/" + masterRealm + "/roles/" + adminRole, into: &role}); err != nil {
		return err
	}
	err = asFirst.ask(ctx, call{method: http.MethodPost, path: usersPath + "/" + url.PathEscape(found.ID) + "/role-mappings/realm", body: []any{role}})
	if err != nil {
		return fmt.Errorf("giving the account %s the role %s: %w", account.Username, adminRole, err)
	}
	return asFirst.proven(ctx, account)
}

// removeFirst deletes the account of the first start wherever it is left.
func (a *admin) removeFirst(ctx context.Context) (removed bool, err error) {
	first := a.access.First.Username
	if first == "" || first == a.access.Bootstrap.Username {
		return false, nil
	}
	found, err := a.findUser(ctx, first)
	if err != nil || found == nil {
		return false, err
	}
	err = a.ask(ctx, call{method: http.MethodDelete, path: usersPath + "/" + url.PathEscape(found.ID)})
	if err != nil && !isNotFound(err) {
		return false, fmt.Errorf("deleting the account %s of the first start: %w", first, err)
	}
	return true, nil
}

// Login implements idp.Admin.
func (a *admin) Login(ctx context.Context, account idp.UsernamePassword) (bool, error) {
	session, err := a.client.signIn(ctx, account)
	if err != nil || session == nil {
		return false, err
	}
	return true, a.client.signOut(ctx, session)
}

// SetPassword implements idp.Admin.
func (a *admin) SetPassword(ctx context.Context, account idp.UsernamePassword) error {
	found, err := a.findUser(ctx, account.Username)
	if err != nil {
		return err
	}
	if found == nil {
		return fault.Terminal(idp.ReasonServerRefusedLogin, "the server has no account %q any more; make it in the realm master, with the role %s", account.Username, adminRole)
	}
	if err := a.putPassword(ctx, found.ID, account); err != nil {
		return err
	}
	if account.Username == a.access.Bootstrap.Username {
		a.session = nil // what it may do is for the password of Access to say
	}
	return a.proven(ctx, account)
}

// OpenAccount implements idp.Admin.
func (a *admin) OpenAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	return a.ensureAccount(ctx, account, true)
}

// ensureAccount has an account with its password and no rights, and opens it where it is
// shut and that is permitted: after it has the new password, so that the old one never works
// again.
func (a *admin) ensureAccount(ctx context.Context, account idp.UsernamePassword, open bool) (changed bool, err error) {
	found, err := a.findUser(ctx, account.Username)
	if err != nil {
		return false, err
	}
	if found == nil {
		if _, err := a.createUser(ctx, account); err != nil {
			return false, err
		}
		return true, a.proven(ctx, account)
	}
	if in, err := a.Login(ctx, account); in || err != nil {
		return false, err
	}
	if err := a.putPassword(ctx, found.ID, account); err != nil {
		return false, err
	}
	if open && !found.Enabled {
		if err := a.enable(ctx, found.ID, account.Username, true); err != nil {
			return true, err
		}
	}
	return true, a.proven(ctx, account)
}

// CloseAccount implements idp.Admin.
func (a *admin) CloseAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	found, err := a.findUser(ctx, account.Username)
	if err != nil || found == nil || !found.Enabled {
		return false, err
	}
	unknown := idp.UsernamePassword{Username: account.Username, Password: keystore.GeneratePassword()}
	if err := a.enable(ctx, found.ID, account.Username, false); err != nil {
		return false, err
	}
	if in, err := a.Login(ctx, account); err != nil || !in {
		return true, err
	}
	return true, a.putPassword(ctx, found.ID, unknown)
}

func (a *admin) findUser(ctx context.Context, name string) (*user, error) {
	var found []user
	query := url.Values{"username": {name}, "exact": {"true"}}
	err := a.ask(ctx, call{method: http.MethodGet, path: usersPath + "?" + query.Encode(), into: &found})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// createUser makes an account with its password in one request, so that there is none
// without one. It has no address, which counts as verified: a realm that verifies addresses
// would let it in no more.
func (a *admin) createUser(ctx context.Context, account idp.UsernamePassword) (*user, error) {
	err := a.ask(ctx, call{method: http.MethodPost, path: usersPath, body: map[string]any{
		"username": account.Username, "enabled": true, "emailVerified": true, "credentials": []any{passwordOf(account)}}})
	if err != nil {
		return nil, accountFault("creating", account.Username, err)
	}
	found, err := a.findUser(ctx, account.Username)
	if err == nil && found == nil {
		err = fmt.Errorf("the account %s was created and is not there", account.Username)
	}
	return found, err
}

func (a *admin) putPassword(ctx context.Context, id string, account idp.UsernamePassword) error {
	err := a.ask(ctx, call{method: http.MethodPut, path: usersPath + "/" + url.PathEscape(id) + "/reset-password", body: passwordOf(account)})
	return accountFault("setting the password of", account.Username, err)
}

func (a *admin) enable(ctx context.Context, id, name string, enabled bool) error {
	err := a.ask(ctx, call{method: http.MethodPut, path: usersPath + "/" + url.PathEscape(id), body: map[string]any{"enabled": enabled}})
	return accountFault("opening or closing", name, err)
}

// proven has the server let the account in with the password that it was just given.
func (a *admin) proven(ctx context.Context, account idp.UsernamePassword) error {
	in, err := a.Login(ctx, account)
	if err == nil && !in {
		err = fault.Terminal(idp.ReasonServerRefusedLogin, "the account %q is refused with the password that it was just given; "+
			"enable or unlock it in the realm master", account.Username)
	}
	return err
}

func passwordOf(account idp.UsernamePassword) map[string]any {
	return map[string]any{"type": "password", "value": account.Password, "temporary": false}
}

// accountFault tells a password that the server does not permit from other failures. Of
// the server's words only the name of the rule is kept: they can repeat the password.
func accountFault(what, name string, err error) error {
	var answer *refusal
	if err == nil || !errors.As(err, &answer) || answer.status != http.StatusBadRequest {
		return err
	}
	if rule, ok := strings.CutPrefix(answer.code, "invalidPassword"); ok {
		rule = strings.TrimSuffix(rule, "Message")
		return fault.Terminal(idp.ReasonPasswordRefused, "the server does not permit a new password of the account %q: the rule %s of the realm's password policy refuses it",
			name, rule).Because(answer)
	}
	return fmt.Errorf("%s the account %s: %w", what, name, err)
}
