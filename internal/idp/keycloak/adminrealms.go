package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Realms implements idp.Admin. It is one request, however many there are.
func (a *admin) Realms(ctx context.Context) ([]string, error) {
	var listed []struct{ Realm string }
	if err := a.ask(ctx, call{method: http.MethodGet, path: "/admin/realms?briefRepresentation=true", into: &listed}); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(listed))
	for _, realm := range listed {
		names = append(names, realm.Realm)
	}
	return idp.RealmsOf(names, masterRealm), nil
}

// EnsureRealms implements idp.RealmMaker. A realm that exists is not touched.
func (a *admin) EnsureRealms(ctx context.Context, names []string) (all []string, err error) {
	all, err = a.Realms(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if slices.Contains(all, name) {
			continue
		}
		// It opens when it is made, and hardened with the settings right after; nobody has an
		// account in it yet.
		err = a.ask(ctx, call{method: http.MethodPost, path: "/admin/realms", body: map[string]any{"realm": name, "enabled": true}})
		if err != nil {
			return nil, fmt.Errorf("creating the realm %s: %w", name, err)
		}
		all = append(all, name)
		// The session knows the rights of when it began: it has none in the new realm.
		a.session = nil
	}
	slices.Sort(all)
	return all, nil
}

func isNotFound(err error) bool {
	var answer *refusal
	return errors.As(err, &answer) && answer.status == http.StatusNotFound
}

// realmFault says what an answer means for a realm other than root.
func realmFault(realm string, err error) error {
	if realm == tenant.RootRealm || !isNotFound(err) {
		return err
	}
	return fault.Waiting(idp.ReasonRealmMissing, "realm %s: the server has no realm of this name; "+
		"create it in the server or take it out of spec.realms", realm).Because(err)
}
