package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/access"
)

// prepare finds out before anything starts what would otherwise be seen minutes later, as a cache that never fills.
func prepare(ctx context.Context, live client.Client, settings *Settings) error {
	for _, kind := range []string{"HardeningWaiver", "IdentityTenant", "Keystore", "LogPolicy", "PasswordPolicy", "RotationRecord", "RotationSchedule", "VaultConnection"} {
		if err := served(live, kind); err != nil {
			return err
		}
	}
	namespaces := settings.WatchNamespaces
	if len(namespaces) == 0 {
		namespaces = Names{""}
	}
	var refused []error
	for _, namespace := range namespaces {
		refused = append(refused, mayWatch(ctx, live, namespace))
	}
	return errors.Join(append(refused, identify(ctx, live, settings))...)
}

func ourKind(kind string) (schema.GroupKind, string) {
	return schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: kind}, v1alpha1.GroupVersion.Version
}

// mayWatch asks for one right that stands for all of holdfast-manager.
func mayWatch(ctx context.Context, live client.Client, namespace string) error {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "watch", Group: v1alpha1.GroupVersion.Group, Resource: "identitytenants"},
	}}
	if err := live.Create(ctx, review); err != nil {
		return fmt.Errorf("review access to %s: %w", cmp.Or(namespace, "all namespaces"), err)
	}
	switch {
	case review.Status.Allowed:
		return nil
	case namespace == "":
		return errors.New("the operator may not watch all namespaces: bind the ClusterRole holdfast-manager to its service account with a ClusterRoleBinding, or name namespaces with --watch-namespaces")
	default:
		return fmt.Errorf("the operator may not watch namespace %s: bind the Role holdfast-manager to its service account there (config/namespaced), or take the namespace out of --watch-namespaces", namespace)
	}
}

// identify reads once what every owner mark in Vault carries.
func identify(ctx context.Context, live client.Reader, settings *Settings) error {
	if settings.Operator.ClusterID != "" {
		return nil
	}
	id, err := (&access.Cluster{}).ID(ctx, live)
	if apierrors.IsForbidden(err) {
		return errors.New("the operator may not read the namespace kube-system: bind the ClusterRole holdfast-cluster to its service account, " +
			"or give --cluster-id what this prints: kubectl get namespace kube-system -o jsonpath={.metadata.uid}")
	}
	settings.Operator.ClusterID = id
	return err
}
