package wso2is_test

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pelletier/go-toml/v2"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// versions are the ones that a golden file each is kept for.
var versions = []tenant.Version{{Major: 7, Minor: 1}, {Major: 7, Minor: 2}, {Major: 7, Minor: 3}}

// minimalSpec is what resolve makes of the smallest tenant.
func minimalSpec(version tenant.Version) tenant.Spec {
	account := tenant.Credentials{Mount: "secret", Path: "acme/db", UsernameField: "username", PasswordField: "password"}
	want := tenant.Spec{
		Namespace: "iam",
		Name:      "acme",
		Owner: metav1.OwnerReference{
			APIVersion: "iam.holdfast.dev/v1alpha1", Kind: "IdentityTenant", Name: "acme", UID: "6b1c0a5e-2f5e-4f59-9a83-0d5a4e1b7c11",
			Controller: new(true), BlockOwnerDeletion: new(true),
		},
		Product:  tenant.WSO2IS,
		Version:  version,
		Profile:  control.Strict,
		Image:    "registry.example/wso2is@sha256:" + strings.Repeat("0", 63) + "1",
		Hostname: "id.acme.example",
		Replicas: new(int32(2)),
		CPU:      resource.MustParse("2"),
		Memory:   resource.MustParse("4Gi"),
		Database: tenant.Database{
			Type: tenant.PostgreSQL, Host: "db.iam.svc", Port: 5432, Name: "identity", SharedName: "identity", AgentName: "identity",
			Credentials: account, SchemaOwner: account,
		},
		Realms:     []tenant.Realm{{Name: tenant.RootRealm}},
		Logs:       tenant.Logs{Server: tenant.LogStream{Level: "WARN", JSON: true}, Audit: tenant.LogStream{Level: "INFO", JSON: true}, Access: true},
		WindowOpen: true,
	}
	roles := []tenant.KeystoreRole{tenant.RoleTLS, tenant.RoleSigning, tenant.RoleInternal}
	if version.AtLeast(7, 2) {
		roles = append(roles, tenant.RoleFederation)
	}
	for _, role := range roles {
		want.Keystores = append(want.Keystores, tenant.Keystore{Role: role, Alias: string(role), Algorithm: "RSA", Size: 3072, Duration: time.Hour})
	}
	want.Keystores = append(want.Keystores, tenant.Keystore{Role: tenant.RoleTrust})
	return want
}

// fullSpec uses every field that the driver reads.
func fullSpec(version tenant.Version) tenant.Spec {
	want := minimalSpec(version)
	want.Exposure.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	want.Replicas = nil
	want.Version.Update = 12
	want.Memory = resource.MustParse("6Gi")
	want.ImagePullSecrets = []string{"registry", "mirror"}
	want.Scheduling = tenant.Scheduling{
		NodeSelector: map[string]string{"pool": "identity"}, PriorityClassName: "important",
		Tolerations: []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "identity", Effect: corev1.TaintEffectNoSchedule}},
	}
	want.Database.Name, want.Database.SharedName, want.Database.AgentName = "identity", "users", "agents"
	want.Mail = &tenant.Mail{Host: "smtp.acme.example", Port: 587, From: "id+noreply@acme.example", Credentials: tenant.Credentials{SecretName: "mail"}}
	want.UserStores = []tenant.UserStore{{
		Name: "corp", Field: "spec.userStores[0].ldap", Type: tenant.LDAP, URLs: []string{"ldaps://ldap-1.acme.example:636", "ldaps://ldap-2.acme.example:1636"},
		Credentials:    tenant.Credentials{SecretName: "corp-reader"},
		Users:          tenant.DirectoryUsers{SearchBase: "ou=people,dc=acme,dc=example", Filter: "(objectClass=inetOrgPerson)", NameAttribute: "uid", IDAttribute: "entryUUID"},
		ConnectTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
	}, {
		Name: "partners-eu", Field: "spec.userStores[1].activeDirectory", Type: tenant.ActiveDirectory, URLs: []string{"ldaps://dc.partners.example:636"},
		Credentials:    tenant.Credentials{Mount: "secret", Path: "acme/partners", UsernameField: "username", PasswordField: "password"},
		Users:          tenant.DirectoryUsers{SearchBase: "OU=Staff & Guests,DC=partners,DC=example", Filter: "(&(objectCategory=person)(objectClass=user))", NameAttribute: "sAMAccountName", IDAttribute: "objectGUID"},
		Groups:         &tenant.DirectoryGroups{SearchBase: "OU=Groups,DC=partners,DC=example", Filter: "(objectClass=group)", NameAttribute: "cn", IDAttribute: "objectGUID", MemberAttribute: "member"},
		ConnectTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
	}}
	want.Realms = append(want.Realms, tenant.Realm{Name: "partners.example"})
	want.Logs = tenant.Logs{
		Server:  tenant.LogStream{Level: "DEBUG", File: &tenant.LogFile{MaxSizeBytes: 10 << 20, Keep: 20}},
		Audit:   tenant.LogStream{Level: "INFO", JSON: true, File: &tenant.LogFile{MaxSizeBytes: 5 << 20, Keep: 3}},
		Masking: []tenant.MaskingPattern{{Name: "card.visa", Pattern: `4[0-9]{15}`}, {Name: "iban", Pattern: `\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b`}},
	}
	want.WindowOpen = false
	return want
}

// rendering is all that the driver makes of a tenant.
type rendering struct {
	want     tenant.Spec
	files    idp.Files
	toml     map[string]any
	workload *appsv1.StatefulSet
	job      *batchv1.Job
	// document has everything under one name, for rows that prove something by a path.
	document map[string]any
}

func render(t *testing.T, want tenant.Spec) rendering {
	t.Helper()
	r := rendering{want: want, toml: map[string]any{}}
	var err error
	if r.files, err = (wso2is.Driver{}).Config(want, idptest.FactsFor(want)); err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(r.files["deployment.toml"], &r.toml); err != nil {
		t.Fatal(err)
	}
	objects, err := wso2is.Driver{}.Workload(want, idptest.FactsFor(want), "acme-config-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	r.workload = objects[0].(*appsv1.StatefulSet)
	jobs, err := wso2is.Driver{}.SchemaJob(want, idptest.FactsFor(want), "acme-schema-credentials-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	r.job = jobs[0].(*batchv1.Job)
	r.document = map[string]any{
		"toml": r.toml, "log": properties(t, r.files["log4j2.properties"]), "pod": plain(t, r.workload.Spec.Template.Spec),
		"set": plain(t, r.workload.Spec), "job": plain(t, r.job.Spec), "shape": plain(t, wso2is.Driver{}.Shape(want)),
	}
	return r
}

func plain(t *testing.T, value any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(encoded, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// properties reads a Java properties file as java.util.Properties does, as far as one
// without line continuations goes.
func properties(t *testing.T, data []byte) map[string]any {
	t.Helper()
	out := map[string]any{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), " \t")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		end := 0
		for end < len(line) && !strings.ContainsRune(" =:", rune(line[end])) {
			if line[end] == '\\' {
				end++
			}
			end++
		}
		key, rest := line[:end], strings.TrimLeft(line[end:], " ")
		rest = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(rest, "="), ":"), " ")
		key = unescape(t, key)
		if _, twice := out[key]; twice {
			t.Errorf("property %s is set twice", key)
		}
		out[key] = unescape(t, rest)
	}
	return out
}

func unescape(t *testing.T, text string) string {
	t.Helper()
	var units []uint16
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			units = append(units, uint16(text[i]))
			continue
		}
		i++
		if i == len(text) {
			t.Fatalf("%q continues on the next line", text)
		}
		if text[i] != 'u' {
			units = append(units, uint16(text[i]))
			continue
		}
		unit, err := strconv.ParseUint(text[i+1:i+5], 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, uint16(unit))
		i += 4
	}
	return string(utf16.Decode(units))
}

// at follows a path of keys, numbers standing for places in lists. A key with dots of
// its own is found by the longest match. Nil when there is nothing.
func at(value any, path string) any {
	if path == "" {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
			if inner, found := value[path[:end]]; found {
				return at(inner, strings.TrimPrefix(path[end:], "."))
			}
		}
	case []any:
		index, rest, _ := strings.Cut(path, ".")
		if i, err := strconv.Atoi(index); err == nil && i < len(value) {
			return at(value[i], rest)
		}
	}
	return nil
}
