package identitytenant

import (
	"context"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func (p *pass) isolate(ctx context.Context, want tenant.Spec, _ tenant.Facts) error {
	policies, err := desired.NetworkPolicies(want, p.shape)
	if err != nil {
		return err
	}
	if err := p.put(ctx, policies...); err != nil {
		return err
	}
	return p.prune(ctx, want, policies, &networkingv1.NetworkPolicyList{})
}

func (p *pass) observeIsolation(ctx context.Context, want tenant.Spec, _ *tenant.Facts) error {
	policies, err := desired.NetworkPolicies(want, p.shape)
	if err != nil {
		return err
	}
	for _, policy := range policies {
		err := p.surely(ctx, client.ObjectKeyFromObject(policy), &networkingv1.NetworkPolicy{})
		if apierrors.IsNotFound(err) {
			return fault.Waiting(v1alpha1.ReasonProgressing, "NetworkPolicy %s does not stand yet", policy.GetName())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
