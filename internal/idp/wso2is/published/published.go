// Package published knows the secrets that everybody can read in the vendor's repositories
// and charts. None of them protects anything, so none of them may be part of what is
// asked for or of what is made. It is pure.
package published

import "strings"

// Name is the user name, the password, the alias and the file name of all that the vendor ships.
const Name = "wso2carbon"

// Default is one published secret.
type Default struct {
	// ID is its row in the guidelines.
	ID string
	// What it is, without its value.
	What string
	// Instead is what to do.
	Instead string
}

var (
	administrator = Default{"DEF-01", "the vendor's account of the administrator", "choose another user name, and a password that a secret store keeps"}
	keystore      = Default{"DEF-02", "the vendor's keystore, whose private key and password are published", "make stores of your own, each with its own password and alias"}
	dataKey       = Default{"DEF-03", "the product's published key for data at rest", "generate 64 hexadecimal digits before the first start"}
	chartKey      = Default{"DEF-04", "the published key for data at rest of the vendor's chart", "generate 64 hexadecimal digits before the first start"}
	application   = Default{"DEF-05", "the vendor's password of the login pages' application, or its hash", "generate a password and give its SHA-256 as hash"}
	tasks         = Default{"DEF-06", "the vendor's account of the task server", "give it an account of its own"}
	database      = Default{"DEF-07", "the vendor's H2 database, or its account", "use a database server, with an account of its own"}
	endpoint      = Default{"DEF-08", "the vendor's user of the login pages", "give the pages an account of their own"}
)

const (
	productDataKey  = "03BAFEB27A8E871CAD83C5CD4E771DAB"
	chartDataKey    = "3cc0481b70794667b5bee7e2beed2de4"
	applicationHash = "66cd9688a2ae068244ea01e70f0e230f5623b7fa4cdecb65070a09ec06452262"
)

// unmistakable are found inside any text, in any case.
var unmistakable = []struct {
	text string
	is   Default
}{
	{productDataKey, dataKey},
	{chartDataKey, chartKey},
	{applicationHash, application},
	{Name + ".jks", keystore},
	{Name + ".p12", keystore},
	{"jdbc:h2:", database},
}

// words are published secrets that are ordinary words too: only a whole value is one.
var words = map[string]Default{"admin": administrator, Name: keystore, "dashboard": application}

// Secret tells whether a secret is a published one. Case is no protection.
func Secret(value string) bool {
	_, found := Which(value)
	return found
}

// Which gives the default that a secret is.
func Which(value string) (Default, bool) {
	if is, word := words[strings.ToLower(value)]; word {
		return is, true
	}
	return Text(value)
}

// Text finds a published secret in text that is not known to be a secret: where an
// ordinary word is a password of the vendor, it stays unnoticed.
func Text(text string) (Default, bool) {
	folded := strings.ToLower(text)
	for _, u := range unmistakable {
		if strings.Contains(folded, strings.ToLower(u.text)) {
			return u.is, true
		}
	}
	if strings.TrimSpace(folded) == Name {
		return keystore, true
	}
	return Default{}, false
}
