package wso2is

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/deployment"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// publicPaths are what end users and their applications need (WSO2 "production
// security guidelines", network level). Of /oauth2 each endpoint is named, since client
// registration lies beside them.
var publicPaths = []string{
	"/.well-known",
	"/accountrecoveryendpoint",
	"/api/users/v1/me",
	"/authenticationendpoint",
	"/commonauth",
	"/logincontext",
	"/longwaitstatus",
	"/myaccount",
	"/oauth2/authorize",
	"/oauth2/ciba",
	"/oauth2/device",
	"/oauth2/device_authorize",
	"/oauth2/introspect",
	"/oauth2/jwks",
	"/oauth2/par",
	"/oauth2/revoke",
	"/oauth2/token",
	"/oauth2/userinfo",
	"/oidc",
	"/samlsso",
	"/scim2/Me",
}

// adminPaths are the console and the APIs behind it. /carbon, /services and /fileupload
// are nowhere.
var adminPaths = []string{
	"/api/identity",
	"/api/server",
	"/api/users",
	"/console",
	"/scim2",
}

// certificateHeaders are the product's own names for what a proxy says of a client's
// certificate: of OAuth clients, and of people who sign in by X.509.
var certificateHeaders = []string{"X-SSL-CERT", "x-wso2-mtls-cert"}

// superTenant is what the server calls the root realm in its paths.
const superTenant = "carbon.super"

// Shape tells ports and paths. Each path is there once more for each declared server
// tenant, below /t. Paths of organizations, /o/<id>, are not known before they are made
// and are not published.
func (Driver) Shape(want tenant.Spec) idp.Shape {
	return idp.Shape{
		HTTPSPort:          layout.HTTPSPort,
		ClusterPort:        layout.ClusterPort,
		PublicPaths:        qualified(want, publicPaths),
		AdminPaths:         qualified(want, adminPaths),
		CertificateHeaders: certificateHeaders,
		LongestToken:       deployment.LongestToken(want.Profile),
	}
}

func qualified(want tenant.Spec, paths []string) []string {
	all := slices.Clone(paths)
	realms := []string{superTenant}
	for _, realm := range want.Realms {
		if realm.Name != tenant.RootRealm {
			realms = append(realms, realm.Name)
		}
	}
	for _, realm := range realms {
		for _, path := range paths {
			all = append(all, "/t/"+realm+path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// FirstStart implements idp.Driver.
func (Driver) FirstStart(want tenant.Spec) map[string]string { return deployment.FirstStart(want) }
