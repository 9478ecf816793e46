package keycloak

import (
	"regexp"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/conf"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// safe is what stands for itself in a variable that the server reads.
var safe = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,128}$`)

// userName is what a generated account may be called.
var userName = regexp.MustCompile(`^[a-z][a-z-]{2,29}$`)

// published are passwords of the product's own documentation and examples.
var published = []string{"admin", "change_me", "keycloak", "password"}

// Credentials gives each variable of the environment its value, but for the store's password,
// which pods read from the store's own Secret. The administrator's is not among them: pods
// hold only that of the first start, which the schema Job made, and which opens nothing once
// the administrator is there. It keeps the name of their Secret from telling a weak password. Faults: Terminal
// InvalidSpec for what the server could not read, naming the field and never the value.
func (Driver) Credentials(want tenant.Spec, in idp.Inputs) (idp.Credentials, error) {
	all := idp.Credentials{}
	for _, material := range []string{idp.MaterialAdministrator, idp.MaterialBootstrap} {
		value := in.Generated[material]
		if !userName.MatchString(value[idp.FieldUsername]) || !safe.MatchString(value[idp.FieldPassword]) {
			return nil, fault.Terminal(reasonInvalidSpec, "the generated secret %s in Vault is not what was generated: restore the version that Holdfast wrote", material)
		}
	}
	first := in.Generated[idp.MaterialBootstrap]
	if first[idp.FieldUsername] == in.Generated[idp.MaterialAdministrator][idp.FieldUsername] {
		return nil, fault.Terminal(reasonInvalidSpec, "the generated secrets %s and %s in Vault name the same user: restore the versions that Holdfast wrote",
			idp.MaterialAdministrator, idp.MaterialBootstrap)
	}
	all[layout.EnvFirstUsername], all[layout.EnvFirstPassword] = []byte(first[idp.FieldUsername]), []byte(first[idp.FieldPassword])
	for _, part := range []struct{ what, value, variable string }{
		{"user name", in.Database.Username, layout.EnvDatabaseUsername}, {"password", in.Database.Password, layout.EnvDatabasePassword},
	} {
		if part.value == "" {
			return nil, refused(part.what, "is empty")
		}
		if part.variable == layout.EnvDatabasePassword && slices.Contains(published, part.value) {
			return nil, refused(part.what, "is one that the vendor publishes: give the account another")
		}
		if err := conf.Check(part.value); err != nil {
			return nil, refused(part.what, "cannot be handed to the server: "+err.Error()+": give the account another")
		}
		all[part.variable] = []byte(part.value)
	}
	for _, role := range layout.Roles() {
		if password, given := in.KeystorePasswords[role]; given && !safe.MatchString(password) {
			return nil, fault.Terminal(reasonInvalidSpec,
				"the password of Keystore %s has characters that the server cannot read, or too few: use 16 to 128 letters, digits and -._~", want.KeystoreName(role))
		}
	}
	return all, nil
}

func refused(what, why string) error {
	return fault.Terminal(reasonInvalidSpec, "spec.database.postgresql.credentials: the %s %s", what, why)
}
