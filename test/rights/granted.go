// Package rights compares what the operator may ask of an API server with what it asked.
package rights

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Right is one thing that a role lets the operator do.
type Right struct {
	Role     string
	Verb     string
	Resource string // with group and subresource, such as identitytenants.iam.holdfast.dev/status
	Name     string // the one object that it is about; empty for all
}

func (r Right) String() string {
	return strings.TrimSpace(strings.Join([]string{r.Role, r.Verb, r.Resource, r.Name}, " "))
}

// Grant is a Right and where it holds.
type Grant struct {
	Right
	namespace string // everywhere when empty
	inside    bool   // only in namespaces, for objects that lie in one
}

// Granted reads every right that a ServiceAccount has by the roles that are bound to it, in order of how far they reach. What
// Kubernetes gives to whoever signs in is not among them.
func Granted(ctx context.Context, cluster client.Reader, namespace, account string) ([]Grant, error) {
	var everywhere rbacv1.ClusterRoleBindingList
	var inside rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&everywhere, &inside} {
		if err := cluster.List(ctx, list); err != nil {
			return nil, err
		}
	}
	bound := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool {
			return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == namespace && s.Name == account
		})
	}
	roles := map[Grant]rbacv1.RoleRef{} // by what one of its rights is but for verb and resource
	for _, binding := range everywhere.Items {
		if bound(binding.Subjects) {
			roles[Grant{Right: Right{Role: binding.RoleRef.Name}}] = binding.RoleRef
		}
	}
	for _, binding := range inside.Items {
		grant := Grant{Right: Right{Role: binding.RoleRef.Name}, inside: true}
		if binding.RoleRef.Kind == "Role" {
			grant.namespace = binding.Namespace
		}
		if bound(binding.Subjects) {
			roles[grant] = binding.RoleRef
		}
	}
	var granted []Grant
	for grant, ref := range roles {
		rules, err := rulesOf(ctx, cluster, ref, grant.namespace)
		if err != nil {
			return nil, fmt.Errorf("read the %s %s: %w", ref.Kind, ref.Name, err)
		}
		granted = append(granted, expand(grant, rules)...)
	}
	slices.SortFunc(granted, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(reach(a), reach(b)), cmp.Compare(a.String(), b.String()))
	})
	return slices.Compact(granted), nil
}

// reach orders grants: those for everywhere first, so that another one for the same is seen to be needless.
func reach(g Grant) int {
	switch {
	case !g.inside:
		return 0
	case g.namespace != "":
		return 1
	}
	return 2
}

func rulesOf(ctx context.Context, cluster client.Reader, ref rbacv1.RoleRef, namespace string) ([]rbacv1.PolicyRule, error) {
	if ref.Kind == "Role" {
		var role rbacv1.Role
		err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, &role)
		return role.Rules, err
	}
	var role rbacv1.ClusterRole
	err := cluster.Get(ctx, client.ObjectKey{Name: ref.Name}, &role)
	return role.Rules, err
}

func expand(grant Grant, rules []rbacv1.PolicyRule) (granted []Grant) {
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						grant.Verb, grant.Resource, grant.Name = verb, qualified(group, resource), name
						granted = append(granted, grant)
					}
				}
			}
		}
	}
	return granted
}

// qualified names a resource as kubectl does: resource.group/subresource.
func qualified(group, resource string) string {
	if group == "" {
		return resource
	}
	plural, sub, has := strings.Cut(resource, "/")
	if has {
		return plural + "." + group + "/" + sub
	}
	return plural + "." + group
}
