package standin_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
)

// The list of server tenants is paged by 15, by 100 at most, in the order of their making.
func TestServerTenantsAreListed(t *testing.T) {
	home, state := hometest.New(t), standin.NewState()
	a := caller(t, home, home.Start(t, state))
	const list = base + "/tenants"
	if page := a.call(http.StatusOK, http.MethodGet, list, ""); page["totalResults"] != 0.0 || page["startIndex"] != 1.0 || page["tenants"] != nil {
		t.Errorf("a server without server tenants lists %v", page)
	}
	for i := range 120 {
		if err := state.AddServerTenant(fmt.Sprintf("t%03d.example", 119-i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.DeactivateServerTenant("t119.example"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]struct {
		listed float64
		first  string
	}{
		"":                      {15, "t119.example"},
		"?limit=500":            {100, "t119.example"},
		"?limit=100&offset=100": {20, "t019.example"},
		"?limit=10&offset=120":  {0, ""},
	} {
		page := a.call(http.StatusOK, http.MethodGet, list+query, "")
		tenants, _ := page["tenants"].([]any)
		if page["count"] != want.listed || float64(len(tenants)) != want.listed || page["totalResults"] != 120.0 {
			t.Errorf("%s: %d tenants, count %v of %v; want %v of 120", query, len(tenants), page["count"], page["totalResults"], want.listed)
		}
		if len(tenants) > 0 && tenants[0].(map[string]any)["domain"] != want.first {
			t.Errorf("%s: begins with %v, want %s", query, tenants[0], want.first)
		}
	}
	first := a.call(http.StatusOK, http.MethodGet, list, "")["tenants"].([]any)[0].(map[string]any)
	if first["lifecycleStatus"].(map[string]any)["activated"] != false {
		t.Errorf("%v is called active", first)
	}
	a.call(http.StatusNotImplemented, http.MethodGet, list+"?filter=domainName+sw+t", "")
	a.call(http.StatusBadRequest, http.MethodGet, list+"?limit=-1", "")
	a.as("", "").call(http.StatusUnauthorized, http.MethodGet, list, "")
	a.as("bootstrap@carbon.super", home.Bootstrap.Password).call(http.StatusUnauthorized, http.MethodGet, "/t/t000.example"+list, "")
	a.as("bootstrap@carbon.super", home.Bootstrap.Password).call(http.StatusNotFound, http.MethodGet, "/t/t119.example"+server, "")
}
