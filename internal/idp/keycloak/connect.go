package keycloak

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// admin speaks to a server over its admin REST interface. It signs in as the managed
// administrator, whose account lives in the master realm.
type admin struct {
	client  *connection
	access  idp.Access
	session *session // nil until something needs one
}

// Connect implements idp.Driver. It asks for the master realm without signing in, so
// that a server that does not answer is Waiting, reason ServerUnreachable.
func (Driver) Connect(ctx context.Context, _ tenant.Spec, _ tenant.Facts, access idp.Access) (idp.Admin, error) {
	client, err := newClient(access)
	if err != nil {
		return nil, err
	}
	a := &admin{client: client, access: access}
	if _, err := a.serving(ctx); err != nil {
		_ = a.Close()
		return nil, err
	}
	return a, nil
}

// Probe implements idp.Admin. The version is the server's own word.
func (a *admin) Probe(ctx context.Context) (idp.Health, error) {
	var health idp.Health
	var err error
	if health.Serving, err = a.serving(ctx); err != nil || !health.Serving {
		return health, err
	}
	a.session = nil // a login that was good a minute ago proves nothing now
	var info struct {
		System struct{ Version string } `json:"systemInfo"`
	}
	if err := a.ask(ctx, call{method: http.MethodGet, path: "/admin/serverinfo", into: &info}); err != nil {
		return health, err
	}
	health.Version, health.LoggedIn = info.System.Version, true
	return health, nil
}

// serving asks for what everybody may see of the master realm: false when the server
// answers that something is amiss.
func (a *admin) serving(ctx context.Context) (bool, error) {
	err := a.client.do(ctx, call{method: http.MethodGet, path: "/realms/" + masterRealm})
	var answer *refusal
	if errors.As(err, &answer) && answer.status >= http.StatusInternalServerError {
		return false, nil
	}
	return err == nil, err
}

// Close implements idp.Admin.
func (a *admin) Close() error {
	defer a.client.http.CloseIdleConnections()
	if a.session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return a.client.signOut(ctx, a.session)
}

// ask makes a call as the administrator, who signs in when he has to.
func (a *admin) ask(ctx context.Context, r call) error {
	if a.session == nil || time.Now().After(a.session.until) {
		session, err := a.client.signIn(ctx, a.access.Bootstrap)
		if err != nil {
			return err
		}
		if session == nil {
			return a.refusedLogin()
		}
		a.session = session
	}
	r.session = a.session
	err := a.client.do(ctx, r)
	var answer *refusal
	if errors.As(err, &answer) && answer.status == http.StatusUnauthorized {
		a.session = nil
	}
	return err
}

// signIn proves that the administrator is let in now; what is asked next is by that login. The
// server refuses a login while another one of the same account is under way.
func (a *admin) signIn(ctx context.Context) (in bool, err error) {
	a.renew(ctx)
	a.session, err = a.client.signIn(ctx, a.access.Bootstrap)
	return a.session != nil, err
}

// renew has the next call sign in anew.
func (a *admin) renew(ctx context.Context) {
	if a.session == nil {
		return
	}
	_ = a.client.signOut(ctx, a.session) // it ends by itself, too
	a.session = nil
}

func (a *admin) refusedLogin() error {
	return fault.Terminal(idp.ReasonServerRefusedLogin, "%s refuses the account %q: its password is not the one in Vault, or the account is locked, disabled "+
		"or has to do something first; set the password in the realm master, or unlock the account", a.client.base, a.access.Bootstrap.Username)
}

// realmPath is the base of a realm's part of the admin REST interface.
func realmPath(realm string) string {
	return "/admin/realms/" + url.PathEscape(idp.NameOf(realm, masterRealm))
}
