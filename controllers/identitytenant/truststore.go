package identitytenant

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// trustLast leaves the trust store out while it would only wait: it holds certificates of
// the other stores, so it is made once each of them has a version, and is then
// complete at its first look. One that exists already is always kept as declared.
func (p *pass) trustLast(ctx context.Context, want tenant.Spec, children []client.Object) ([]client.Object, error) {
	trust := want.KeystoreName(tenant.RoleTrust)
	err := p.client.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: trust}, &v1alpha1.Keystore{})
	if err == nil {
		return children, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read Keystore %s: %w", trust, err)
	}
	for _, child := range children {
		store := &v1alpha1.Keystore{}
		if child.GetName() == trust {
			continue
		}
		if err := p.client.Get(ctx, client.ObjectKeyFromObject(child), store); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("read Keystore %s: %w", child.GetName(), err)
		}
		if store.Status.SecretName == "" {
			return slices.DeleteFunc(slices.Clone(children), func(child client.Object) bool { return child.GetName() == trust }), nil
		}
	}
	return children, nil
}
