package standin

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/keystore"
)

// stores are the opened stores, by their role in deployment.toml.
type stores struct {
	entries map[string][]keystore.Entry
	// alias of the key that a role uses.
	alias map[string]string
	trust []*x509.Certificate
}

// signing is the role whose keys sign tokens.
const signing = "signing"

// readStores opens each store with its own password and looks for its alias.
func readStores(home fs.FS, c configuration) (stores, error) {
	s := stores{entries: map[string][]keystore.Entry{}, alias: map[string]string{}}
	for _, role := range []string{"primary", "internal", "tls"} {
		section := "keystore." + role
		if c.text(section+".file_name") == "" {
			section = "keystore.primary" // the product's default is $ref to primary
		}
		if err := s.open(home, role, section, c.values); err != nil {
			return s, err
		}
	}
	custom, err := c.customSigning()
	if err != nil {
		return s, err
	}
	if custom == nil {
		s.entries[signing], s.alias[signing] = s.entries["primary"], s.alias["primary"]
	} else if err := s.open(home, signing, "", custom); err != nil {
		return s, err
	}
	name := c.text("truststore.file_name")
	trusted, err := openStore(home, name, c.text("truststore.type"), c.text("truststore.password"))
	if err != nil {
		return s, err
	}
	for _, entry := range trusted {
		if entry.PrivateKey == nil {
			s.trust = append(s.trust, entry.Chain...)
		}
	}
	return s, nil
}

// customSigning finds the store that [keystore.mapping.oauth] names, nil when there is
// no mapping (7.1).
func (c configuration) customSigning() (map[string]any, error) {
	name := c.text("keystore.mapping.oauth.keystore_file_name")
	if name == "" {
		return nil, nil
	}
	list, _ := c.values["keystore.custom"].([]any)
	for _, entry := range list {
		table, _ := entry.(map[string]any)
		if table["file_name"] == name {
			return table, nil
		}
	}
	return nil, refusal("keystore.mapping.oauth names %s, which no [[keystore.custom]] has", name)
}

func (s stores) open(home fs.FS, role, section string, values map[string]any) error {
	text := func(key string) string {
		if section != "" {
			key = section + "." + key
		}
		value, _ := values[key].(string)
		return value
	}
	entries, err := openStore(home, text("file_name"), text("type"), text("password"))
	if err != nil {
		return err
	}
	alias := text("alias")
	if text("key_password") != text("password") {
		return refusal("store %s: key_password differs from password, which PKCS12 cannot have", text("file_name"))
	}
	if !slices.ContainsFunc(entries, func(e keystore.Entry) bool { return e.Alias == alias && e.PrivateKey != nil }) {
		return refusal("store %s has no key of alias %q", text("file_name"), alias)
	}
	s.entries[role], s.alias[role] = entries, alias
	return nil
}

func openStore(home fs.FS, name, kind, password string) ([]keystore.Entry, error) {
	if name == "" {
		return nil, refusal("a store has no file_name")
	}
	if !strings.EqualFold(kind, "PKCS12") {
		return nil, refusal("store %s is of type %q; this stand-in reads PKCS12", name, kind)
	}
	data, err := fs.ReadFile(home, path.Join("security", name))
	if err != nil {
		return nil, refusal("store %s: %w", name, err)
	}
	entries, err := keystore.DecodePKCS12(data, password)
	if err != nil {
		return nil, refusal("store %s: %w", name, err)
	}
	return entries, nil
}

// entry is the entry that a role uses.
func (s stores) entry(role string) keystore.Entry {
	for _, entry := range s.entries[role] {
		if entry.Alias == s.alias[role] {
			return entry
		}
	}
	return keystore.Entry{}
}

var protocols = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

// tls is the HTTPS listener's configuration, from sslHostConfig.
func (c configuration) tls(s stores) (*tls.Config, error) {
	const section = "transport.https.sslHostConfig.properties."
	entry := s.entry("tls")
	certificate := tls.Certificate{PrivateKey: entry.PrivateKey, Leaf: entry.Chain[0]}
	for _, link := range entry.Chain {
		certificate.Certificate = append(certificate.Certificate, link.Raw)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}
	for name := range strings.SplitSeq(strings.NewReplacer("+", ",", " ", "").Replace(c.text(section+"protocols")), ",") {
		version, ok := protocols[name]
		if !ok {
			return nil, refusal("transport.https: protocol %q is not one that anybody should speak", name)
		}
		config.MinVersion, config.MaxVersion = min(config.MinVersion, version), max(config.MaxVersion, version)
	}
	if list := c.text(section + "ciphers"); list != "" {
		for _, suite := range tls.CipherSuites() { // as Tomcat, it leaves out names that it does not know
			if slices.Contains(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == ':' }), suite.Name) {
				config.CipherSuites = append(config.CipherSuites, suite.ID)
			}
		}
		if len(config.CipherSuites) == 0 {
			return nil, refusal("transport.https: none of the ciphers is known")
		}
	}
	config.ClientCAs = x509.NewCertPool()
	for _, trusted := range s.trust {
		config.ClientCAs.AddCert(trusted)
	}
	switch c.text(section + "certificateVerification") {
	case "want", "optional":
		config.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
