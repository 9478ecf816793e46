package wso2is

import (
	"strconv"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Materials beside those that every product shares.
const (
	// MaterialDataKey encrypts what the server stores; its one field is FieldKey.
	MaterialDataKey = "data-key"
	// MaterialEndpoint is the password of the application by which login and recovery
	// pages speak to the server; its one field is idp.FieldPassword.
	MaterialEndpoint = "endpoint-application"
	// FieldKey holds 64 hexadecimal digits. Fewer would be taken as text, and a key of
	// 32 bytes of text has half the strength.
	FieldKey = "key"
)

// User names of generated accounts. The administrator's never changes: another name
// would make a second one. The system account has two by turns, so that pods that hold
// the old one and pods that hold the new one work side by side.
const (
	administratorName = "tenant-admin"
	systemName        = "holdfast-system"
	systemOtherName   = "holdfast-system-b"
)

// Materials lists the secrets of a server that are generated.
func (Driver) Materials(want tenant.Spec) []idp.Material {
	rules := accountRules(want)
	return []idp.Material{
		{Name: MaterialDataKey, Generate: one(FieldKey, keystore.GenerateDataKey), Irreplaceable: true},
		{Name: idp.MaterialAdministrator, Generate: account(rules, administratorName, administratorName), FirstStart: true},
		{Name: idp.MaterialSystem, Generate: account(rules, systemName, systemOtherName)},
		{Name: MaterialEndpoint, Generate: one(idp.FieldPassword, keystore.GeneratePassword)},
	}
}

func one(field string, generate func() string) func(map[string]string) (map[string]string, error) {
	return func(map[string]string) (map[string]string, error) { return map[string]string{field: generate()}, nil }
}

// account makes an account of the first name, or of the other one after that.
func account(rules keystore.PasswordRules, first, other string) func(map[string]string) (map[string]string, error) {
	return func(current map[string]string) (map[string]string, error) {
		name := first
		if current[idp.FieldUsername] == first {
			name = other
		}
		password, err := keystore.GenerateAccountPassword(rules)
		return map[string]string{idp.FieldUsername: name, idp.FieldPassword: password}, err
	}
}

// accountRules are what the tenant declares for passwords of the realm in which the
// accounts live: the server holds them to it as it does everybody.
func accountRules(want tenant.Spec) keystore.PasswordRules {
	declared := want.Settings()[tenant.RootRealm]
	number := func(setting tenant.Setting) int {
		n, err := strconv.Atoi(declared[setting])
		if err != nil {
			return 0
		}
		return n
	}
	return keystore.PasswordRules{
		Min: number(tenant.PasswordMinLength), Max: number(tenant.PasswordMaxLength),
		Lower: number(tenant.PasswordLower), Upper: number(tenant.PasswordUpper),
		Digit: number(tenant.PasswordDigit), Special: number(tenant.PasswordSpecial),
		MinUnique: number(tenant.PasswordMinUnique),
	}
}
