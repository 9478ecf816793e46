package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

// sorted kinds of config/default, so that the ClusterServiceVersion is made when all that it speaks of is known.
type parts struct {
	definitions map[string]map[string]any // by kind
	roles       map[string]map[string]any // by name: the rights that the version is to have
	deployment  map[string]any
}

// toPeople are the ClusterRoles that others are given. What the operator itself may do is in the ClusterServiceVersion.
var toPeople = []string{"holdfast-edit", "holdfast-metrics-reader", "holdfast-tenant-namespace", "holdfast-view", "holdfast-waiver-granter"}

// ofOperator are the roles whose rules become permissions of the operator.
var ofOperator = []string{"holdfast-cluster", "holdfast-leader-election", "holdfast-manager"}

// leftOut are objects that OLM makes itself, or that no installation by OLM can use, with the reason.
var leftOut = map[string]string{
	"Namespace/holdfast-system":                  "whoever subscribes says which",
	"ServiceAccount/holdfast-controller-manager": "OLM makes it for the permissions",
	"ClusterRoleBinding/holdfast-cluster":        "OLM binds the permissions",
	"ClusterRoleBinding/holdfast-manager":        "OLM binds the permissions",
	"RoleBinding/holdfast-leader-election":       "OLM binds the permissions",
	"ClusterRole/holdfast-shard":                 "a Subscription sets no flag, and so no shard",
}

// addManifests writes each object as a file of its own. One that is not known here fails, so that nothing new in config/ is left
// out of the bundle, or comes into it, unseen. What is in config/prometheus stays out, because OLM does not install on a cluster
// that lacks one of a bundle's kinds.
func addManifests(bundle files, root, image string) error {
	objects, err := config.Build(root, "default")
	if err != nil {
		return err
	}
	known := parts{definitions: map[string]map[string]any{}, roles: map[string]map[string]any{}}
	for _, object := range objects {
		kind, name := config.KindAndName(object)
		// Objects are made where the operator is installed.
		delete(config.Metadata(object), "namespace")
		switch {
		case leftOut[kind+"/"+name] != "":
		case kind == "CustomResourceDefinition":
			known.definitions[names(object)["kind"].(string)] = object
			err = bundle.add("manifests/"+name+".crd.yaml", object)
		case kind == "Deployment" && known.deployment == nil:
			known.deployment = object
		case (kind == "ClusterRole" || kind == "Role") && slices.Contains(ofOperator, name):
			known.roles[name] = object
		case kind == "ClusterRole" && slices.Contains(toPeople, name), kind == "Service", kind == "NetworkPolicy":
			err = bundle.add("manifests/"+name+"."+strings.ToLower(kind)+".yaml", object)
		default:
			err = fmt.Errorf("hack/tools/bundle does not know what OLM does with the %s %s: say it there", kind, name)
		}
		if err != nil {
			return err
		}
	}
	version, err := clusterServiceVersion(root, known, image)
	if err != nil {
		return err
	}
	return bundle.add("manifests/"+config.Name+".clusterserviceversion.yaml", version)
}

func names(definition map[string]any) map[string]any {
	return definition["spec"].(map[string]any)["names"].(map[string]any)
}

var keys = maps.Keys[map[string]string]
