package schema

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	toolFile  = "SchemaTool.java"
	toolDir   = "/schema"
	storeDir  = "/stores"
	lastWords = "/dev/termination-log"
	// deadlineSeconds bound all attempts together.
	deadlineSeconds = 900
)

// Objects gives the Job and the ConfigMap with its program. Faults: Waiting while the trust store has no version, Terminal where Check refuses.
func Objects(want tenant.Spec, seen tenant.Facts, credentials string) ([]client.Object, error) {
	if err := Check(want); err != nil {
		return nil, err
	}
	if err := pods.SchemaReady(want, seen, credentials); err != nil {
		return nil, err
	}
	trust := seen.Keystores[tenant.RoleTrust].SecretName
	program := pods.SchemaFile(want, "tool", toolFile, tool)
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
	job := pods.SchemaJob(want, podSpec(want, arguments, program.Name, trust, credentials), deadlineSeconds, parts...)
	return []client.Object{job, program}, nil
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
	spec := corev1.PodSpec{
		ServiceAccountName: want.ServiceAccountName(),
		RestartPolicy:      corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsUser: new(layout.UserID), RunAsGroup: new(layout.UserID), FSGroup: new(layout.UserID),
		},
		Containers: []corev1.Container{{
			Name:  "schema",
			Image: want.Image,
			Command: append([]string{
				layout.Java, "-Xmx256m", "-XX:-UsePerfData", "-Djava.io.tmpdir=/tmp", "-cp", layout.Drivers(want.Version), toolDir + "/" + toolFile,
			}, arguments...),
			Env:                      environment(trust, credentials),
			TerminationMessagePath:   lastWords,
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			Resources:                pods.Limited("100m", "512Mi"),
			VolumeMounts: []corev1.VolumeMount{
				{Name: "program", MountPath: toolDir, ReadOnly: true},
				{Name: "stores", MountPath: storeDir, ReadOnly: true},
				{Name: "tmp", MountPath: "/tmp"},
			},
		}},
		Volumes: []corev1.Volume{
			{Name: "program", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: program}, DefaultMode: new(pods.Readable),
			}}},
			{Name: "stores", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: trust, DefaultMode: new(pods.Readable),
				Items: []corev1.KeyToPath{{Key: layout.StoreKey, Path: layout.StoreFile(tenant.RoleTrust)}},
			}}},
			pods.Scratch("tmp", 64<<20),
		},
	}
	pods.Place(&spec, want)
	podsecurity.Harden(&spec)
	return spec
}

func environment(trust, credentials string) []corev1.EnvVar {
	grantee := pods.FromSecret("SCHEMA_GRANTEE", credentials, KeyGrantee)
	grantee.ValueFrom.SecretKeyRef.Optional = new(true)
	return []corev1.EnvVar{
		grantee,
		{Name: "SCHEMA_LAST_WORDS", Value: lastWords},
		pods.FromSecret("SCHEMA_PASSWORD", credentials, "password"),
		{Name: "SCHEMA_TRUST_STORE", Value: storeDir + "/" + layout.StoreFile(tenant.RoleTrust)},
		pods.FromSecret("SCHEMA_TRUST_STORE_PASSWORD", trust, layout.PasswordKey),
		pods.FromSecret("SCHEMA_USERNAME", credentials, "username"),
	}
}
