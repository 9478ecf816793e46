package schema

import (
	"encoding/json"
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	toolFile  = "SchemaTool.java"
	toolDir   = "/schema"
	storeDir  = "/stores"
	lastWords = "/dev/termination-log"
	// attempts beside the first: a database that starts up is worth waiting for, a
	// refused one is not.
	attempts = 4
	// deadlineSeconds bound all attempts together.
	deadlineSeconds = 900
)

// Objects gives the Job and the ConfigMap with its program. Everything that the Job
// reads is part of its name: a Job cannot change, and another one says what holds now.
// Faults: Waiting while the trust store has no version, Terminal where Check refuses.
func Objects(want tenant.Spec, seen tenant.Facts, credentials string) ([]client.Object, error) {
	if err := Check(want); err != nil {
		return nil, err
	}
	trust := seen.Keystores[tenant.RoleTrust].SecretName
	if trust == "" {
		return nil, fault.Waiting(reasonDependencyNotReady, "Keystore %s has no usable version yet", want.KeystoreName(tenant.RoleTrust))
	}
	if credentials == "" {
		return nil, fault.Waiting(reasonDependencyNotReady, "the Secret of the schema's owner does not exist yet")
	}
	program := program(want)
	arguments := arguments(want)
	parts := [][]byte{[]byte(want.Image), tool, []byte(trust), []byte(credentials)}
	for _, argument := range arguments {
		parts = append(parts, []byte(argument))
	}
	if want.Scheduling.NodeSelector != nil || want.Scheduling.Tolerations != nil || want.Scheduling.PriorityClassName != "" || want.ImagePullSecrets != nil {
		placement, err := json.Marshal([]any{want.Scheduling, want.ImagePullSecrets})
		if err != nil {
			return nil, err
		}
		parts = append(parts, placement)
	}
	job := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: object(want, tenant.VersionedName(want.Name+"-schema", parts...)),
		Spec: batchv1.JobSpec{
			BackoffLimit:          new(int32(attempts)),
			ActiveDeadlineSeconds: new(int64(deadlineSeconds)),
			Completions:           new(int32(1)),
			Parallelism:           new(int32(1)),
			// No time to live: its verdict is read when there is time.
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: podLabels(want)},
				Spec:       podSpec(want, arguments, program.Name, trust, credentials),
			},
		},
	}
	return []client.Object{job, program}, nil
}

func program(want tenant.Spec) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: corev1.SchemeGroupVersion.String(), Kind: "ConfigMap"},
		ObjectMeta: object(want, tenant.VersionedName(want.Name+"-schema-tool", tool)),
		Immutable:  new(true),
		Data:       map[string]string{toolFile: string(tool)},
	}
}

func object(want tenant.Spec, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:       want.Namespace,
		Name:            name,
		Labels:          want.Labels(tenant.ComponentSchema),
		OwnerReferences: []metav1.OwnerReference{want.Owner},
	}
}

func podLabels(want tenant.Spec) map[string]string {
	labels := want.Labels(tenant.ComponentSchema)
	maps.Copy(labels, want.SchemaSelector())
	return labels
}

// arguments of the tool. They hold no secret.
func arguments(want tenant.Spec) []string {
	var all []string
	for _, d := range databases(want) {
		all = append(all, d.purpose, d.url, d.schema, d.script)
	}
	return all
}

func podSpec(want tenant.Spec, arguments []string, program, trust, credentials string) corev1.PodSpec {
	const readable int32 = 0o440
	spec := corev1.PodSpec{
		ServiceAccountName: want.ServiceAccountName(),
		RestartPolicy:      corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsUser: new(layout.UserID), RunAsGroup: new(layout.UserID), FSGroup: new(layout.UserID),
		},
		NodeSelector:      maps.Clone(want.Scheduling.NodeSelector),
		Tolerations:       slices.Clone(want.Scheduling.Tolerations),
		PriorityClassName: want.Scheduling.PriorityClassName,
		Containers: []corev1.Container{{
			Name:  "schema",
			Image: want.Image,
			Command: append([]string{
				layout.Java, "-Xmx256m", "-XX:-UsePerfData", "-Djava.io.tmpdir=/tmp", "-cp", layout.Drivers(want.Version), toolDir + "/" + toolFile,
			}, arguments...),
			Env:                      environment(trust, credentials),
			TerminationMessagePath:   lastWords,
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("512Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
			},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "program", MountPath: toolDir, ReadOnly: true},
				{Name: "stores", MountPath: storeDir, ReadOnly: true},
				{Name: "tmp", MountPath: "/tmp"},
			},
		}},
		Volumes: []corev1.Volume{
			{Name: "program", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: program}, DefaultMode: new(readable),
			}}},
			{Name: "stores", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: trust, DefaultMode: new(readable),
				Items: []corev1.KeyToPath{{Key: layout.StoreKey, Path: layout.StoreFile(tenant.RoleTrust)}},
			}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: new(resource.MustParse("64Mi"))}}},
		},
	}
	for _, name := range want.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	podsecurity.Harden(&spec)
	return spec
}

func environment(trust, credentials string) []corev1.EnvVar {
	from := func(secret, key string, optional bool) *corev1.EnvVarSource {
		selector := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}
		if optional {
			selector.Optional = new(true)
		}
		return &corev1.EnvVarSource{SecretKeyRef: selector}
	}
	return []corev1.EnvVar{
		{Name: "SCHEMA_GRANTEE", ValueFrom: from(credentials, KeyGrantee, true)},
		{Name: "SCHEMA_LAST_WORDS", Value: lastWords},
		{Name: "SCHEMA_PASSWORD", ValueFrom: from(credentials, "password", false)},
		{Name: "SCHEMA_TRUST_STORE", Value: storeDir + "/" + layout.StoreFile(tenant.RoleTrust)},
		{Name: "SCHEMA_TRUST_STORE_PASSWORD", ValueFrom: from(trust, layout.PasswordKey, false)},
		{Name: "SCHEMA_USERNAME", ValueFrom: from(credentials, "username", false)},
	}
}
