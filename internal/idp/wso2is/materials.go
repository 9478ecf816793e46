package wso2is

import (
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
	rules := idp.AccountRules(want)
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
