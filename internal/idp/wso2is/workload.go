package wso2is

import (
	runtimeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/pod"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/schema"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Workload gives the StatefulSet. Faults: Waiting DependencyNotReady until the facts
// name the Secret of the credentials and a version of each store.
func (Driver) Workload(want tenant.Spec, seen tenant.Facts, config string) ([]runtimeclient.Object, error) {
	set, err := pod.StatefulSet(want, seen, config)
	if err != nil {
		return nil, err
	}
	return []runtimeclient.Object{set}, nil
}

// SchemaJob gives the Job that makes the tables, and its program. The Secret with the
// owner's account may have schema.KeyGrantee too. Faults: Waiting DependencyNotReady
// until the trust store has a version; Terminal InvalidSpec for databases whose tables
// would be one another's.
func (Driver) SchemaJob(want tenant.Spec, seen tenant.Facts, credentials string) ([]runtimeclient.Object, error) {
	return schema.Objects(want, seen, credentials)
}

// SchemaProof reads the last words of a finished schema Job. Faults: Terminal
// SchemaFailed when they are no verdict.
func (Driver) SchemaProof(want tenant.Spec, message string) (tenant.SchemaProof, error) {
	return schema.Proof(want, message)
}
