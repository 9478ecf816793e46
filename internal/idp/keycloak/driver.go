// Package keycloak drives Keycloak 26.4 and later. It renders the server's configuration
// and its pods, and speaks to the admin REST interface of a running server.
package keycloak

import "github.com/holdfast-iam/holdfast/internal/idp"

// Driver holds nothing: each answer follows from the tenant it is asked about.
type Driver struct{}

var _ idp.Driver = Driver{}
