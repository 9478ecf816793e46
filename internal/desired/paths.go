package desired

import (
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// neverPublic are consoles, admin APIs and SOAP services that no public route may admit,
// whatever a driver lists (WSO2 "production security guidelines", network level; Keycloak
// "Configuring a reverse proxy", exposed paths). The driver's own admin paths come on top.
var neverPublic = []string{"/admin", "/api/health-check", "/api/server", "/carbon", "/console", "/fileupload", "/health", "/metrics", "/scim2", "/services", "/wso2/scim"}

// publicPaths gives the prefixes of the public route: an allow-list, without those that
// another one covers. A prefix that would admit a path which is not for the public is a
// Terminal fault; one below such a path, as /scim2/Me below /scim2, is a deliberate exception.
//
// A prefix is compared with the path as it was sent, segment by segment and with its
// case. That a proxy and the server read dots, doubled slashes, escapes and path
// parameters alike (/oauth2/..;/console) is the proxy's matter: it has to normalise or
// refuse them.
func publicPaths(want tenant.Spec, shape idp.Shape) ([]string, error) {
	for _, public := range shape.PublicPaths {
		for _, private := range slices.Concat(neverPublic, shape.AdminPaths) {
			if covers(withoutRealm(public), withoutRealm(private)) {
				return nil, fault.Terminal(reasonInvalidSpec,
					"the public path %s of product %s would publish %s, which is never public: this is a mistake in Holdfast, please report it; "+
						"until then remove spec.exposure.public", public, want.Product, private)
			}
		}
	}
	return prefixes(want, shape.PublicPaths)
}

// adminPaths gives the prefixes of the admin route: consoles, admin APIs, and the
// public paths, without which nobody could sign in to a console.
func adminPaths(want tenant.Spec, shape idp.Shape) ([]string, error) {
	return prefixes(want, slices.Concat(shape.AdminPaths, shape.PublicPaths))
}

func prefixes(want tenant.Spec, paths []string) ([]string, error) {
	paths = slices.Clone(paths)
	slices.Sort(paths)
	var kept []string
	for _, path := range paths {
		if !strings.HasPrefix(path, "/") {
			return nil, fault.Terminal(reasonInvalidSpec,
				"the path %q of product %s does not begin with a slash: this is a mistake in Holdfast, please report it", path, want.Product)
		}
		if !slices.ContainsFunc(kept, func(shorter string) bool { return covers(shorter, path) }) {
			kept = append(kept, path)
		}
	}
	if len(kept) == 0 {
		return nil, fault.Terminal(reasonInvalidSpec,
			"product %s lists no path for a route, and a route without one would publish every path: this is a mistake in Holdfast, please report it", want.Product)
	}
	return kept, nil
}

// covers reports whether the prefix admits everything below path: segments are compared
// whole, as PathPrefix of the Gateway API and Prefix of Ingress do.
func covers(prefix, path string) bool {
	prefix, path = strings.TrimRight(prefix, "/"), strings.TrimRight(path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// withoutRealm cuts what stands before a path that a server tenant (/t/<domain>) or an
// organization (/o/<id>) serves too; a prefix that ends there admits every path of it.
func withoutRealm(path string) string {
	for {
		segments := strings.SplitN(path, "/", 4) // "", "t", domain, rest
		if len(segments) < 2 || (segments[1] != "t" && segments[1] != "o") {
			return path
		}
		if len(segments) < 4 {
			return "/"
		}
		path = "/" + segments[3]
	}
}
