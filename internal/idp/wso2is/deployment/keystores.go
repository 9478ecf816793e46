package deployment

import (
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	pkcs12            = "PKCS12"
	reasonInvalidSpec = "InvalidSpec"
)

// store is a store with one key pair. In PKCS#12 the key has the password of its store.
type store struct {
	FileName    string         `toml:"file_name"`
	Type        string         `toml:"type"`
	Password    text.Reference `toml:"password"`
	Alias       text.XML       `toml:"alias"`
	KeyPassword text.Reference `toml:"key_password"`
}

type keystores struct {
	// Primary signs SAML messages and, up to 7.1, tokens.
	Primary store `toml:"primary"`
	// Internal opens the stores of server tenants; unset, it would be the primary one,
	// and a new signing key would lock them.
	Internal store `toml:"internal"`
	TLS      store `toml:"tls"`
	// Tenant is the type of the stores of server tenants that are made from now on; the
	// vendor's default is JKS.
	Tenant storeType `toml:"tenant"`
	// Custom and Mapping give tokens a key of their own, from 7.2 on.
	Custom  []store  `toml:"custom,omitempty"`
	Mapping *mapping `toml:"mapping,omitempty"`
}

type storeType struct {
	Type string `toml:"type"`
}

type mapping struct {
	OAuth struct {
		KeystoreFileName string `toml:"keystore_file_name"`
		// UseInAllTenants would sign every server tenant's tokens with one key.
		UseInAllTenants bool `toml:"use_in_all_tenants"`
	} `toml:"oauth"`
}

// newStores describes each store with a key pair, by role. A ring has several keys in its
// store, all of which the server publishes; it signs with the one that is named here.
func newStores(want tenant.Spec, seen tenant.Facts) (map[tenant.KeystoreRole]store, error) {
	stores := map[tenant.KeystoreRole]store{}
	for _, keystore := range want.Keystores {
		if keystore.Alias == "" && keystore.Role != tenant.RoleTrust {
			continue
		}
		alias := keystore.Alias
		if in := seen.Keystores[keystore.Role].Alias; in != "" {
			alias = in
		}
		password := text.Env(layout.EnvStorePassword(keystore.Role))
		stores[keystore.Role] = store{layout.StoreFile(keystore.Role), pkcs12, password, text.ForXML(alias), password}
	}
	for _, role := range layout.Roles(want.Version) {
		if _, found := stores[role]; !found {
			return nil, fault.Terminal(reasonInvalidSpec,
				"keystores: WSO2 Identity Server %s needs a store %s with an alias, and the tenant has none", want.Version, role)
		}
	}
	return stores, nil
}

func newKeystores(version tenant.Version, stores map[tenant.KeystoreRole]store) keystores {
	k := keystores{
		Primary:  stores[tenant.RoleSigning],
		Internal: stores[tenant.RoleInternal],
		TLS:      stores[tenant.RoleTLS],
		Tenant:   storeType{pkcs12},
	}
	if version.AtLeast(7, 2) {
		k.Primary = stores[tenant.RoleFederation]
		k.Custom = []store{stores[tenant.RoleSigning]}
		k.Mapping = new(mapping)
		k.Mapping.OAuth.KeystoreFileName = layout.StoreFile(tenant.RoleSigning)
	}
	return k
}

// truststore is all that the server trusts: the vendor's trusts every public CA and
// the vendor's own key.
type truststore struct {
	FileName string         `toml:"file_name"`
	Type     string         `toml:"type"`
	Password text.Reference `toml:"password"`
}

var trusted = truststore{
	FileName: layout.StoreFile(tenant.RoleTrust),
	Type:     pkcs12,
	Password: text.Env(layout.EnvStorePassword(tenant.RoleTrust)),
}

// encryption of what the server stores. The vendor's default is a published key.
type encryption struct {
	Key text.Reference `toml:"key"`
	// OldKey opens what was encrypted before the key's last rotation. The server knows
	// one, and never encrypts anew what it opened with it.
	OldKey *text.Reference `toml:"old_key,omitempty"`
}

func newEncryption(old bool) encryption {
	e := encryption{Key: text.Env(layout.EnvDataKey)}
	if old {
		e.OldKey = new(text.Env(layout.EnvOldDataKey))
	}
	return e
}
