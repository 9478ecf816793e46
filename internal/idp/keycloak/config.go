package keycloak

import (
	"fmt"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/conf"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// The words of api/v1alpha1, which this package cannot import.
const (
	reasonInvalidSpec  = "InvalidSpec"
	reasonSchemaFailed = "SchemaFailed"
)

// Config renders keycloak.conf, and the list of passwords that nobody may have. No secret is in it: the server reads those from its
// environment. The keys that sign tokens are not in it either: a running server is given
// those. Faults: Terminal InvalidSpec, with the field that cannot be expressed.
func (Driver) Config(want tenant.Spec, _ tenant.Facts) (idp.Files, error) {
	if err := expressible(want); err != nil {
		return nil, err
	}
	content, err := conf.Server(want)
	if err != nil {
		return nil, fault.Terminal(reasonInvalidSpec, "%s cannot be written: %s", layout.ConfigurationFile, err)
	}
	return idp.Files{layout.ConfigurationFile: content, CommonPasswordsFile: CommonPasswords()}, nil
}

// expressible refuses what the server does not have, or would read as something else.
func expressible(want tenant.Spec) error {
	switch {
	case !want.Version.AtLeast(26, 4) || want.Version.AtLeast(27, 0):
		return fault.Terminal(reasonInvalidSpec, "spec.product.keycloak.version: %s is not known; write 26.4.x or a newer one of 26", want.Version)
	case want.Database.Type != tenant.PostgreSQL:
		return fault.Terminal(reasonInvalidSpec, "spec.database.%s: keycloak needs postgresql: another database is not supported for it", want.Database.Type)
	case want.Mail != nil:
		return fault.Terminal(reasonInvalidSpec, "spec.mail: a realm of keycloak has a mail server of its own, which is set in the realm: remove mail")
	case want.ExtraConfig != nil:
		return fault.Terminal(reasonInvalidSpec, "spec.product: keycloak takes no extraConfig: remove it")
	}
	for _, v := range []struct{ field, value string }{
		{"spec.hostname", want.Hostname}, {"spec.database.host", want.Database.Host}, {"spec.database.name", want.Database.Name},
	} {
		if err := written(v.value); err != nil {
			return fault.Terminal(reasonInvalidSpec, "%s cannot be written into %s: %s", v.field, layout.ConfigurationFile, err)
		}
	}
	return nil
}

func written(value string) error {
	if value == "" {
		return fmt.Errorf("it is empty")
	}
	return conf.Check(value)
}
