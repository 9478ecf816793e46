package deployment

import (
	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const keyOfStorage = "oauth.token_storage_method"

// FirstStart gives what acts on data from the first start on. A server that has started keeps
// what it began with: what is stored one way is not read another way, until the vendor's own
// tool has migrated it.
func FirstStart(want tenant.Spec) map[string]string {
	storage := "encrypted"
	if want.Profile == control.Baseline {
		storage = "" // as the product has it: plain
	}
	return map[string]string{
		"user_store.type": primaryUserStore.Type, "user_store.properties.PasswordDigest": primaryUserStore.Properties.PasswordDigest,
		"keystore.tenant.type": pkcs12, keyOfStorage: storage,
	}
}

// chosen is the choice that the server began with or, before its first start, that of the
// profile.
func chosen(want tenant.Spec, key string) string {
	if value, installed := want.Installed[key]; installed {
		return value
	}
	return FirstStart(want)[key]
}
