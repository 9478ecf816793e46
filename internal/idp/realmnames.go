package idp

import (
	"slices"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// RealmCalledRoot is our word for a realm that the server itself calls root and that is not its
// root realm. Nobody can declare it: no name that a custom resource can have has a colon.
const RealmCalledRoot = "realm:root"

// RealmOf is our word for a realm of a server, whose root realm it calls root itself.
func RealmOf(theirs, root string) string {
	switch theirs {
	case root:
		return tenant.RootRealm
	case tenant.RootRealm:
		return RealmCalledRoot
	}
	return theirs
}

// NameOf is what the server calls a realm of ours: RealmOf the other way round.
func NameOf(ours, root string) string {
	switch ours {
	case tenant.RootRealm:
		return root
	case RealmCalledRoot:
		return tenant.RootRealm
	}
	return ours
}

// RealmsOf are our words for all realms of a list, sorted and each once. Names that lead
// elsewhere in a path are left out: no product lets anybody give a realm one.
func RealmsOf(theirs []string, root string) []string {
	ours := make([]string, 0, len(theirs))
	for _, name := range theirs {
		if name != "" && name != "." && name != ".." {
			ours = append(ours, RealmOf(name, root))
		}
	}
	slices.Sort(ours)
	return slices.Compact(ours)
}
