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

// User names of generated accounts. They never change: another name would make a
// second administrator at the next start.
const (
	administratorName = "tenant-admin"
	systemName        = "holdfast-system"
)

// Materials lists the secrets of a server that are generated.
func (Driver) Materials(tenant.Spec) []idp.Material {
	return []idp.Material{
		{Name: MaterialDataKey, Generate: one(FieldKey, keystore.GenerateDataKey), Irreplaceable: true},
		{Name: idp.MaterialAdministrator, Generate: account(administratorName)},
		{Name: idp.MaterialSystem, Generate: account(systemName)},
		{Name: MaterialEndpoint, Generate: one(idp.FieldPassword, keystore.GeneratePassword)},
	}
}

func one(field string, generate func() string) func() (map[string]string, error) {
	return func() (map[string]string, error) { return map[string]string{field: generate()}, nil }
}

func account(name string) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		return map[string]string{idp.FieldUsername: name, idp.FieldPassword: keystore.GeneratePassword()}, nil
	}
}
