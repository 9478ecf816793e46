// Package conf renders keycloak.conf. Secrets are not in it: the server reads those from
// variables of its environment.
package conf

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// featuresOff are on by default: an administrator who becomes another user leaves that user's
// name in the logs of every application.
var featuresOff = []string{"impersonation"}

// Server renders the file of the server. An error names the key that cannot be written.
func Server(want tenant.Spec) ([]byte, error) {
	p := &properties{}
	p.section("The database: TLS with a verified name, and tables that only the schema Job makes.")
	database(p, want)
	p.set("spi-connections-jpa--quarkus--migration-strategy", "validate")
	p.set("spi-connections-jpa--quarkus--initialize-empty", "false")
	p.section("The names that the server has for others; what a request says does not matter.")
	p.set("hostname", "https://"+want.Hostname)
	if want.Exposure.Admin != nil {
		p.set("hostname-admin", "https://"+want.Exposure.Admin.Hostname)
	}
	p.set("hostname-strict", "true")
	p.set("hostname-backchannel-dynamic", "false")
	p.set("hostname-debug", "false")
	p.section("HTTPS alone. A new certificate comes with new pods.")
	transport(p)
	if proxies := want.Exposure.TrustedProxies; len(proxies) > 0 {
		addresses := make([]string, len(proxies))
		for i, proxy := range proxies {
			addresses[i] = proxy.String()
		}
		p.section("The proxies whose word about a client counts.")
		p.set("proxy-headers", "xforwarded")
		p.set("proxy-trusted-addresses", strings.Join(addresses, ","))
	}
	p.section("What the server trusts when it calls others.")
	p.set("truststore-paths", layout.TrustedCertificates)
	p.set("truststore-kubernetes-enabled", "false")
	p.set("tls-hostname-verifier", "DEFAULT")
	p.section("Members find each other in the database, and speak by TLS with certificates on both sides.")
	p.set("cache", "ispn")
	p.set("cache-stack", "jdbc-ping")
	p.set("cache-embedded-mtls-enabled", "true")
	p.set("cache-embedded-network-bind-port", strconv.Itoa(int(layout.ClusterPort)))
	p.section("Health and metrics on a port of their own.")
	p.set("health-enabled", "true")
	p.set("metrics-enabled", "true")
	p.set("http-management-port", strconv.Itoa(int(layout.ManagementPort)))
	p.section("Nobody acts as somebody else. Passwords that are too common are in a list beside this file.")
	p.set("features-disabled", strings.Join(featuresOff, ","))
	p.set("spi-password-policy--password-blacklist--blacklists-path", layout.ConfigurationDir+"/")
	logs(p, want.Logs)
	return bytes.Clone(p.lines.Bytes()), p.problem
}

// Schema renders the file of the schema Job, which is a member of no cluster and serves nobody.
func Schema(want tenant.Spec) ([]byte, error) {
	p := &properties{}
	p.section("Makes and migrates the tables, and ends.")
	database(p, want)
	p.set("spi-connections-jpa--quarkus--migration-strategy", "update")
	p.set("truststore-paths", layout.TrustedCertificates)
	p.set("truststore-kubernetes-enabled", "false")
	p.set("log-console-output", "json")
	return bytes.Clone(p.lines.Bytes()), p.problem
}

func database(p *properties, want tenant.Spec) {
	d := want.Database
	p.set("db", "postgres")
	p.set("db-url", fmt.Sprintf("jdbc:postgresql://%s:%d/%s?sslmode=verify-full&sslrootcert=%s", d.Host, d.Port, d.Name, layout.TrustedCertificates))
}

func transport(p *properties) {
	p.set("http-enabled", "false")
	p.set("https-port", strconv.Itoa(int(layout.HTTPSPort)))
	p.set("https-key-store-file", layout.TLSStore)
	p.set("https-key-store-type", "PKCS12")
	p.set("https-certificates-reload-period", "-1")
	p.set("https-protocols", "TLSv1.3,TLSv1.2")
	p.set("https-cipher-suites", strings.Join(idp.CipherSuites(), ","))
	p.set("https-client-auth", "none")
}
