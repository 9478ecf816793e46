// Package desired turns a resolved tenant into Kubernetes objects, one file per
// object. Every builder is pure: equal input gives equal bytes, nothing of the input
// is changed or shared with the result, and no clock, chance, context or client is
// involved.
//
// Objects carry their apiVersion and kind, the labels of tenant.Spec.Labels and the
// tenant as controlling owner. Lists of objects are sorted by kind and name. A field
// that we have no opinion on stays unset and belongs to whoever has one; inside lists
// that are replaced as a whole, defaults are written out, so that what is stored equals
// what was sent.
//
// Errors are fault.Terminal or fault.Waiting and name the field or the fact that is
// missing. Nothing here ever opens more than was declared: a builder that misses a
// peer or a path returns an error rather than a rule that means "anywhere".
//
// Custom resources are for resolve, status and controllers alone, with one exception
// that lives in keystores.go: a tenant's stores are children of the kind Keystore, and
// whoever builds children has to know their types.
package desired
