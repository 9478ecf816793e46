package desired

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Components of children that are not pods' own; pods' are in package tenant.
const (
	componentNetwork  = "network"
	componentKeystore = "keystore"
	componentExposure = "exposure"
)

// Reasons of faults, in the words of the API's conditions.
const (
	reasonInvalidSpec        = "InvalidSpec"
	reasonPeerUnknown        = "PeerUnknown"
	reasonDependencyNotReady = "DependencyNotReady"
)

// object gives the metadata of a child.
func object(want tenant.Spec, name, component string) metav1.ObjectMeta {
	owner := want.Owner
	owner.Controller, owner.BlockOwnerDeletion = new(true), new(true)
	return metav1.ObjectMeta{
		Namespace:       want.Namespace,
		Name:            name,
		Labels:          want.Labels(component),
		OwnerReferences: []metav1.OwnerReference{owner},
	}
}

func typeOf(group fmt.Stringer, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: group.String(), Kind: kind}
}

func sorted(objects ...client.Object) []client.Object {
	slices.SortStableFunc(objects, func(a, b client.Object) int {
		return cmp.Or(
			cmp.Compare(a.GetObjectKind().GroupVersionKind().Kind, b.GetObjectKind().GroupVersionKind().Kind),
			cmp.Compare(a.GetName(), b.GetName()),
		)
	})
	return objects
}
