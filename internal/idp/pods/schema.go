package pods

import (
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// schemaAttempts beside the first: a database that starts up is worth waiting for, a refused
// one is not.
const schemaAttempts = 4

// SchemaReady waits for what every schema Job reads. Faults: Waiting while the trust store or
// the Secret of the schema's owner is not there.
func SchemaReady(want tenant.Spec, seen tenant.Facts, credentials string) error {
	if seen.Keystores[tenant.RoleTrust].SecretName == "" {
		return noVersion(want, tenant.RoleTrust)
	}
	if credentials == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret of the schema's owner does not exist yet")
	}
	return nil
}

// SchemaJob runs the pod that makes the tables until it ends well; deadline bounds all its
// attempts together, in seconds. All that it reads is part of its name: a Job cannot change,
// and another one says what holds now.
func SchemaJob(want tenant.Spec, spec corev1.PodSpec, deadline int64, reads ...[]byte) *batchv1.Job {
	labels := want.Labels(tenant.ComponentSchema)
	maps.Copy(labels, want.SchemaSelector())
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: schemaObject(want, tenant.VersionedName(want.Name+"-schema", reads...)),
		Spec: batchv1.JobSpec{
			BackoffLimit:          new(int32(schemaAttempts)),
			ActiveDeadlineSeconds: new(deadline),
			Completions:           new(int32(1)),
			Parallelism:           new(int32(1)),
			// No time to live: its verdict is read when there is time.
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}
}

// SchemaFile holds one file that a schema Job reads; purpose is a part of its name.
func SchemaFile(want tenant.Spec, purpose, file string, content []byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: corev1.SchemeGroupVersion.String(), Kind: "ConfigMap"},
		ObjectMeta: schemaObject(want, tenant.VersionedName(want.Name+"-schema-"+purpose, content)),
		Immutable:  new(true),
		Data:       map[string]string{file: string(content)},
	}
}

func schemaObject(want tenant.Spec, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: want.Namespace, Name: name, Labels: want.Labels(tenant.ComponentSchema), OwnerReferences: []metav1.OwnerReference{want.Owner},
	}
}
