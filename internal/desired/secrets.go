package desired

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Keys of the schema owner's Secret.
const (
	keyUsername = "username"
	keyPassword = "password"
	keyGrantee  = "grantee"
)

// nameKeyBytes is the least length of the key that hides a password in a name.
const nameKeyBytes = 16

// ConfigSecret holds the server's files. It is immutable and named by its content, so
// that a pod that comes back reads what it read before.
func ConfigSecret(want tenant.Spec, files idp.Files) *corev1.Secret {
	return versioned(want, "config", tenant.ComponentServer, files, []byte(tenant.DigestMap(files)))
}

// CredentialsSecret holds the secrets that the server's pods read. It is immutable and
// named by its content. The name tells nothing of a weak password, because the content
// always has generated keys of full strength beside it.
func CredentialsSecret(want tenant.Spec, credentials idp.Credentials) *corev1.Secret {
	return versioned(want, "credentials", tenant.ComponentServer, credentials, []byte(tenant.DigestMap(credentials)))
}

// SchemaAccounts are what the schema Job reads.
type SchemaAccounts struct {
	Owner idp.UsernamePassword
	// Grantee is the role that the server itself uses, when it is another one: the Job gives
	// it its rights on the tables where it can. It is empty when the server is the schema's owner.
	Grantee string
	// First is made by the Job in an empty database; zero for a product without one.
	First idp.UsernamePassword
}

// SchemaCredentialsSecret holds the schema owner's account for the schema Job. It is
// immutable, and its name changes with its content. That content is a password which a
// person may have chosen, and names are seen by many: a plain digest would let anyone
// who reads it test guesses. So the name is an HMAC under nameKey, a secret of the
// tenant such as a generated store password, of at least 16 bytes; a shorter one is a
// Terminal fault.
func SchemaCredentialsSecret(want tenant.Spec, accounts SchemaAccounts, nameKey []byte) (*corev1.Secret, error) {
	if len(nameKey) < nameKeyBytes {
		return nil, fault.Terminal(reasonInvalidSpec, "the Secret of the schema owner cannot be named: its name needs a generated secret of at least %d bytes; "+
			"this is a mistake in Holdfast, please report it", nameKeyBytes)
	}
	data := map[string][]byte{keyUsername: []byte(accounts.Owner.Username), keyPassword: []byte(accounts.Owner.Password)}
	if accounts.Grantee != "" {
		data[keyGrantee] = []byte(accounts.Grantee)
	}
	if accounts.First != (idp.UsernamePassword{}) {
		data[idp.KeyFirstUsername], data[idp.KeyFirstPassword] = []byte(accounts.First.Username), []byte(accounts.First.Password)
	}
	digest := hmac.New(sha256.New, nameKey)
	digest.Write([]byte(tenant.DigestMap(data)))
	return versioned(want, "schema-credentials", tenant.ComponentSchema, data, digest.Sum(nil)), nil
}

func versioned(want tenant.Spec, suffix, component string, data map[string][]byte, digest []byte) *corev1.Secret {
	meta := object(want, tenant.VersionedName(want.Name+"-"+suffix, digest), component)
	meta.Labels[tenant.LabelVersioned] = "true"
	content := make(map[string][]byte, len(data))
	for key, value := range data {
		content[key] = bytes.Clone(value)
	}
	return &corev1.Secret{
		TypeMeta:   typeOf(corev1.SchemeGroupVersion, "Secret"),
		ObjectMeta: meta,
		Type:       corev1.SecretTypeOpaque,
		Immutable:  new(true),
		Data:       content,
	}
}
