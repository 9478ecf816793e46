package desired

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Paths as a client may send them, and whether the public and the admin host name
// forward them. /oauth2/../console and /oauth2/..;/console are not here: before a
// proxy has normalised them they lie below /oauth2, and normalising is the proxy's matter.
var requests = []struct {
	path          string
	public, admin bool
}{
	{"/oauth2/authorize", true, true},
	{"/oauth2/token?x=/console", true, true},
	{"/oidc/logout", true, true},
	{"/commonauth", true, true},
	{"/samlsso", true, true},
	{"/authenticationendpoint/login.do", true, true},
	{"/.well-known/openid-configuration", true, true},
	{"/scim2/Me", true, true},
	{"/api/users/v1/me/sessions", true, true},
	{"/t/acme/oauth2/token", true, true},
	{"/t/acme/scim2/Me", true, true},

	{"/", false, false},
	{"/carbon", false, true},
	{"/carbon/admin/login.jsp", false, true},
	{"/services/RemoteUserStoreManagerService", false, false},
	{"/console", false, true},
	{"/console/", false, true},
	{"/api/server/v1/applications", false, true},
	{"/scim2", false, true},
	{"/scim2/Users", false, true},
	{"/scim2/Meadow", false, true},
	{"/scim2/me", false, true},
	{"/api/health-check/v1.0/health", false, false},
	{"/t/acme/console", false, true},
	{"/t/acme/api/server/v1/tenants", false, true},
	{"/t/acme/scim2/Users", false, true},
	{"/t/acme/carbon", false, false},
	{"/t/acme/services/UserAdmin", false, false},
	{"/t/acme", false, false},
	{"/t/other/oauth2/token", false, false},
	{"/t/other/console", false, false},
	{"/o/10084a8d/console", false, false},
	{"/t/acme/o/10084a8d/console", false, false},
	{"/T/acme/console", false, false},
	{"/T/acme/oauth2/token", false, false},
	{"/Console", false, false},
	{"//console", false, false},
	{"//oauth2/token", false, false},
	{"/./console", false, false},
	{"/%63onsole", false, false},
	{"/oauth2x/token", false, false},
	{"/oauth2%2f..%2fconsole", false, false},
	{"/myaccountant", false, false},
}

func TestRequestsOnPublicAndAdminHost(t *testing.T) {
	gateway := tenant.Route{Gateways: []tenant.Gateway{{Name: "edge"}}}
	ingress := tenant.Route{IngressClass: "edge", TLSSecretName: "edge-tls"}
	for name, route := range map[string]tenant.Route{"gateway": gateway, "ingress": ingress} {
		want := full()
		public, admin := route, route
		public.Hostname, admin.Hostname = "id.acme.example", "admin.id.acme.example"
		want.Exposure = tenant.Exposure{Public: &public, Admin: &admin}
		objects, err := Exposure(want, shape())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range requests {
			if got := forwards(t, objects, public.Hostname, r.path); got != r.public {
				t.Errorf("%s: %s%s is forwarded: %v, wanted %v", name, public.Hostname, r.path, got, r.public)
			}
			if got := forwards(t, objects, admin.Hostname, r.path); got != r.admin {
				t.Errorf("%s: %s%s is forwarded: %v, wanted %v", name, admin.Hostname, r.path, got, r.admin)
			}
		}
		if forwards(t, objects, "other.example", "/oauth2/token") {
			t.Errorf("%s: a host name that nobody declared is forwarded", name)
		}
	}
}

// forwards is a small router: it compares the path as sent, segment by segment.
func forwards(t *testing.T, objects []client.Object, host, request string) bool {
	t.Helper()
	path, _, _ := strings.Cut(request, "?")
	admits := func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	for _, object := range objects {
		switch o := object.(type) {
		case *gatewayv1.HTTPRoute:
			for _, rule := range o.Spec.Rules {
				for _, match := range rule.Matches {
					if string(o.Spec.Hostnames[0]) == host && *match.Path.Type == gatewayv1.PathMatchPathPrefix && admits(*match.Path.Value) {
						return true
					}
				}
				if len(rule.Matches) == 0 {
					t.Errorf("HTTPRoute %s has a rule without a match, which admits every path", o.Name)
				}
			}
		case *networkingv1.Ingress:
			for _, p := range o.Spec.Rules[0].HTTP.Paths {
				if o.Spec.Rules[0].Host == host && *p.PathType == networkingv1.PathTypePrefix && admits(p.Path) {
					return true
				}
			}
		}
	}
	return false
}

func TestPublicPathsThatWouldPublishTheAdminSideAreRefused(t *testing.T) {
	for _, path := range []string{
		"/", "/console", "/console/", "/carbon", "/services", "/api", "/api/server", "/scim2", "/scim2/", "/wso2", "/fileupload", "/api/health-check",
		"/t", "/t/", "/t/acme", "/t/acme/", "/t/acme/console", "/t/other", "/t/other/api", "/t/other/scim2", "/o", "/o/10084a8d", "/t/acme/o",
		"/t/acme/o/10084a8d", "/o/10084a8d/carbon", "/t/acme/o/10084a8d/services",
	} {
		product := shape()
		product.PublicPaths = append(product.PublicPaths, path)
		if _, err := Exposure(full(), product); !fault.IsTerminal(err) {
			t.Errorf("public path %s: got %v, wanted a Terminal fault", path, err)
		}
	}
	product := shape()
	product.AdminPaths = append(product.AdminPaths, "/oauth2/dcr")
	if _, err := Exposure(full(), product); err == nil || !strings.Contains(err.Error(), "/oauth2/dcr") {
		t.Errorf("public /oauth2 above admin /oauth2/dcr: got %v, wanted a fault that names it", err)
	}
}

func TestExposureRefusesRoutesWithoutWayOrPath(t *testing.T) {
	for name, change := range map[string]func(*tenant.Spec){
		"neither": func(s *tenant.Spec) { s.Exposure.Public.Gateways = nil },
		"both":    func(s *tenant.Spec) { s.Exposure.Public.IngressClass = "edge" },
	} {
		want := full()
		change(&want)
		if _, err := Exposure(want, shape()); !fault.IsTerminal(err) {
			t.Errorf("%s: got %v, wanted a Terminal fault", name, err)
		}
	}
	for name, paths := range map[string][]string{"none": nil, "relative": {"oauth2"}, "empty": {""}} {
		product := shape()
		product.PublicPaths = paths
		if _, err := Exposure(full(), product); !fault.IsTerminal(err) {
			t.Errorf("%s: got %v, wanted a Terminal fault", name, err)
		}
	}
}

// Fifty server tenants have more paths than one route may hold; none may get lost.
func TestManyPathsAreSpreadOverRoutes(t *testing.T) {
	product := shape()
	for i := range 700 {
		product.PublicPaths = append(product.PublicPaths, fmt.Sprintf("/t/realm-%d/oauth2", i))
	}
	want := full()
	want.Exposure.Admin = nil
	objects, err := Exposure(want, product)
	if err != nil {
		t.Fatal(err)
	}
	names, total := map[string]bool{}, 0
	for _, object := range objects {
		route, ok := object.(*gatewayv1.HTTPRoute)
		if !ok {
			continue
		}
		names[route.Name] = true
		inRoute := 0
		for _, rule := range route.Spec.Rules {
			if len(rule.Matches) > 64 {
				t.Errorf("a rule of %s has %d matches, the Gateway API takes 64", route.Name, len(rule.Matches))
			}
			inRoute += len(rule.Matches)
		}
		if inRoute > 128 || len(route.Spec.Rules) > 16 {
			t.Errorf("%s has %d matches in %d rules, the Gateway API takes 128 in 16", route.Name, inRoute, len(route.Spec.Rules))
		}
		total += inRoute
	}
	if len(names) != 6 || total != len(product.PublicPaths) {
		t.Errorf("%d paths became %d matches in %d routes, wanted each of them in 6 routes", len(product.PublicPaths), total, len(names))
	}
}

func TestPathsAreComparedByWholeSegments(t *testing.T) {
	product := shape()
	product.PublicPaths = append(product.PublicPaths, "/oauth2-device", "/cons", "/scim")
	objects, err := Exposure(full(), product)
	if err != nil {
		t.Fatalf("/cons and /scim are other paths than /console and /scim2: %v", err)
	}
	for _, path := range []string{"/oauth2-device/code", "/cons", "/scim"} {
		if !forwards(t, objects, full().Hostname, path) {
			t.Errorf("%s got lost beside a path that begins with the same letters", path)
		}
	}
}

// The paths above are a model; these are what the driver really lists.
func TestWSO2PublishesNoAdminSide(t *testing.T) {
	want := full()
	for i := range 49 {
		want.Realms = append(want.Realms, tenant.Realm{Name: fmt.Sprintf("realm-%d.example", i)})
	}
	objects, err := Exposure(want, wso2is.Driver{}.Shape(want))
	if err != nil {
		t.Fatal(err)
	}
	for _, realm := range []string{"", "/t/carbon.super", "/t/realm-48.example", "/t/other", "/o/10084a8d", "/t/carbon.super/o/10084a8d"} {
		for _, path := range []string{
			"/carbon/admin/login.jsp", "/console", "/services/UserAdmin", "/api/server/v1/applications", "/scim2/Users", "/api/identity/oauth2/dcr/v1.1/register",
			"/api/health-check/v1.0/health", "/fileupload", "/wso2/scim/Users", "/oauth2/dcr", "",
		} {
			if forwards(t, objects, want.Hostname, realm+path) {
				t.Errorf("%s%s%s is public", want.Hostname, realm, path)
			}
		}
	}
	for _, path := range []string{"/oauth2/token", "/scim2/Me", "/t/realm-0.example/oauth2/authorize", "/t/realm-48.example/commonauth"} {
		if !forwards(t, objects, want.Hostname, path) {
			t.Errorf("%s%s is not public", want.Hostname, path)
		}
	}
}

// TestNoRouteHandsOnAClientsCertificate: a header that signs in whoever it names is taken
// away before the server sees it.
func TestNoRouteHandsOnAClientsCertificate(t *testing.T) {
	t.Parallel()
	want := full()
	objects, err := Exposure(want, wso2is.Driver{}.Shape(want))
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, object := range objects {
		route, ok := object.(*gatewayv1.HTTPRoute)
		if !ok {
			continue
		}
		for _, rule := range route.Spec.Rules {
			rules++
			if !slices.ContainsFunc(rule.Filters, func(filter gatewayv1.HTTPRouteFilter) bool {
				return filter.RequestHeaderModifier != nil &&
					slices.Contains(filter.RequestHeaderModifier.Remove, "x-wso2-mtls-cert") && slices.Contains(filter.RequestHeaderModifier.Remove, "X-SSL-CERT")
			}) {
				t.Errorf("%s hands a certificate on: %+v", route.Name, rule.Filters)
			}
		}
	}
	if rules == 0 {
		t.Error("no route at all")
	}
}
