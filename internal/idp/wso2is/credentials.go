package wso2is

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/published"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Credentials gives each environment variable that deployment.toml refers to its
// value, but for the stores' passwords, which pods read from the stores' own Secrets.
// The server writes some of the values into XML without escaping them, so those that
// were read come escaped. Faults: Terminal InvalidSpec for what the vendor publishes
// and for what the server could not read, naming the field and never the value.
func (Driver) Credentials(want tenant.Spec, in idp.Inputs) (idp.Credentials, error) {
	all := idp.Credentials{}
	if err := generated(all, in.Generated); err != nil {
		return nil, err
	}
	if old, held := in.Previous[MaterialDataKey]; held {
		if err := oldDataKey(all, old); err != nil {
			return nil, err
		}
	}
	database := origin{"spec.database.credentials", want.Database.Credentials}
	if err := read(all, database, in.Database, layout.EnvDatabaseUsername, layout.EnvDatabasePassword); err != nil {
		return nil, err
	}
	if want.Mail != nil {
		mail := origin{"spec.mail.credentials", want.Mail.Credentials}
		if in.Mail == nil {
			return nil, mail.refused("user name", "was not read")
		}
		if err := read(all, mail, *in.Mail, layout.EnvMailUsername, layout.EnvMailPassword); err != nil {
			return nil, err
		}
	}
	for _, store := range want.UserStores {
		username, password := layout.EnvUserStore(store.Name)
		if err := readDirectoryAccount(all, origin{store.Field + ".credentials", store.Credentials}, in.UserStores[store.Name], username, password); err != nil {
			return nil, err
		}
	}
	for _, role := range layout.Roles(want.Version) {
		if password, given := in.KeystorePasswords[role]; given && !safe.MatchString(password) {
			return nil, fault.Terminal(reasonInvalidSpec,
				"the password of Keystore %s has characters that the server cannot read, or too few: use 16 to 128 letters, digits and -._~", want.KeystoreName(role))
		} else if given && published.Secret(password) {
			return nil, fault.Terminal(reasonInvalidSpec, "the password of Keystore %s is one that the vendor publishes: use another", want.KeystoreName(role))
		}
	}
	return all, nil
}

// safe is what stands for itself in XML, in properties files and in addresses.
var safe = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,128}$`)

// dataKey is 256 bits in hexadecimal digits.
var dataKey = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// userName is what the server's own user store takes.
var userName = regexp.MustCompile(`^[A-Za-z0-9._-]{3,30}$`)

// generated checks what Vault keeps, since people can write there too.
func generated(all idp.Credentials, values map[string]map[string]string) error {
	fields := []struct {
		variable, material, field string
		form                      *regexp.Regexp
	}{
		{layout.EnvAdministratorUsername, idp.MaterialAdministrator, idp.FieldUsername, userName},
		{layout.EnvAdministratorPassword, idp.MaterialAdministrator, idp.FieldPassword, safe},
		{layout.EnvSystemUsername, idp.MaterialSystem, idp.FieldUsername, userName},
		{layout.EnvSystemPassword, idp.MaterialSystem, idp.FieldPassword, safe},
		{layout.EnvDataKey, MaterialDataKey, FieldKey, dataKey},
		{layout.EnvEndpointPassword, MaterialEndpoint, idp.FieldPassword, safe},
	}
	for _, f := range fields {
		value := values[f.material][f.field]
		if !f.form.MatchString(value) || published.Secret(value) {
			return fault.Terminal(reasonInvalidSpec, "the field %s of the generated secret %s in Vault is not what was generated: "+
				"it has to match %s and must not be a value that the vendor publishes; restore the version that Holdfast wrote", f.field, f.material, f.form)
		}
		all[f.variable] = []byte(value)
	}
	if values[idp.MaterialAdministrator][idp.FieldUsername] == values[idp.MaterialSystem][idp.FieldUsername] {
		return fault.Terminal(reasonInvalidSpec, "the generated secrets %s and %s in Vault name the same user: restore the versions that Holdfast wrote",
			idp.MaterialAdministrator, idp.MaterialSystem)
	}
	hash := sha256.Sum256(all[layout.EnvEndpointPassword])
	all[layout.EnvEndpointHash] = []byte(hex.EncodeToString(hash[:]))
	return nil
}

// oldDataKey is held beside the key that followed it.
func oldDataKey(all idp.Credentials, old map[string]string) error {
	if key := old[FieldKey]; !dataKey.MatchString(key) || key == string(all[layout.EnvDataKey]) {
		return fault.Terminal(reasonInvalidSpec, "the generation of %s before the present one is not what was generated in Vault: "+
			"restore the version that Holdfast wrote, or what it encrypted cannot be read", MaterialDataKey)
	}
	all[layout.EnvOldDataKey] = []byte(old[FieldKey])
	return nil
}

// read checks and escapes an account that a person keeps.
func read(all idp.Credentials, from origin, account idp.UsernamePassword, username, password string) error {
	for _, part := range []struct{ what, value, variable string }{
		{"user name", account.Username, username}, {"password", account.Password, password},
	} {
		if part.value == "" {
			return from.refused(part.what, "is empty")
		}
		if published.Secret(part.value) && (part.what == "password" || part.value == published.Name) {
			return from.refused(part.what, "is one that the vendor publishes: give the account another")
		}
		if err := text.Check(part.value); err != nil {
			return from.refused(part.what, "cannot be handed to the server: "+err.Error())
		}
		all[part.variable] = []byte(text.EscapeXML(part.value))
	}
	return nil
}

// readDirectoryAccount refuses besides what the server would trim away.
func readDirectoryAccount(all idp.Credentials, from origin, account idp.UsernamePassword, username, password string) error {
	if account.Username != strings.TrimSpace(account.Username) {
		return from.refused("user name", "begins or ends with a space")
	}
	if account.Password != strings.TrimSpace(account.Password) {
		return from.refused("password", "begins or ends with a space, which the server takes away")
	}
	return read(all, from, account, username, password)
}

// origin is where an account was read.
type origin struct {
	field string
	from  tenant.Credentials
}

func (o origin) refused(what, why string) error {
	place := "Secret " + o.from.SecretName
	if o.from.Path != "" {
		place = "the value at " + o.from.Mount + "/" + o.from.Path + " in Vault"
	}
	if o.from.StaticRole != "" {
		place = "the account of " + o.from.Mount + "/static-creds/" + o.from.StaticRole + " in Vault"
	}
	if o.from.Role != "" {
		place = "the account that " + o.from.Mount + "/creds/" + o.from.Role + " in Vault made"
	}
	return fault.Terminal(reasonInvalidSpec, "%s: the %s in %s %s", o.field, what, place, why)
}
