// Package control holds the hardening catalogue as data: what each guideline asks of a
// server, why, by which sources, what each profile wants, and how that is judged. The
// operator, the linter and the documentation read the same entries. It knows no
// product's code and no custom resource: it judges documents, which are keys and values.
package control

import "slices"

// Profile is how strictly a server is hardened.
type Profile string

// The profiles, from the weakest.
const (
	Baseline Profile = "Baseline"
	Strict   Profile = "Strict"
	FAPI2    Profile = "FAPI2"
)

// Profiles lists the profiles in order.
func Profiles() []Profile { return []Profile{Baseline, Strict, FAPI2} }

// Control is one guideline. Its id is ours and never changes its meaning; a control that
// is dropped leaves its number unused.
type Control struct {
	// ID is an area and a number, such as TLS-04.
	ID string `json:"id"`
	// Title says in a line what has to hold.
	Title string `json:"title"`
	// Why is the reason, for whoever has to decide about an exception.
	Why string `json:"why"`
	// Seeds are the rows of the guidelines that ask for it, such as PROD-08.
	Seeds []string `json:"seeds,omitempty"`
	// Standards name a document and a clause, such as "ISO/IEC 27002:2022 8.24".
	Standards []string `json:"standards,omitempty"`
	// Fields of our custom resources that set it. Empty: nobody can set it otherwise.
	Fields []string `json:"fields,omitempty"`
	// Checks have to hold, all of them. None: no machine can judge it here.
	Checks []Check `json:"checks,omitempty"`
	// Enforced names what the operator makes that does it, where no value in a document
	// tells, such as its NetworkPolicies.
	Enforced string `json:"enforced,omitempty"`
	// Paper is set where only a document proves it: spec.hardening.attestations names that.
	Paper bool `json:"paper,omitempty"`
	// Gap tells what the product cannot do, and what to do instead.
	Gap string `json:"gap,omitempty"`
	// Obsolete tells why a guideline of an older product does not apply any more.
	Obsolete string `json:"obsolete,omitempty"`
}

// Check is one value of one document that a control is about.
type Check struct {
	// In is the document.
	In Document `json:"in"`
	// Key of the value, as the document flattens it. A part that is an asterisk stands for
	// any one part; each key that fits is judged by itself.
	Key string `json:"key"`
	// When is a key, or one with asterisks, that has to be there for the check to ask
	// anything, such as that of a mail server's name. Empty: it always asks.
	When string `json:"when,omitempty"`
	// Products that it holds for; empty: all.
	Products []string `json:"products,omitempty"`
	// From and Before bound the product's versions, such as "7.2"; empty: no bound.
	From   string `json:"from,omitempty"`
	Before string `json:"before,omitempty"`
	// Default is what holds where the document has no such key: the product's own value.
	// Absent: nobody knows, and a document without the key does not meet the check.
	Default []string `json:"default,omitempty"`
	// Advisory names the vulnerability that is open where the check does not hold, such as
	// CVE-2025-9312.
	Advisory string `json:"advisory,omitempty"`
	// Want is the rule of every profile that Profiles does not name.
	Want *Rule `json:"want,omitempty"`
	// Profiles have rules of their own.
	Profiles map[Profile]Rule `json:"profiles,omitempty"`
}

// Document names what a value stands in.
type Document string

// The documents.
const (
	// Deployment is deployment.toml: keys joined by dots, values as TOML writes them without quotes.
	Deployment Document = "deployment.toml"
	// Log is log4j2.properties.
	Log Document = "log4j2.properties"
	// KeycloakConf is keycloak.conf, where no key has a dot.
	KeycloakConf Document = "keycloak.conf"
	// UserStores are the files of user stores: the name of each, and of its properties.
	UserStores Document = "userstores"
	// Settings are what a running server is told, per realm: the settings of package tenant.
	Settings Document = "settings"
	// Pod is the pod's template, see the workload's evidence.
	Pod Document = "pod"
	// Tenant are choices that stand in no other document, by the field's path.
	Tenant Document = "tenant"
)

// Rule gives the rule of a profile, nil when the check asks nothing there.
func (c Check) Rule(profile Profile) *Rule {
	if rule, ok := c.Profiles[profile]; ok {
		return &rule
	}
	return c.Want
}

// About tells whether the check is about a product, of which "" is any.
func (c Check) About(product string) bool {
	products := c.Products
	if one, ok := ofOne[c.In]; ok {
		products = []string{one}
	}
	return product == "" || len(products) == 0 || slices.Contains(products, product)
}

// ofOne are documents of one product only.
var ofOne = map[Document]string{Deployment: "wso2is", Log: "wso2is", KeycloakConf: "keycloak"}

// Applies tells whether the check is about a product, as About does, and its version.
func (c Check) Applies(product, version string) bool {
	return c.About(product) &&
		(c.From == "" || compareVersions(version, c.From) >= 0) &&
		(c.Before == "" || compareVersions(version, c.Before) < 0)
}
