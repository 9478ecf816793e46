package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

// Conditions under which a release has an object.
const (
	everywhere = `eq .Values.scope "Cluster"`
	shared     = `and (eq .Values.scope "Cluster") .Values.roles.create`
	metrics    = `and .Values.metrics.enabled (eq .Values.scope "Cluster")`
)

// place puts an object, and whom it speaks of, into the namespace of the release.
func place(object map[string]any) map[string]any {
	of := config.Metadata(object)
	if of["namespace"] == config.SystemNamespace {
		of["namespace"] = expression(".Release.Namespace | quote")
	}
	labels, _ := of["labels"].(map[string]any)
	if labels == nil {
		labels = map[string]any{}
		of["labels"] = labels
	}
	labels[labelsKey] = ""
	if subjects, ok := object["subjects"].([]any); ok {
		for _, subject := range subjects {
			subject.(map[string]any)["namespace"] = expression("$.Release.Namespace | quote")
		}
	}
	return object
}

func addTemplates(chart files, root string) error {
	for _, folder := range []string{"default", "admission", "prometheus"} {
		objects, err := config.Build(root, folder)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := addTemplate(chart, object); err != nil {
				kind, name := config.KindAndName(object)
				return fmt.Errorf("%s %s: %w", kind, name, err)
			}
		}
	}
	return addChartFile(chart, root)
}

// addTemplate decides where an object goes, and under which condition a release has it. One that is not known here fails,
// so that nothing new in config/ is left out of the chart, or comes into it, unseen.
func addTemplate(chart files, object map[string]any) error {
	kind, name := config.KindAndName(object)
	condition, file := "", strings.ToLower(kind)
	switch kind {
	case "Namespace":
		return nil // the release's: helm install --create-namespace
	case "CustomResourceDefinition":
		return addDefinition(chart, object)
	case "ServiceAccount":
		with(object, block(".Values.serviceAccount.annotations"), "metadata", "annotations")
	case "Deployment":
		deployment(object)
	case "NetworkPolicy":
		condition = ".Values.networkPolicy.enabled"
	case "Service":
		condition, file = metrics, "metrics"
	case "ServiceMonitor":
		condition, file = `and (`+metrics+`) .Values.metrics.serviceMonitor.enabled`, "metrics"
	case "PrometheusRule":
		condition, file = `.Values.metrics.rules.enabled`, "alerts"
	case "ConfigMap":
		condition, file = ".Values.metrics.dashboard.enabled", "dashboard"
	case "Role", "RoleBinding":
		file = "leader-election"
	case "ClusterRole", "ClusterRoleBinding":
		return addRight(chart, object)
	case "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding":
		which := "noShell"
		if name == "holdfast-waivers" {
			which = "waivers"
		}
		condition, file = `and (eq .Values.scope "Cluster") .Values.admission.`+which, "admission"
	default:
		return fmt.Errorf("hack/tools/chart does not know what a release does with it: say it there")
	}
	return add(chart, file, condition, place(object))
}

func add(chart files, file, condition string, object map[string]any) error {
	made, err := text(object)
	if err != nil {
		return err
	}
	path := "templates/" + file + ".yaml"
	chart[path] += when(condition, "---\n"+made)
	return nil
}

// addDefinition keeps what people's objects hang on: without its definition each of them is gone.
func addDefinition(chart files, object map[string]any) error {
	_, name := config.KindAndName(object)
	made, err := text(place(object))
	if err != nil {
		return err
	}
	before, after, ok := strings.Cut(made, "  annotations:\n")
	if !ok {
		return fmt.Errorf("has no annotations to add the policy to")
	}
	made = before + "  annotations:\n    {{- if .Values.crds.keep }}\n    helm.sh/resource-policy: keep\n    {{- end }}\n" + after
	short, _, _ := strings.Cut(name, ".")
	chart["templates/crds/"+short+".yaml"] = when(".Values.crds.enabled", made)
	return nil
}

// addRight makes what one role means under either scope.
func addRight(chart files, object map[string]any) error {
	kind, name := config.KindAndName(object)
	if kind == "ClusterRoleBinding" {
		// Each release has its own, of roles that they share.
		return add(chart, "cluster-rights", everywhere, place(with(object, expression(`printf "`+name+`:%s" .Release.Namespace`), "metadata", "name")))
	}
	condition := shared
	if name == "holdfast-view" || name == "holdfast-edit" {
		condition = `and (eq .Values.scope "Cluster") .Values.roles.create .Values.roles.people`
	}
	if err := add(chart, "roles", condition, place(object)); err != nil {
		return err
	}
	switch name {
	case "holdfast-shard":
		return add(chart, "cluster-rights", `and (eq .Values.scope "Cluster") .Values.shardSelector`, place(binding("ClusterRole", name, expression(`printf "`+name+`:%s" .Release.Namespace`))))
	case "holdfast-manager", "holdfast-tenant-namespace":
		return addNamespaced(chart, object, name)
	}
	return nil
}

// addNamespaced grants a role's rules in each namespace that the operator works in.
func addNamespaced(chart files, object map[string]any, name string) error {
	inside := expression("$namespace | quote")
	role, err := text(with(with(object, "Role", "kind"), inside, "metadata", "namespace"))
	if err != nil {
		return err
	}
	bound, err := text(place(with(binding("Role", name, name), inside, "metadata", "namespace")))
	if err != nil {
		return err
	}
	chart["templates/namespaced-rights.yaml"] += when(`eq .Values.scope "Namespaced"`, eachNamespace(role, bound))
	return nil
}

func binding(roleKind, role, name string) map[string]any {
	kind := roleKind + "Binding"
	return map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": map[string]any{"name": name},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": roleKind, "name": role},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "holdfast-controller-manager", "namespace": config.SystemNamespace}},
	}
}

// deployment leaves to the values what differs from cluster to cluster, and nothing that makes the pod weaker.
func deployment(object map[string]any) {
	with(object, expression(".Values.replicas"), "spec", "replicas")
	template := object["spec"].(map[string]any)["template"].(map[string]any)
	with(template, block(".Values.podAnnotations"), "metadata", "annotations")
	pod := template["spec"].(map[string]any)
	for _, key := range []string{"imagePullSecrets", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"} {
		pod[key] = block(".Values." + key)
	}
	pod["priorityClassName"] = expression(".Values.priorityClassName | quote")
	container := pod["containers"].([]any)[0].(map[string]any)
	container["image"] = expression(`include "holdfast.image" . | quote`)
	container["imagePullPolicy"] = expression(".Values.image.pullPolicy | quote")
	container["args"] = block(`fromJsonArray (include "holdfast.arguments" .)`)
	container["resources"] = block(".Values.resources")
}

// kinds that are described on the chart's page of a catalogue.
func kinds(chart files) (names []string) {
	for path := range chart {
		if name, ok := strings.CutPrefix(path, "templates/crds/"); ok {
			names = append(names, strings.TrimSuffix(name, ".yaml"))
		}
	}
	slices.Sort(names)
	return names
}
