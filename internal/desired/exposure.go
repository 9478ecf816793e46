package desired

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Exposure publishes the server: HTTPRoutes where Gateways are named, an Ingress where a
// class is. The public host name serves the end users' paths only; the admin host name
// serves consoles, admin APIs and what signing in to them needs. Traffic to the server
// is TLS throughout: through a BackendTLSPolicy behind a Gateway, through the annotations
// of ingress-nginx behind an Ingress.
//
// A route that is published nowhere, or in both ways, and a public path that would
// admit an admin path are Terminal faults.
func Exposure(want tenant.Spec, shape idp.Shape) ([]client.Object, error) {
	var objects []client.Object
	behindGateway := false
	for _, r := range []struct {
		name  string
		route *tenant.Route
		paths func(tenant.Spec, idp.Shape) ([]string, error)
	}{
		{"public", want.Exposure.Public, publicPaths},
		{"admin", want.Exposure.Admin, adminPaths},
	} {
		if r.route == nil {
			continue
		}
		paths, err := r.paths(want, shape)
		if err != nil {
			return nil, err
		}
		gateway := len(r.route.Gateways) > 0
		if gateway == (r.route.IngressClass != "") {
			return nil, fault.Terminal(reasonInvalidSpec, "spec.exposure.%s: name either Gateways or an Ingress class", r.name)
		}
		if gateway {
			behindGateway = true
			objects = append(objects, httpRoutes(want, shape, r.name, *r.route, paths)...)
		} else {
			objects = append(objects, ingress(want, shape, r.name, *r.route, paths))
		}
	}
	if behindGateway {
		objects = append(objects, backendTLSPolicy(want))
	}
	return sorted(objects...), nil
}
