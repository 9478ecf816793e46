package wso2is

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	scimUsers = "/scim2/Users"
	scimRoles = "/scim2/v2/Roles"
	scimMe    = "/scim2/Me"

	schemaUser  = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaRole  = "urn:ietf:params:scim:schemas:extension:2.0:Role"
	schemaPatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

	// systemRole marks the account that the server's own pages and tasks use.
	systemRole = "holdfast-system"
)

// systemPermissions are the role's scopes: signing in, nothing of administration.
var systemPermissions = []string{"internal_login"}

// schemaAccount is the product's own extension of users, with the state of the account.
const schemaAccount = "urn:scim:wso2:schema"

type scimUser struct {
	ID    string
	Roles []struct{ Display string }
	// Account has text where one would expect a boolean, as versions have it.
	Account struct {
		Locked any `json:"accountLocked"`
	} `json:"urn:scim:wso2:schema"`
}

func (u scimUser) locked() bool { return fmt.Sprint(u.Account.Locked) == "true" }

// EnsureAccounts implements idp.Admin. It makes two requests, and no write, when all
// is there. Errors name what failed and its status, never what was sent or answered.
func (a *admin) EnsureAccounts(ctx context.Context) (changed bool, err error) {
	return a.ensureAccount(ctx, a.access.System, false)
}

// OpenAccount implements idp.Admin.
func (a *admin) OpenAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	return a.ensureAccount(ctx, account, true)
}

// ensureAccount has a system account with its password and role, and opens it where it
// is locked and that is permitted.
func (a *admin) ensureAccount(ctx context.Context, account idp.UsernamePassword, unlock bool) (changed bool, err error) {
	user, err := a.findUser(ctx, account.Username)
	if err != nil {
		return false, err
	}
	if user == nil {
		if user, err = a.createUser(ctx, account); err != nil {
			return false, err
		}
		changed = true
	}
	corrected, err := a.ensurePassword(ctx, user.ID, account, unlock)
	changed = changed || corrected
	if err != nil {
		return changed, err
	}
	if slices.ContainsFunc(user.Roles, func(r struct{ Display string }) bool { return roleName(r.Display) == systemRole }) {
		return changed, nil
	}
	return true, a.grantSystemRole(ctx, user.ID)
}

// Login implements idp.Admin. That an account may not read its own profile says that it
// was let in.
func (a *admin) Login(ctx context.Context, account idp.UsernamePassword) (bool, error) {
	err := a.client.do(ctx, call{method: http.MethodGet, path: scimMe, account: &account, secret: true})
	var answer *refusal
	switch {
	case err == nil, errors.As(err, &answer) && answer.status == http.StatusForbidden:
		return true, nil
	case answer != nil && answer.status == http.StatusUnauthorized:
		return false, nil
	}
	return false, err
}

// SetPassword implements idp.Admin.
func (a *admin) SetPassword(ctx context.Context, account idp.UsernamePassword) error {
	user, err := a.findUser(ctx, account.Username)
	if err != nil {
		return err
	}
	if user == nil {
		return fault.Terminal(idp.ReasonServerRefusedLogin, "the server has no account %q any more; make it there, with the administrator's role", account.Username)
	}
	return a.replacePassword(ctx, user.ID, account, map[string]any{"password": account.Password})
}

// CloseAccount implements idp.Admin.
func (a *admin) CloseAccount(ctx context.Context, account idp.UsernamePassword) (changed bool, err error) {
	user, err := a.findUser(ctx, account.Username)
	if err != nil || user == nil {
		return false, err
	}
	if !user.locked() {
		err := a.patchUser(ctx, "closing the account "+account.Username, user.ID, map[string]any{schemaAccount: map[string]any{"accountLocked": true}})
		if err != nil {
			return false, err
		}
		changed = true
	}
	in, err := a.Login(ctx, account)
	if err != nil || !in {
		return changed, err
	}
	// A server that does not look at locks: then nobody is to know the password.
	unknown, err := keystore.GenerateAccountPassword(keystore.PasswordRules{Lower: 8, Upper: 8, Digit: 8, Special: 8, MinUnique: 8})
	if err != nil {
		return changed, err
	}
	err = a.patchUser(ctx, "closing the account "+account.Username, user.ID, map[string]any{"password": unknown})
	if err != nil {
		return changed, err
	}
	if in, err = a.Login(ctx, account); err == nil && in {
		err = fault.Terminal(idp.ReasonServerRefusedLogin, "the server goes on letting the closed account %q in; disable it there", account.Username)
	}
	return true, err
}

// roleName leaves out the domain that older versions put before internal roles.
func roleName(display string) string {
	_, name, found := strings.Cut(display, "/")
	if !found {
		return display
	}
	return name
}

// scimFilter is a query for one value of one attribute.
func scimFilter(attribute, value string) string {
	value = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
	return "?filter=" + url.QueryEscape(attribute+` eq "`+value+`"`)
}

// asBootstrap makes a call about accounts.
func (a *admin) asBootstrap(ctx context.Context, what string, r call) error {
	r.account, r.secret = a.account(tenant.RootRealm), true
	err := a.client.do(ctx, r)
	if err != nil && !fault.Is(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return err
}

func (a *admin) findUser(ctx context.Context, name string) (*scimUser, error) {
	var list struct{ Resources []scimUser }
	err := a.asBootstrap(ctx, "looking for the account "+name, call{method: http.MethodGet,
		path: scimUsers + scimFilter("userName", name), into: &list})
	if err != nil || len(list.Resources) == 0 {
		return nil, err
	}
	return &list.Resources[0], nil
}

func (a *admin) createUser(ctx context.Context, account idp.UsernamePassword) (*scimUser, error) {
	body := map[string]any{
		"schemas":  []string{schemaUser},
		"userName": account.Username,
		"password": account.Password,
	}
	var user scimUser
	err := a.asBootstrap(ctx, "creating the account "+account.Username, call{method: http.MethodPost, path: scimUsers, body: body, into: &user})
	return &user, passwordRefused(account.Username, err)
}

// ensurePassword signs in as the account, and corrects its password where that fails. An
// account that is then still refused is locked; one that may be opened is opened in the
// same request, so that the old password never works again.
func (a *admin) ensurePassword(ctx context.Context, id string, account idp.UsernamePassword, unlock bool) (changed bool, err error) {
	if ok, err := a.Login(ctx, account); ok || err != nil {
		return false, err
	}
	value := map[string]any{"password": account.Password}
	if unlock {
		value[schemaAccount] = map[string]any{"accountLocked": false}
	}
	err = a.replacePassword(ctx, id, account, value)
	return err == nil, err
}

// replacePassword writes a password and proves by a login that it holds.
func (a *admin) replacePassword(ctx context.Context, id string, account idp.UsernamePassword, value map[string]any) error {
	err := a.patchUser(ctx, "setting the password of the account "+account.Username, id, value)
	if err != nil {
		return passwordRefused(account.Username, err)
	}
	ok, err := a.Login(ctx, account)
	if err == nil && !ok {
		err = fault.Terminal(idp.ReasonServerRefusedLogin, "the account %q is refused with the password that it was just given; "+
			"unlock or enable it in the server", account.Username)
	}
	return err
}

func (a *admin) patchUser(ctx context.Context, what, id string, value map[string]any) error {
	return a.asBootstrap(ctx, what, call{method: http.MethodPatch, path: scimUsers + "/" + url.PathEscape(id),
		body: patchBody(map[string]any{"op": "replace", "value": value})})
}

// passwordRefused tells a password that the server does not permit from other failures.
// The server's own words are left out: they can repeat the password.
func passwordRefused(name string, err error) error {
	var answer *refusal
	if fault.Is(err) || !errors.As(err, &answer) || answer.status != http.StatusBadRequest {
		return err
	}
	return fault.Terminal(idp.ReasonPasswordRefused, "the server does not permit a new password of the account %q, by its rules for passwords or by its history; "+
		"look at the password policy of its realm", name).Because(answer)
}

// grantSystemRole gives the role, which it makes where it is missing.
func (a *admin) grantSystemRole(ctx context.Context, user string) error {
	var list struct{ Resources []struct{ ID string } }
	err := a.asBootstrap(ctx, "looking for the system account's role", call{method: http.MethodGet,
		path: scimRoles + scimFilter("displayName", systemRole), into: &list})
	if err != nil {
		return err
	}
	if len(list.Resources) == 0 {
		permissions := []map[string]string{}
		for _, name := range systemPermissions {
			permissions = append(permissions, map[string]string{"value": name})
		}
		return a.asBootstrap(ctx, "creating the system account's role", call{method: http.MethodPost, path: scimRoles, body: map[string]any{
			"schemas": []string{schemaRole}, "displayName": systemRole, "permissions": permissions,
			"users": []map[string]string{{"value": user}},
		}})
	}
	body := patchBody(map[string]any{"op": "add", "path": "users", "value": []map[string]string{{"value": user}}})
	return a.asBootstrap(ctx, "giving the system account its role", call{method: http.MethodPatch,
		path: scimRoles + "/" + url.PathEscape(list.Resources[0].ID), body: body})
}

func patchBody(operation map[string]any) map[string]any {
	return map[string]any{"schemas": []string{schemaPatch}, "Operations": []any{operation}}
}
