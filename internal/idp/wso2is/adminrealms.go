package wso2is

import (
	"context"
	"fmt"
	"net/http"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	// tenantsPage is the longest page that the product gives; a longer one is cut to it.
	tenantsPage = 100
	// mostPages bounds what one list takes: more server tenants than that are an error.
	mostPages = 100
)

// Realms implements idp.Admin. The product pages its server tenants in the order in which they
// were made, and lists those that are not active too.
func (a *admin) Realms(ctx context.Context) ([]string, error) {
	domains := []string{superTenant} // no list has it
	for offset := 0; ; {
		var page struct {
			Total   int `json:"totalResults"`
			Tenants []struct {
				Domain    string
				Lifecycle struct{ Activated bool } `json:"lifecycleStatus"`
			}
		}
		err := a.client.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("%s/tenants?limit=%d&offset=%d", realmPath(tenant.RootRealm), tenantsPage, offset),
			account: a.account(tenant.RootRealm), into: &page})
		if err != nil {
			return nil, err
		}
		for _, one := range page.Tenants {
			if one.Lifecycle.Activated {
				domains = append(domains, one.Domain)
			}
		}
		// What a page has too few of may have been made or deleted meanwhile: the next list has it.
		offset += len(page.Tenants)
		if len(page.Tenants) == 0 || offset >= page.Total {
			break
		}
		if offset >= mostPages*tenantsPage {
			return nil, fmt.Errorf("the server has %d server tenants; %d are the most that can be listed", page.Total, mostPages*tenantsPage)
		}
	}
	return idp.RealmsOf(domains, superTenant), nil
}
