package wso2is_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"strings"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func inputsFor(t *testing.T, want tenant.Spec) idp.Inputs {
	t.Helper()
	in := idp.Inputs{
		Generated: map[string]map[string]string{},
		Database:  idp.UsernamePassword{Username: "identity_rw", Password: "qE7-database-password"},
	}
	in.UserStores = map[string]idp.UsernamePassword{}
	for _, store := range want.UserStores {
		in.UserStores[store.Name] = idp.UsernamePassword{Username: "cn=reader,dc=" + store.Name, Password: "k3Y<&>-of-" + store.Name}
	}
	if want.Mail != nil {
		in.Mail = &idp.UsernamePassword{Username: "id@acme.example", Password: "w9T-mail-password"}
	}
	for _, material := range (wso2is.Driver{}).Materials(want) {
		value, err := material.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Generated[material.Name] = value
		if !material.Irreplaceable || !want.OldDataKey {
			continue
		}
		if value, err = material.Generate(value); err != nil {
			t.Fatal(err)
		}
		in.Previous = map[string]map[string]string{material.Name: value}
	}
	return in
}

// TestVendorDefaultsAreRefused gives each secret that the vendor publishes wherever a
// person could put it.
func TestVendorDefaultsAreRefused(t *testing.T) {
	want := fullSpec(versions[2])
	key := strings.Repeat("0", 64)
	for name, spoil := range map[string]func(*idp.Inputs){
		"DEF-01 administrator": func(in *idp.Inputs) { in.Generated[idp.MaterialAdministrator][idp.FieldPassword] = "admin" },
		"DEF-02 store": func(in *idp.Inputs) {
			in.KeystorePasswords = map[tenant.KeystoreRole]string{tenant.RoleTLS: "wso2carbon"}
		},
		"DEF-03 product's data key": func(in *idp.Inputs) {
			in.Generated[wso2is.MaterialDataKey][wso2is.FieldKey] = "03BAFEB27A8E871CAD83C5CD4E771DAB"
		},
		"DEF-04 chart's data key": func(in *idp.Inputs) {
			in.Generated[wso2is.MaterialDataKey][wso2is.FieldKey] = "3cc0481b70794667b5bee7e2beed2de4"
		},
		"DEF-05 endpoint application": func(in *idp.Inputs) { in.Generated[wso2is.MaterialEndpoint][idp.FieldPassword] = "dashboard" },
		"DEF-06 task server":          func(in *idp.Inputs) { in.Generated[idp.MaterialSystem][idp.FieldPassword] = "admin" },
		"DEF-07 database": func(in *idp.Inputs) {
			in.Database = idp.UsernamePassword{Username: "wso2carbon", Password: "wso2carbon"}
		},
		"DEF-07 database's user":         func(in *idp.Inputs) { in.Database.Username = "wso2carbon" },
		"DEF-07 in capitals":             func(in *idp.Inputs) { in.Database.Password = "WSO2Carbon" },
		"DEF-08 endpoint user":           func(in *idp.Inputs) { in.Generated[idp.MaterialSystem][idp.FieldUsername] = "admin" },
		"admin/admin at the database":    func(in *idp.Inputs) { in.Database = idp.UsernamePassword{Username: "admin", Password: "admin"} },
		"admin/admin at the mail server": func(in *idp.Inputs) { *in.Mail = idp.UsernamePassword{Username: "admin", Password: "admin"} },
		"the published hash as password": func(in *idp.Inputs) {
			in.Database.Password = "66cd9688a2ae068244ea01e70f0e230f5623b7fa4cdecb65070a09ec06452262"
		},
	} {
		in := inputsFor(t, want)
		spoil(&in)
		if _, err := (wso2is.Driver{}).Credentials(want, in); !fault.IsTerminal(err) {
			t.Errorf("%s: got %v, wanted a Terminal fault", name, err)
		}
	}
	in := inputsFor(t, want)
	in.Generated[wso2is.MaterialDataKey][wso2is.FieldKey] = key
	if _, err := (wso2is.Driver{}).Credentials(want, in); err != nil {
		t.Errorf("an ordinary key is refused, so the table above shows nothing: %v", err)
	}
}

// TestFaultsNameTheFieldAndNotTheValue.
func TestFaultsNameTheFieldAndNotTheValue(t *testing.T) {
	want := fullSpec(versions[2])
	const canary = "kX93canary"
	for _, c := range []struct {
		names []string
		spoil func(*idp.Inputs)
	}{
		{[]string{"spec.database.credentials", "password", "secret/acme/db"}, func(in *idp.Inputs) { in.Database.Password = canary + "${x}" }},
		{[]string{"spec.database.credentials", "password"}, func(in *idp.Inputs) { in.Database.Password = canary + "{{7*7}}" }},
		{[]string{"spec.database.credentials", "user name"}, func(in *idp.Inputs) { in.Database.Username = canary + "\n" }},
		{[]string{"spec.mail.credentials", "password", "Secret mail"}, func(in *idp.Inputs) { in.Mail.Password = canary + "$env{DATA_KEY}" }},
		{[]string{"spec.userStores[0].ldap.credentials", "password", "Secret corp-reader", "space"}, func(in *idp.Inputs) {
			in.UserStores["corp"] = idp.UsernamePassword{Username: "cn=reader", Password: canary + " "}
		}},
		{[]string{"spec.userStores[0].ldap.credentials", "user name", "space"}, func(in *idp.Inputs) {
			in.UserStores["corp"] = idp.UsernamePassword{Username: " cn=reader", Password: canary}
		}},
		{[]string{"spec.userStores[1].activeDirectory.credentials", "empty", "acme/partners"}, func(in *idp.Inputs) { delete(in.UserStores, "partners-eu") }},
		{[]string{"spec.userStores[0].ldap.credentials", "password"}, func(in *idp.Inputs) {
			in.UserStores["corp"] = idp.UsernamePassword{Username: "cn=reader", Password: canary + "${user.home}"}
		}},
		{[]string{"spec.mail.credentials", "empty"}, func(in *idp.Inputs) { in.Mail.Password = "" }},
		{[]string{"spec.mail.credentials"}, func(in *idp.Inputs) { in.Mail = nil }},
		{[]string{"data-key", "key"}, func(in *idp.Inputs) { in.Generated[wso2is.MaterialDataKey][wso2is.FieldKey] = canary }},
		{[]string{"administrator", "password"}, func(in *idp.Inputs) {
			in.Generated[idp.MaterialAdministrator][idp.FieldPassword] = canary + `with"quotes&<`
		}},
		{[]string{"the generated secret system"}, func(in *idp.Inputs) { delete(in.Generated, idp.MaterialSystem) }},
		{[]string{"administrator", "system", "same user"}, func(in *idp.Inputs) {
			in.Generated[idp.MaterialSystem][idp.FieldUsername] = in.Generated[idp.MaterialAdministrator][idp.FieldUsername]
		}},
		{[]string{"acme-tls"}, func(in *idp.Inputs) {
			in.KeystorePasswords = map[tenant.KeystoreRole]string{tenant.RoleTLS: canary + "<with&xml>"}
		}},
	} {
		in := inputsFor(t, want)
		c.spoil(&in)
		_, err := wso2is.Driver{}.Credentials(want, in)
		if !fault.IsTerminal(err) {
			t.Errorf("%v: got %v, wanted a Terminal fault", c.names, err)
			continue
		}
		for _, name := range c.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q does not name %s", err, name)
			}
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%q quotes the value", err)
		}
	}
}

// TestReadPasswordsSurviveXML: the server writes them into an element as they are.
func TestReadPasswordsSurviveXML(t *testing.T) {
	want := minimalSpec(versions[2])
	for _, password := range []string{`a&b`, `<x>`, `"'`, `]]>`, `p&amp;w`, `äöü €`, `back\slash`, `dollar$ign`} {
		in := inputsFor(t, want)
		in.Database.Password = password
		values, err := wso2is.Driver{}.Credentials(want, in)
		if err != nil {
			t.Errorf("%q: %v", password, err)
			continue
		}
		var read struct {
			Password string `xml:"password"`
		}
		if err := xml.Unmarshal([]byte("<a><password>"+string(values[layout.EnvDatabasePassword])+"</password></a>"), &read); err != nil || read.Password != password {
			t.Errorf("%q comes out of the server's XML as %q (%v)", password, read.Password, err)
		}
	}
}

// TestMaterials: what is generated is accepted, never twice the same, and only the
// data key cannot be made again.
func TestMaterials(t *testing.T) {
	want := minimalSpec(versions[2])
	first, second := inputsFor(t, want), inputsFor(t, want)
	for _, material := range (wso2is.Driver{}).Materials(want) {
		if material.Irreplaceable != (material.Name == wso2is.MaterialDataKey) {
			t.Errorf("%s: irreplaceable is %t", material.Name, material.Irreplaceable)
		}
		if maps.Equal(first.Generated[material.Name], second.Generated[material.Name]) {
			t.Errorf("%s is generated twice the same", material.Name)
		}
	}
	values, err := wso2is.Driver{}.Credentials(want, first)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(first.Generated[wso2is.MaterialEndpoint][idp.FieldPassword]))
	if got := string(values[layout.EnvEndpointHash]); got != hex.EncodeToString(sum[:]) {
		t.Errorf("the hash of the endpoint application is %s", got)
	}
}

// TestOldDataKeyIsHeldBesideTheNewOne: without it what it encrypted is lost, and one key
// twice would say that something was rotated that was not.
func TestOldDataKeyIsHeldBesideTheNewOne(t *testing.T) {
	want := fullSpec(versions[2])
	want.OldDataKey = true
	in := inputsFor(t, want)
	all, err := wso2is.Driver{}.Credentials(want, in)
	if err != nil {
		t.Fatal(err)
	}
	old := in.Previous[wso2is.MaterialDataKey][wso2is.FieldKey]
	if string(all[layout.EnvOldDataKey]) != old || string(all[layout.EnvDataKey]) == old {
		t.Error("the old key is not what pods hold beside the new one")
	}
	for _, spoiled := range []string{"", "0", string(all[layout.EnvDataKey])} {
		in.Previous[wso2is.MaterialDataKey] = map[string]string{wso2is.FieldKey: spoiled}
		if _, err := (wso2is.Driver{}).Credentials(want, in); !fault.IsTerminal(err) || spoiled != "" && strings.Contains(err.Error(), spoiled) && len(spoiled) > 1 {
			t.Errorf("an old key of %d characters that is no old key: %v", len(spoiled), err)
		}
	}
}

// TestAccountsOfEachGeneration: the administrator keeps its name, the system account takes
// turns, and every password is new.
func TestAccountsOfEachGeneration(t *testing.T) {
	for _, material := range (wso2is.Driver{}).Materials(fullSpec(versions[2])) {
		var names []string
		passwords := map[string]bool{}
		var value map[string]string
		for range 3 {
			next, err := material.Generate(value)
			if err != nil {
				t.Fatal(err)
			}
			value = next
			names = append(names, value[idp.FieldUsername])
			passwords[value[idp.FieldPassword]+value[wso2is.FieldKey]] = true
		}
		if len(passwords) != 3 {
			t.Errorf("%s: %d different values in 3 generations", material.Name, len(passwords))
		}
		switch material.Name {
		case idp.MaterialAdministrator:
			if names[0] != names[1] || names[1] != names[2] {
				t.Errorf("the administrator's name changed: %v", names)
			}
		case idp.MaterialSystem:
			if names[0] == names[1] || names[0] != names[2] {
				t.Errorf("the system account's names do not take turns: %v", names)
			}
		}
	}
}
