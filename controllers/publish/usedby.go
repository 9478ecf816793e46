package publish

import (
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// mostUsers bounds what a status lists.
const mostUsers = 10

// UsedBy lists the first ten, by name, of the tenants that use something.
func UsedBy(tenants []v1alpha1.IdentityTenant, uses func(*v1alpha1.IdentityTenant) bool) string {
	var names []string
	for i := range tenants {
		if uses(&tenants[i]) {
			names = append(names, tenants[i].Name)
		}
	}
	return FirstOf(names)
}

// FirstOf lists the first users of an object, sorted.
func FirstOf(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	return strings.Join(names[:min(len(names), mostUsers)], ", ")
}
