package desired

import (
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Bounds of the Gateway API: 64 matches in a rule, 128 in a route.
const (
	matchesPerRule = 64
	rulesPerRoute  = 2
)

// strictTransportSecurity is a year, the least that browsers' preload lists take.
const strictTransportSecurity = "max-age=31536000; includeSubDomains"

// httpRoutes spreads the paths over as few routes as the Gateway API's bounds allow;
// Gateways merge routes of one host name. Without a sectionName a route attaches to
// every listener that admits it, a plain-text one too: name the HTTPS listener.
func httpRoutes(want tenant.Spec, shape idp.Shape, name string, route tenant.Route, paths []string) []client.Object {
	var objects []client.Object
	for chunk := range slices.Chunk(paths, matchesPerRule*rulesPerRoute) {
		suffix := name
		if len(objects) > 0 {
			suffix = fmt.Sprintf("%s-%d", name, len(objects)+1)
		}
		var rules []gatewayv1.HTTPRouteRule
		for part := range slices.Chunk(chunk, matchesPerRule) {
			rules = append(rules, httpRule(want, shape, part))
		}
		objects = append(objects, &gatewayv1.HTTPRoute{
			TypeMeta:   typeOf(gatewayv1.GroupVersion, "HTTPRoute"),
			ObjectMeta: object(want, want.Name+"-"+suffix, componentExposure),
			Spec: gatewayv1.HTTPRouteSpec{
				CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: parents(route.Gateways)},
				Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(route.Hostname)},
				Rules:           rules,
			},
		})
	}
	return objects
}

func parents(gateways []tenant.Gateway) []gatewayv1.ParentReference {
	references := make([]gatewayv1.ParentReference, 0, len(gateways))
	for _, gateway := range gateways {
		reference := gatewayv1.ParentReference{
			Group: new(gatewayv1.Group(gatewayv1.GroupName)),
			Kind:  new(gatewayv1.Kind("Gateway")),
			Name:  gatewayv1.ObjectName(gateway.Name),
		}
		if gateway.Namespace != "" {
			reference.Namespace = new(gatewayv1.Namespace(gateway.Namespace))
		}
		if gateway.SectionName != "" {
			reference.SectionName = new(gatewayv1.SectionName(gateway.SectionName))
		}
		references = append(references, reference)
	}
	return references
}

func httpRule(want tenant.Spec, shape idp.Shape, paths []string) gatewayv1.HTTPRouteRule {
	matches := make([]gatewayv1.HTTPRouteMatch, 0, len(paths))
	for _, path := range paths {
		matches = append(matches, gatewayv1.HTTPRouteMatch{
			Path: &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchPathPrefix), Value: new(path)},
		})
	}
	backend := gatewayv1.BackendObjectReference{
		Group: new(gatewayv1.Group("")),
		Kind:  new(gatewayv1.Kind("Service")),
		Name:  gatewayv1.ObjectName(want.ServiceName()),
		Port:  new(shape.HTTPSPort),
	}
	return gatewayv1.HTTPRouteRule{
		Matches: matches,
		Filters: filters(shape),
		BackendRefs: []gatewayv1.HTTPBackendRef{{
			BackendRef: gatewayv1.BackendRef{BackendObjectReference: backend, Weight: new(int32(1))},
		}},
	}
}

// filters let a client say nothing about its certificate, and the server nothing about itself.
func filters(shape idp.Shape) (filters []gatewayv1.HTTPRouteFilter) {
	if len(shape.CertificateHeaders) > 0 {
		filters = append(filters, gatewayv1.HTTPRouteFilter{
			Type:                  gatewayv1.HTTPRouteFilterRequestHeaderModifier,
			RequestHeaderModifier: &gatewayv1.HTTPHeaderFilter{Remove: shape.CertificateHeaders},
		})
	}
	return append(filters, gatewayv1.HTTPRouteFilter{
		Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{
			Set:    []gatewayv1.HTTPHeader{{Name: "Strict-Transport-Security", Value: strictTransportSecurity}},
			Remove: []string{"Server"},
		},
	})
}
