package keycloak

import (
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// User names of generated accounts. The first one lives from the very first start until the
// administrator is there.
const (
	administratorName = "tenant-admin"
	firstName         = "holdfast-first"
)

// Materials lists the secrets of a server that are generated. The server keeps its own keys
// in the database, so that there is no data key.
func (Driver) Materials(want tenant.Spec) []idp.Material {
	return []idp.Material{
		{Name: idp.MaterialAdministrator, Generate: account(idp.AccountRules(want), administratorName), FirstStart: true},
		// An empty database has no rules yet.
		{Name: idp.MaterialBootstrap, Generate: account(keystore.PasswordRules{}, firstName), FirstStart: true, Once: true},
	}
}

func account(rules keystore.PasswordRules, name string) func(map[string]string) (map[string]string, error) {
	return func(map[string]string) (map[string]string, error) {
		password, err := keystore.GenerateAccountPassword(rules)
		return map[string]string{idp.FieldUsername: name, idp.FieldPassword: password}, err
	}
}
