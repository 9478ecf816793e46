package keycloak

import (
	"strings"

	runtimeclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/conf"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/pod"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Workload gives the StatefulSet. Faults: Waiting DependencyNotReady until the facts name
// the Secret of the credentials and a version of each store that pods read.
func (Driver) Workload(want tenant.Spec, seen tenant.Facts, config string) ([]runtimeclient.Object, error) {
	set, err := pod.StatefulSet(want, seen, config)
	if err != nil {
		return nil, err
	}
	return []runtimeclient.Object{set}, nil
}

// SchemaJob gives the Job that makes and migrates the tables as their owner, and its
// configuration. Faults: Waiting DependencyNotReady until the trust store has a version;
// Terminal InvalidSpec for what cannot be written.
func (Driver) SchemaJob(want tenant.Spec, seen tenant.Facts, credentials string) ([]runtimeclient.Object, error) {
	if err := expressible(want); err != nil {
		return nil, err
	}
	content, err := conf.Schema(want)
	if err != nil {
		return nil, fault.Terminal(reasonInvalidSpec, "the schema Job cannot be configured: %s", err)
	}
	return pod.SchemaJob(want, seen, content, credentials)
}

// SchemaProof reads the last words of a finished schema Job. Whether the database held data
// before nobody asks: no key of ours is needed to read it. Faults: Terminal SchemaFailed when
// the words are no verdict.
func (Driver) SchemaProof(want tenant.Spec, message string) (tenant.SchemaProof, error) {
	if message = strings.TrimSpace(message); message != pod.Done {
		return tenant.SchemaProof{}, fault.Terminal(reasonSchemaFailed, "the schema Job gave no verdict; its last words: %.300q", message)
	}
	return tenant.SchemaProof{Image: want.Image}, nil
}
