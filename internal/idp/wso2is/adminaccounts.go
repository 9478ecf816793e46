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

type scimUser struct {
	ID    string
	Roles []struct{ Display string }
}

// EnsureAccounts implements idp.Admin. It makes two requests, and no write, when all
// is there. Errors name what failed and its status, never what was sent or answered.
func (a *admin) EnsureAccounts(ctx context.Context) (changed bool, err error) {
	user, err := a.findSystemUser(ctx)
	if err != nil {
		return false, err
	}
	if user == nil {
		if user, err = a.createSystemUser(ctx); err != nil {
			return false, err
		}
		changed = true
	}
	corrected, err := a.ensureSystemPassword(ctx, user.ID)
	changed = changed || corrected
	if err != nil {
		return changed, err
	}
	if slices.ContainsFunc(user.Roles, func(r struct{ Display string }) bool { return roleName(r.Display) == systemRole }) {
		return changed, nil
	}
	return true, a.grantSystemRole(ctx, user.ID)
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
	if err != nil && !isFault(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return err
}

func (a *admin) findSystemUser(ctx context.Context) (*scimUser, error) {
	var list struct{ Resources []scimUser }
	err := a.asBootstrap(ctx, "looking for the system account", call{method: http.MethodGet,
		path: scimUsers + scimFilter("userName", a.access.System.Username), into: &list})
	if err != nil || len(list.Resources) == 0 {
		return nil, err
	}
	return &list.Resources[0], nil
}

func (a *admin) createSystemUser(ctx context.Context) (*scimUser, error) {
	body := map[string]any{
		"schemas":  []string{schemaUser},
		"userName": a.access.System.Username,
		"password": a.access.System.Password,
	}
	var user scimUser
	err := a.asBootstrap(ctx, "creating the system account", call{method: http.MethodPost, path: scimUsers, body: body, into: &user})
	return &user, err
}

// ensureSystemPassword signs in as the system account, and corrects its password
// where that fails. An account that is then still refused is locked.
func (a *admin) ensureSystemPassword(ctx context.Context, id string) (changed bool, err error) {
	if ok, err := a.systemLogin(ctx); ok || err != nil {
		return false, err
	}
	body := patchBody(map[string]any{"op": "replace", "value": map[string]any{"password": a.access.System.Password}})
	err = a.asBootstrap(ctx, "correcting the system account's password", call{method: http.MethodPatch, path: scimUsers + "/" + url.PathEscape(id), body: body})
	if err != nil {
		return false, err
	}
	ok, err := a.systemLogin(ctx)
	if err == nil && !ok {
		err = fault.Terminal(idp.ReasonServerRefusedLogin, "the system account %q is refused with the password that it was just given; "+
			"unlock or enable it in the server", a.access.System.Username)
	}
	return true, err
}

// systemLogin reports whether the account's own password lets it in. That it may not
// read its own profile says that it was let in.
func (a *admin) systemLogin(ctx context.Context) (bool, error) {
	err := a.client.do(ctx, call{method: http.MethodGet, path: scimMe, account: &a.access.System, secret: true})
	var answer *refusal
	switch {
	case err == nil, errors.As(err, &answer) && answer.status == http.StatusForbidden:
		return true, nil
	case answer != nil && answer.status == http.StatusUnauthorized:
		return false, nil
	}
	return false, err
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
