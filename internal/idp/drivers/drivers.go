// Package drivers lists the products that there are.
package drivers

import (
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// All are the drivers by product.
func All() map[tenant.Product]idp.Driver {
	return map[tenant.Product]idp.Driver{tenant.WSO2IS: wso2is.Driver{}, tenant.Keycloak: keycloak.Driver{}}
}
