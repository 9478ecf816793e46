// Package userstores writes the files that the server reads directories of people from, one for
// each. They are the product's own format for secondary user stores, without what would make a
// directory writable, or reachable otherwise than by TLS with a verified name.
package userstores

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const reasonInvalidSpec = "InvalidSpec"

// readOnly is the product's class for directories that it must not write. Its class for Active
// Directory writes, whatever its properties say, so that one is read by this class too.
const readOnly = "org.wso2.carbon.user.core.ldap.UniqueIDReadOnlyLDAPUserStoreManager"

type manager struct {
	XMLName    xml.Name   `xml:"UserStoreManager"`
	Class      string     `xml:"class,attr"`
	Properties []property `xml:"Property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

// Render writes the file of a store. The account in it is references to variables, which only
// the container that runs before the server resolves: the server itself would take them for the
// account. Equal stores have equal bytes. Faults: Terminal InvalidSpec, naming the field.
func Render(store tenant.UserStore) ([]byte, error) {
	document := manager{Class: readOnly, Properties: properties(store)}
	username, password := layout.EnvUserStore(store.Name)
	for _, p := range document.Properties {
		if err := stands(p.Value); err != nil {
			return nil, fault.Terminal(reasonInvalidSpec, "%s cannot be written as %s of a user store: %s", store.Field, p.Name, err)
		}
	}
	for name, variable := range map[string]string{"ConnectionName": username, "ConnectionPassword": password} {
		reference, err := text.Env(variable).MarshalText()
		if err != nil {
			return nil, fault.Terminal(reasonInvalidSpec, "%s: its name cannot become a variable's: %s", store.Field, err)
		}
		document.set(name, string(reference))
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, fault.Terminal(reasonInvalidSpec, "%s cannot be written as XML: %s", store.Field, err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// stands refuses what would not be read as it is written: the server trims values, replaces
// references in them, and is told no empty one.
func stands(value string) error {
	if value != strings.TrimSpace(value) || value == "" {
		return errors.New("it is empty, or begins or ends with a space")
	}
	return text.Check(value)
}

func (m *manager) set(name, value string) {
	for i := range m.Properties {
		if m.Properties[i].Name == name {
			m.Properties[i].Value = value
		}
	}
}

// properties in a fixed order. Those of the account are set by Render.
func properties(store tenant.UserStore) []property {
	const account = "account"
	all := []property{
		{"DomainName", strings.ToUpper(store.Name)},
		{"Disabled", "false"},
		{"ReadOnly", "true"},
		{"ConnectionURL", strings.Join(store.URLs, " ")},
		{"ConnectionName", account},
		{"ConnectionPassword", account},
		{"SSLCertificateValidationEnabled", "true"},
		// The connection is TLS from its first byte.
		{"StartTLSEnabled", "false"},
		{"ConnectionPoolingEnabled", "true"},
		{"LDAPConnectionTimeout", milliseconds(store.ConnectTimeout)},
		{"ReadTimeout", milliseconds(store.ReadTimeout)},
		// A referral leads the account and its password to a server that nobody declared.
		{"Referral", "ignore"},
	}
	all = append(all, users(store)...)
	all = append(all, groups(store)...)
	if store.Type == tenant.ActiveDirectory {
		all = append(all,
			property{"java.naming.ldap.attributes.binary", "objectGUID"},
			property{"transformObjectGUIDToUUID", "true"},
			// The directory gives a group's members in pieces of this size.
			property{"MembershipAttributeRange", "1500"})
	}
	return all
}

func users(store tenant.UserStore) []property {
	return []property{
		{"UserSearchBase", store.Users.SearchBase},
		{"UserNameAttribute", store.Users.NameAttribute},
		{"UserNameListFilter", store.Users.Filter},
		{"UserNameSearchFilter", search(store.Users.Filter, store.Users.NameAttribute)},
		{"UserIDAttribute", store.Users.IDAttribute},
		{"UserIdSearchFilter", search(store.Users.Filter, store.Users.IDAttribute)},
		{"CaseInsensitiveUsername", "true"},
		{"ReplaceEscapeCharactersAtUserLogin", "true"},
	}
}

// groups has an identifier of groups even where none are read: the server refuses a store
// without it.
func groups(store tenant.UserStore) []property {
	if store.Groups == nil {
		return []property{{"ReadGroups", "false"}, {"GroupIdAttribute", store.Users.IDAttribute}}
	}
	return []property{
		{"ReadGroups", "true"},
		{"GroupIdAttribute", store.Groups.IDAttribute},
		{"GroupSearchBase", store.Groups.SearchBase},
		{"GroupNameAttribute", store.Groups.NameAttribute},
		{"GroupNameListFilter", store.Groups.Filter},
		{"GroupNameSearchFilter", search(store.Groups.Filter, store.Groups.NameAttribute)},
		{"MembershipAttribute", store.Groups.MemberAttribute},
	}
}

// search is a filter for one entry: the server puts the name, escaped, in the place of the
// question mark.
func search(filter, attribute string) string { return "(&" + filter + "(" + attribute + "=?))" }

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
