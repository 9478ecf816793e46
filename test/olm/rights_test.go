package olm

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// ofRights: the operator has by OLM the very rules that config/rbac binds to it, and others the roles that are there for them.
func ofRights(t *testing.T, b *bundle) (found []string) {
	var l list
	config := rights(t)
	strategy := b.version.Spec.InstallStrategy.StrategySpec
	for where, permissions := range map[string][]v1alpha1.StrategyDeploymentPermissions{"ClusterRole": strategy.ClusterPermissions, "Role": strategy.Permissions} {
		given := map[string]bool{}
		for _, permission := range permissions {
			for _, account := range strategy.DeploymentSpecs {
				l.add(permission.ServiceAccountName != account.Spec.Template.Spec.ServiceAccountName, "%s is given rights, and runs nothing", permission.ServiceAccountName)
			}
			for _, rule := range permission.Rules {
				l.add(slices.Contains(slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs), "*"), "a rule has a wildcard: %v", rule)
				for _, right := range single(rule) {
					given[right] = true
				}
			}
		}
		for _, right := range sorted(given) {
			l.add(!config.bound[where][right], "%s: OLM grants %s, which config/rbac does not", where, right)
		}
		for _, right := range sorted(config.bound[where]) {
			l.add(!given[right], "%s: config/rbac grants %s, which OLM does not", where, right)
		}
	}
	for _, object := range b.objects {
		if object.GetKind() == "ClusterRole" {
			l.add(!cmp.Equal(config.roles[object.GetName()], object.Object), "%s is not as in config/rbac:\n%s", object.GetName(), cmp.Diff(config.roles[object.GetName()], object.Object))
			delete(config.roles, object.GetName())
		}
	}
	for _, name := range sorted(config.roles) {
		// What is bound is in the permissions; a shard is a flag that a Subscription cannot set.
		l.add(!config.isBound[name] && name != "holdfast-shard", "%s is not in the bundle", name)
	}
	return l
}

// granted is what config/rbac says.
type granted struct {
	bound   map[string]map[string]bool // rights of the operator, by the kind of role
	isBound map[string]bool            // names of the roles with these
	roles   map[string]map[string]any  // each ClusterRole
}

func rights(t *testing.T) granted {
	t.Helper()
	g := granted{bound: map[string]map[string]bool{"ClusterRole": {}, "Role": {}}, isBound: map[string]bool{}, roles: map[string]map[string]any{}}
	var objects []*unstructured.Unstructured
	var list struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(text(t, root, "config", "rbac", "kustomization.yaml")), &list); err != nil {
		t.Fatal(err)
	}
	for _, file := range list.Resources {
		objects = append(objects, decode(t, root, "config", "rbac", file)...)
	}
	for _, object := range objects {
		if strings.HasSuffix(object.GetKind(), "Binding") {
			name, _, _ := unstructured.NestedString(object.Object, "roleRef", "name")
			g.isBound[name] = true
		}
	}
	for _, object := range objects {
		if object.GetKind() == "ClusterRole" {
			g.roles[object.GetName()] = object.Object
		}
		var role rbacv1.Role
		if !slices.Contains([]string{"ClusterRole", "Role"}, object.GetKind()) || !g.isBound[object.GetName()] {
			continue
		}
		convert(t, object, &role)
		for _, rule := range role.Rules {
			for _, right := range single(rule) {
				g.bound[object.GetKind()][right] = true
			}
		}
	}
	return g
}

// single spells a rule out.
func single(rule rbacv1.PolicyRule) (rights []string) {
	for _, verb := range rule.Verbs {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				rights = append(rights, strings.TrimSpace(verb+" "+resource+"."+group+" "+strings.Join(rule.ResourceNames, ",")))
			}
		}
	}
	return rights
}

// ofDeployment: it is the one of config/manager but for the image and for where OLM says to work.
func ofDeployment(t *testing.T, b *bundle) (found []string) {
	var l list
	var ours appsv1.Deployment
	convert(t, decode(t, root, "config", "manager", "manager.yaml")[0], &ours)
	specs := b.version.Spec.InstallStrategy.StrategySpec.DeploymentSpecs
	if len(specs) != 1 {
		return []string{"there is more than the operator's Deployment, or less"}
	}
	manager, container := specs[0], &ours.Spec.Template.Spec.Containers[0]
	image := manager.Spec.Template.Spec.Containers[0].Image
	container.Image = image
	container.Args = append(container.Args, "--watch-namespaces=$(WATCH_NAMESPACE)")
	container.Env = append(container.Env, corev1.EnvVar{Name: "WATCH_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['olm.targetNamespaces']"}}})
	l.add(manager.Name != ours.Name || !cmp.Equal(map[string]string(manager.Label), ours.Labels), "the Deployment's name or labels are not as in config/manager")
	l.add(!cmp.Equal(ours.Spec, manager.Spec), "the Deployment is not as in config/manager:\n%s", cmp.Diff(ours.Spec, manager.Spec))
	l.add(b.version.Annotations["containerImage"] != image, "containerImage is %s, the operator's image %s", b.version.Annotations["containerImage"], image)
	l.add(len(b.version.Spec.RelatedImages) != 1 || b.version.Spec.RelatedImages[0].Image != image, "relatedImages are not the operator's image")
	for name, file := range map[string]string{"Service": "metrics_service.yaml", "NetworkPolicy": "network_policy.yaml"} {
		want := decode(t, root, "config", "manager", file)[0]
		want.SetNamespace("")
		same := func(object *unstructured.Unstructured) bool { return cmp.Equal(want.Object, object.Object) }
		l.add(!slices.ContainsFunc(b.objects, same), "the %s is not as in config/manager/%s", name, file)
	}
	return l
}
