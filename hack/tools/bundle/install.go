package main

import (
	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

// installModes are all of them: the namespaces that an OperatorGroup selects become --watch-namespaces, and none are all.
func installModes() (modes []any) {
	for _, name := range []string{"OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces"} {
		modes = append(modes, map[string]any{"type": name, "supported": true})
	}
	return modes
}

// install is the Deployment of config/manager and its rights. Of the three roles two hold in the whole cluster, and one where the
// operator is; OLM lets that one hold wherever the operator works.
func install(known parts, image string) map[string]any {
	metadata, spec := config.Metadata(known.deployment), known.deployment["spec"].(map[string]any)
	pod := spec["template"].(map[string]any)["spec"].(map[string]any)
	account := pod["serviceAccountName"]
	manager := pod["containers"].([]any)[0].(map[string]any)
	manager["image"] = image
	// OLM tells a pod by this annotation where it is to work.
	manager["args"] = append(manager["args"].([]any), "--watch-namespaces=$(WATCH_NAMESPACE)")
	manager["env"] = append(manager["env"].([]any), map[string]any{
		"name": "WATCH_NAMESPACE", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "metadata.annotations['olm.targetNamespaces']"}}})
	permission := func(roles ...string) []any {
		var rules []any
		for _, role := range roles {
			rules = append(rules, known.roles[role]["rules"].([]any)...)
		}
		return []any{map[string]any{"serviceAccountName": account, "rules": rules}}
	}
	return map[string]any{
		"clusterPermissions": permission("holdfast-cluster", "holdfast-manager"),
		"permissions":        permission("holdfast-leader-election"),
		"deployments":        []any{map[string]any{"name": metadata["name"], "label": metadata["labels"], "spec": spec}},
	}
}
