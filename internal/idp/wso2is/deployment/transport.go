package deployment

import (
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

// transport: HTTPS alone, TLS 1.2 and 1.3, forward secrecy and AEAD only.
type transport struct {
	HTTP struct {
		// Enabled is compared with true by the server's template: the string "false" would
		// open the port.
		Enabled bool `toml:"enabled"`
	} `toml:"http"`
	HTTPS https `toml:"https"`
}

type https struct {
	Properties connector `toml:"properties"`
	TLS        struct {
		Properties tlsHost `toml:"properties"`
	} `toml:"sslHostConfig"`
}

type connector struct {
	// Server is the response header that would name product and version.
	Server string `toml:"server"`
	// ProxyPort is the port that clients see: links carry no port.
	ProxyPort int `toml:"proxyPort"`
	// MaxPostSize and MaxSwallowSize in bytes bound forms and what is read of a refused
	// request.
	MaxPostSize    string `toml:"maxPostSize"`
	MaxSwallowSize string `toml:"maxSwallowSize"`
	// MaxHTTPHeaderSize in bytes bounds cookies and tokens in headers.
	MaxHTTPHeaderSize string `toml:"maxHttpHeaderSize"`
}

type tlsHost struct {
	// Protocols: the vendor's default leaves TLS 1.3 out and TLS 1.0 and 1.1 in.
	Protocols   string `toml:"protocols"`
	SSLProtocol string `toml:"sslProtocol"`
	// Ciphers up to 7.2 have no default at all.
	Ciphers string `toml:"ciphers"`
	// CertificateVerification "none" asks no browser for a certificate; nothing signs in
	// with one.
	CertificateVerification string `toml:"certificateVerification"`
}

const oneMebibyte = "1048576"

func newTransport() transport {
	var t transport
	t.HTTPS.Properties = connector{Server: "-", ProxyPort: 443, MaxPostSize: oneMebibyte, MaxSwallowSize: oneMebibyte, MaxHTTPHeaderSize: "8192"}
	t.HTTPS.TLS.Properties = tlsHost{
		Protocols:               "TLSv1.2+TLSv1.3",
		SSLProtocol:             "TLS",
		Ciphers:                 strings.Join(idp.CipherSuites(), ","),
		CertificateVerification: "none",
	}
	return t
}

// tomcat keeps session identifiers in cookies, and those to HTTPS. Their length has
// no key; 128 bits are enough.
type tomcat struct {
	SessionConfig struct {
		CookieConfig struct {
			Secure bool `toml:"secure"`
		} `toml:"cookie_config"`
		TrackingMode string `toml:"tracking_mode"`
	} `toml:"session_config"`
	Global struct {
		SessionTimeout string `toml:"session_timeout"`
	} `toml:"global"`
}

var cookies = func() tomcat {
	var t tomcat
	t.SessionConfig.CookieConfig.Secure = true
	t.SessionConfig.TrackingMode = "COOKIE"
	t.Global.SessionTimeout = "15m"
	return t
}()

// accessLog goes to the log system, where its stream is switched on or off. The
// pattern has the path and never the query, which carries codes and tokens, nor a
// header of the client's.
type accessLog struct {
	UseLogger bool   `toml:"useLogger"`
	Pattern   string `toml:"pattern"`
}

var requests = accessLog{UseLogger: true, Pattern: "%h %t %m %U %s %b %D"}

// headerFilter sends HSTS from the old console; the routes send it for all the rest.
type headerFilter struct {
	HSTS headerSwitch `toml:"hsts"`
}

type headerSwitch struct {
	Enabled bool `toml:"enabled"`
}

// webApplication sends HSTS from the login and the recovery pages. Console and My
// Account have no key for it.
type webApplication struct {
	Tomcat headerParameters `toml:"tomcat"`
}

type headerParameters struct {
	Filter filterParameters `toml:"http_header_security_filter"`
}

type filterParameters struct {
	Parameters []parameter `toml:"parameters"`
}

type parameter struct {
	Name  string `toml:"name"`
	Value string `toml:"value"`
}

var strictTransport = []parameter{
	{"hstsEnabled", "true"},
	{"hstsMaxAgeSeconds", "31536000"},
	{"hstsIncludeSubDomains", "true"},
}

// cors admits no foreign origin and no header beyond those that a client of tokens
// needs. An application names its own origins.
type cors struct {
	AllowAnyOrigin   bool     `toml:"allow_any_origin"`
	AllowSubdomains  bool     `toml:"allow_subdomains"`
	SupportAnyHeader bool     `toml:"support_any_header"`
	SupportedHeaders []string `toml:"supported_headers"`
	MaxAge           int      `toml:"max_age"`
}

var crossOrigin = cors{SupportedHeaders: []string{"Accept", "Authorization", "Content-Type", "DPoP", "X-Requested-With"}, MaxAge: 600}
