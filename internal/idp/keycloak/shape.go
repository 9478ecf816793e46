package keycloak

import (
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// newRealm is what a new realm gives the tokens of the implicit flow.
const newRealm = 15 * time.Minute

// longestToken is what the realms are declared to give access and ID tokens. What lives longer,
// such as a refresh token, is sealed by a key that no client ever sees.
func longestToken(want tenant.Spec) (longest time.Duration) {
	for _, realm := range want.Realms {
		minutes, err := strconv.Atoi(realm.Settings[tenant.TokenAccessMinutes])
		if err != nil {
			minutes = int(newRealm.Minutes()) // nobody declared it
		}
		longest = max(longest, time.Duration(minutes)*time.Minute)
	}
	return longest
}

// publicPaths are what end users and their applications need of any realm.
var publicPaths = []string{"/.well-known", "/resources"}

// publicOfRealm are published for each realm that is declared, but for the root realm, in
// which administrators sign in. Of a realm's clients-registrations nothing is public.
var publicOfRealm = []string{"/.well-known", "/account", "/broker", "/login-actions", "/protocol"}

// certificateHeaders are the names that the server's providers know for what a proxy says of
// a client's certificate.
var certificateHeaders = []string{"SSL_CLIENT_CERT", "X-Forwarded-Client-Cert", "ssl-client-cert", "x-ssl-client-cert"}

// Shape tells ports and paths. Administrators sign in at the root realm, which is a path for
// them alone.
func (Driver) Shape(want tenant.Spec) idp.Shape {
	public := slices.Clone(publicPaths)
	for _, realm := range want.Realms {
		if realm.Name == tenant.RootRealm {
			continue
		}
		for _, path := range publicOfRealm {
			public = append(public, "/realms/"+realm.Name+path)
		}
	}
	slices.Sort(public)
	return idp.Shape{
		HTTPSPort:          layout.HTTPSPort,
		ClusterPort:        layout.ClusterPort,
		FailurePort:        layout.FailurePort,
		MetricsPort:        layout.ManagementPort,
		PublicPaths:        public,
		AdminPaths:         []string{"/admin", "/realms/" + layout.RootRealm},
		CertificateHeaders: certificateHeaders,
		LiveKeys:           true,
		LongestToken:       longestToken(want),
	}
}

// FirstStart has no choices: all that the server keeps from its first start can be set later.
func (Driver) FirstStart(tenant.Spec) map[string]string { return nil }
