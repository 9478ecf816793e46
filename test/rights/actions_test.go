package rights

import "net/http"

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

const (
	core  = "/api/v1/"
	open  = "/namespaces/OPEN/"
	rbac  = "/apis/rbac.authorization.k8s.io/v1/"
	apps  = "/apis/apps/v1"
	batch = "/apis/batch/v1"
	own   = "/apis/iam.holdfast.dev/v1alpha1"
	certs = "/apis/cert-manager.io/v1"
	doors = "/apis/admissionregistration.k8s.io/v1/"
	crds  = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
)

var forbidden = []action{
	// Secrets and configuration of others
	{name: "read a Secret of a namespace that is not open", method: get, path: core + "namespaces/FOREIGN/secrets/db"},
	{name: "list the Secrets of a namespace that is not open", method: get, path: core + "namespaces/FOREIGN/secrets"},
	{name: "watch the Secrets of a namespace that is not open", method: get, path: core + "namespaces/FOREIGN/secrets?watch=true&timeoutSeconds=1"},
	{name: "list the Secrets of the cluster", method: get, path: core + "secrets"},
	{name: "watch the Secrets of the cluster", method: get, path: core + "secrets?watch=true&timeoutSeconds=1"},
	{name: "make a Secret in a namespace that is not open", method: post, path: core + "namespaces/FOREIGN/secrets"},
	{name: "change a Secret of a namespace that is not open", method: patch, path: core + "namespaces/FOREIGN/secrets/db"},
	{name: "delete a Secret of a namespace that is not open", method: remove, path: core + "namespaces/FOREIGN/secrets/db"},
	{name: "delete all Secrets of an open namespace at once", method: remove, path: core + "namespaces/OPEN/secrets"},
	{name: "replace a Secret of an open namespace", method: put, path: core + "namespaces/OPEN/secrets/db"},
	{name: "read a Secret of kube-system", method: get, path: core + "namespaces/kube-system/secrets/bootstrap"},
	{name: "read a Secret beside itself", method: get, path: core + "namespaces/SYSTEM/secrets/any"},
	{name: "list the ConfigMaps of the cluster", method: get, path: core + "configmaps"},
	{name: "read how the API server tells people apart", method: get, path: core + "namespaces/kube-system/configmaps/extension-apiserver-authentication"},
	{name: "change a ConfigMap of a namespace that is not open", method: patch, path: core + "namespaces/FOREIGN/configmaps/kube-root-ca.crt"},

	// Running things, and getting into what runs
	{name: "make a pod in an open namespace", method: post, path: core + "namespaces/OPEN/pods"},
	{name: "make a pod in kube-system", method: post, path: core + "namespaces/kube-system/pods"},
	{name: "run a command in a tenant's pod", method: post, path: core + "namespaces/OPEN/pods/acme-0/exec?command=id"},
	{name: "attach to a tenant's pod", method: post, path: core + "namespaces/OPEN/pods/acme-0/attach?stdin=true"},
	{name: "forward a port of a tenant's pod", method: post, path: core + "namespaces/OPEN/pods/acme-0/portforward?ports=9443"},
	{name: "put an ephemeral container into a tenant's pod", method: patch, path: core + "namespaces/OPEN/pods/acme-0/ephemeralcontainers"},
	{name: "change a tenant's pod", method: patch, path: core + "namespaces/OPEN/pods/acme-0"},
	{name: "read a tenant's log", method: get, path: core + "namespaces/OPEN/pods/acme-0/log"},
	{name: "reach a tenant's pod through the API server", method: get, path: core + "namespaces/OPEN/pods/acme-0/proxy/"},
	{name: "reach a Service through the API server", method: get, path: core + "namespaces/OPEN/services/acme/proxy/"},
	{name: "evict a tenant's pod", method: post, path: core + "namespaces/OPEN/pods/acme-0/eviction"},
	{name: "put a pod on a node", method: post, path: core + "namespaces/OPEN/pods/acme-0/binding"},
	{name: "delete all pods of an open namespace at once", method: remove, path: core + "namespaces/OPEN/pods"},
	{name: "delete a pod of a namespace that is not open", method: remove, path: core + "namespaces/FOREIGN/pods/web-0"},
	{name: "list the pods of the cluster", method: get, path: core + "pods"},
	{name: "make a Deployment", method: post, path: apps + open + "deployments"},
	{name: "make a DaemonSet", method: post, path: apps + open + "daemonsets"},
	{name: "make a CronJob", method: post, path: batch + open + "cronjobs"},
	{name: "make a StatefulSet in a namespace that is not open", method: post, path: apps + "/namespaces/FOREIGN/statefulsets"},
	{name: "make a Job in a namespace that is not open", method: post, path: batch + "/namespaces/FOREIGN/jobs"},
	{name: "scale a StatefulSet", method: patch, path: apps + open + "statefulsets/acme/scale"},
	{name: "claim a volume", method: post, path: core + "namespaces/OPEN/persistentvolumeclaims"},

	// Rights for itself
	{name: "write a Role", method: post, path: rbac + "namespaces/OPEN/roles"},
	{name: "widen a Role", method: patch, path: rbac + "namespaces/OPEN/roles/any", body: `{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["escalate","*"]}]}`},
	{name: "bind cluster-admin to itself in an open namespace", method: post, path: rbac + "namespaces/OPEN/rolebindings",
		body: `{"metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"}}`},
	{name: "let itself into a namespace", method: post, path: rbac + "namespaces/FOREIGN/rolebindings",
		body: `{"metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"holdfast-tenant-namespace"}}`},
	{name: "read who may what in an open namespace", method: get, path: rbac + "namespaces/OPEN/rolebindings"},
	{name: "write a ClusterRole", method: post, path: rbac + "clusterroles"},
	{name: "widen its own ClusterRole", method: patch, path: rbac + "clusterroles/holdfast-manager"},
	{name: "widen what view, edit and admin mean", method: patch, path: rbac + "clusterroles/holdfast-edit"},
	{name: "bind a ClusterRole to itself", method: post, path: rbac + "clusterrolebindings"},
	{name: "delete a ClusterRoleBinding", method: remove, path: rbac + "clusterrolebindings/cluster-admin"},
	{name: "act as the administrator", method: get, path: "/api", as: map[string]string{"Impersonate-User": "holdfast-admin"}},
	{name: "act as a member of system:masters", method: get, path: "/api", as: map[string]string{"Impersonate-User": "nobody", "Impersonate-Group": "system:masters"}},
	{name: "act as another service account", method: get, path: "/api", as: map[string]string{"Impersonate-User": "system:serviceaccount:kube-system:default"}},

	// Tokens and certificates of others
	{name: "get a token of its own account, of any audience", method: post, path: core + "namespaces/SYSTEM/serviceaccounts/holdfast-controller-manager/token"},
	{name: "get a token of another account of an open namespace", method: post, path: core + "namespaces/OPEN/serviceaccounts/default/token"},
	{name: "get a token of an account of kube-system", method: post, path: core + "namespaces/kube-system/serviceaccounts/namespace-controller/token"},
	{name: "get a token for Vault where it is not admitted", method: post, path: core + "namespaces/FOREIGN/serviceaccounts/holdfast-vault/token"},
	{name: "ask the cluster to sign a client certificate", method: post, path: "/apis/certificates.k8s.io/v1/certificatesigningrequests"},
	{name: "approve a client certificate", method: patch, path: "/apis/certificates.k8s.io/v1/certificatesigningrequests/any/approval"},

	// What the API server lets in, and how kinds are defined
	{name: "make a CustomResourceDefinition", method: post, path: crds},
	{name: "change the definition of a tenant", method: patch, path: crds + "/identitytenants.iam.holdfast.dev"},
	{name: "delete the definition of a tenant", method: remove, path: crds + "/identitytenants.iam.holdfast.dev"},
	{name: "make a webhook that changes what is written", method: post, path: doors + "mutatingwebhookconfigurations"},
	{name: "change a webhook that refuses", method: patch, path: doors + "validatingwebhookconfigurations/cert-manager-webhook"},
	{name: "delete a policy of admission", method: remove, path: doors + "validatingadmissionpolicies/holdfast-waivers"},
	{name: "delete the binding of a policy of admission", method: remove, path: doors + "validatingadmissionpolicybindings/holdfast-waivers"},
	{name: "answer for an API group", method: post, path: "/apis/apiregistration.k8s.io/v1/apiservices"},

	// Nodes, namespaces, volumes, leases
	{name: "list the nodes", method: get, path: core + "nodes"},
	{name: "change a node", method: patch, path: core + "nodes/one"},
	{name: "reach a kubelet through the API server", method: get, path: core + "nodes/one/proxy/pods"},
	{name: "list the namespaces", method: get, path: core + "namespaces"},
	{name: "read a namespace other than kube-system", method: get, path: core + "namespaces/FOREIGN"},
	{name: "make a namespace", method: post, path: core + "namespaces"},
	{name: "take the Pod Security level off a namespace", method: patch, path: core + "namespaces/OPEN", body: `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":null}}}`},
	{name: "delete a namespace", method: remove, path: core + "namespaces/OPEN"},
	{name: "list the volumes", method: get, path: core + "persistentvolumes"},
	{name: "delete a volume", method: remove, path: core + "persistentvolumes/one"},
	{name: "take the lease of another controller", method: patch, path: "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"},
	{name: "make a lease in an open namespace", method: post, path: "/apis/coordination.k8s.io/v1" + open + "leases"},
	{name: "list the events of a namespace", method: get, path: "/apis/events.k8s.io/v1" + open + "events"},
	{name: "read the API server's metrics", method: get, path: "/metrics"},

	// Wishes of people, and their permissions
	{name: "make a HardeningWaiver", method: post, path: own + open + "hardeningwaivers"},
	{name: "change a HardeningWaiver", method: patch, path: own + open + "hardeningwaivers/any"},
	{name: "delete a HardeningWaiver", method: remove, path: own + open + "hardeningwaivers/any"},
	{name: "make an IdentityTenant", method: post, path: own + open + "identitytenants"},
	{name: "replace an IdentityTenant", method: put, path: own + open + "identitytenants/acme"},
	{name: "delete an IdentityTenant", method: remove, path: own + open + "identitytenants/acme"},
	{name: "make a Keystore in a namespace that is not open", method: post, path: own + "/namespaces/FOREIGN/keystores"},
	{name: "write the spec of a PasswordPolicy", method: patch, path: own + open + "passwordpolicies/any"},
	{name: "write the spec of a LogPolicy", method: patch, path: own + open + "logpolicies/any"},
	{name: "write the spec of a VaultConnection", method: patch, path: own + open + "vaultconnections/any"},
	{name: "write the spec of a RotationSchedule", method: patch, path: own + open + "rotationschedules/any"},
	{name: "rewrite what a RotationRecord is about", method: patch, path: own + open + "rotationrecords/any"},
	{name: "make a RotationRecord in a namespace that is not open", method: post, path: own + "/namespaces/FOREIGN/rotationrecords"},

	// Who signs certificates
	{name: "make an Issuer", method: post, path: certs + open + "issuers"},
	{name: "change an Issuer", method: patch, path: certs + open + "issuers/internal-ca"},
	{name: "change a ClusterIssuer", method: patch, path: certs + "/clusterissuers/internal-ca"},
	{name: "approve a request for a certificate", method: patch, path: certs + open + "certificaterequests/any/status"},
	{name: "delete a Certificate of a namespace that is not open", method: remove, path: certs + "/namespaces/FOREIGN/certificates/web"},
}
