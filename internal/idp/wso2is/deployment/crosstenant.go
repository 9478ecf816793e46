package deployment

import (
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// resources are rows that stand before the product's own in the access control of its REST
// APIs. The first row that fits a request decides.
type resources struct {
	AccessControl []resource `toml:"access_control"`
}

type resource struct {
	// Context is a regular expression that the whole path has to match.
	Context text.XML `toml:"context"`
	Secure  bool     `toml:"secure"`
	Method  string   `toml:"http_method"`
	// CrossTenant lets accounts of AllowedTenants in beside the server tenant's own.
	CrossTenant    bool   `toml:"cross_tenant"`
	AllowedTenants string `toml:"cross_access_allowed_tenants"`
	// Scopes are those of the product's row that this one takes the place of: without any, who
	// signs in to the server tenant may do all.
	Scopes []string `toml:"scopes"`
}

// superTenant is the domain of the realm root.
const superTenant = "carbon.super"

const restID = "[A-Za-z0-9_-]+"

// managed are the requests that settings of a realm take, and no more of the API. The rules
// of passwords are read without a login. The scopes are those of 7.3; before it, whoever signs
// in to a server tenant may read its configs, which this ends where the operator reads them.
var managed = []struct{ method, path, scope string }{
	{"PUT", "validation-rules/password", "internal_validation_rule_mgt_update"},
	{"GET", "identity-governance/" + restID, "internal_governance_view"},
	{"PATCH", "identity-governance/" + restID + "/connectors/" + restID, "internal_governance_update"},
	{"GET", "configs(/jwt-key-validator)?", "internal_config_view"},
	{"PATCH", "configs(/(cors|dcr|jwt-key-validator))?", "internal_config_update"},
}

// anyDomain is one part of a path, whatever it is: a server tenant that appears while the server
// runs is reached without a restart, and rows that named those that are there would make each
// new one a rollout.
const anyDomain = "[^/]+"

// newResources lets the super tenant's accounts, of which the operator's is one, into the server
// tenants that it has to read: the product refuses them there with 401 otherwise. Those are all
// of them, unless undeclared ones are ignored. Nil where root is the only realm.
func newResources(want tenant.Spec) *resources {
	domains := anyDomain
	if want.Undeclared.Mode == tenant.UndeclaredIgnore {
		if domains = declared(want.Realms); domains == "" {
			return nil
		}
	}
	prefix := "/t/" + domains + "/api/server/v1/"
	r := &resources{}
	for _, m := range managed {
		r.AccessControl = append(r.AccessControl, resource{
			Context: text.ForXML(prefix + m.path), Secure: true, Method: m.method,
			CrossTenant: true, AllowedTenants: superTenant, Scopes: []string{m.scope},
		})
	}
	return r
}

// declared is an expression for the domains of the realms but root.
func declared(realms []tenant.Realm) string {
	var domains []string
	for _, realm := range realms {
		if realm.Name != tenant.RootRealm {
			domains = append(domains, strings.ReplaceAll(realm.Name, ".", "[.]"))
		}
	}
	if len(domains) == 0 {
		return ""
	}
	return "(" + strings.Join(domains, "|") + ")"
}
