package pod

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	// deadlineSeconds bound all attempts together.
	deadlineSeconds = 1800
	// Done is what a schema Job says last.
	Done = "schema made"
)

// migrate starts the server as far as its database, which makes and migrates the tables, the
// root realm and the account of the first start, and has it end. What it exports goes into memory and ends with the pod.
const migrate = layout.Script + " " + configuration + " export --optimized --realm " + layout.RootRealm + " --users skip --dir /export && " +
	"printf '" + Done + "' > /dev/termination-log"

// SchemaJob gives the Job and the ConfigMap with its configuration. Faults: Waiting while the
// trust store or the owner's account is not there.
func SchemaJob(want tenant.Spec, seen tenant.Facts, content []byte, credentials string) ([]client.Object, error) {
	if err := pods.SchemaReady(want, seen, credentials); err != nil {
		return nil, err
	}
	placement, err := json.Marshal([]any{want.Scheduling, want.ImagePullSecrets})
	if err != nil {
		return nil, err
	}
	file := pods.SchemaFile(want, "configuration", layout.ConfigurationFile, content)
	store := seen.Keystores[tenant.RoleTrust].SecretName
	job := pods.SchemaJob(want, jobPod(want, seen, file.Name, credentials), deadlineSeconds,
		[]byte(want.Image), content, []byte(migrate), []byte(store), []byte(credentials), placement)
	return []client.Object{job, file}, nil
}

func jobPod(want tenant.Spec, seen tenant.Facts, configMap, credentials string) corev1.PodSpec {
	spec := corev1.PodSpec{
		ServiceAccountName: want.ServiceAccountName(),
		RestartPolicy:      corev1.RestartPolicyNever,
		SecurityContext:    pods.User(layout.UserID),
		InitContainers:     []corev1.Container{copyContainer(want), buildContainer(want)},
		Containers: []corev1.Container{{
			Name:    "schema",
			Image:   want.Image,
			Command: []string{"/bin/sh", "-c", migrate},
			Env: []corev1.EnvVar{
				// They make an account in an empty database, and nothing in any other.
				pods.FromSecret(layout.EnvFirstPassword, credentials, idp.KeyFirstPassword),
				pods.FromSecret(layout.EnvFirstUsername, credentials, idp.KeyFirstUsername),
				pods.FromSecret(layout.EnvDatabasePassword, credentials, "password"),
				pods.FromSecret(layout.EnvDatabaseUsername, credentials, "username"),
				{Name: "JAVA_OPTS_KC_HEAP", Value: "-Xms128m -Xmx768m"}, options(),
			},
			Resources:                pods.Limited("500m", "1536Mi"),
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			VolumeMounts: []corev1.VolumeMount{
				{Name: volumeBuilt, MountPath: layout.BuiltDir, ReadOnly: true},
				{Name: volumeConfiguration, MountPath: layout.ConfigurationDir, ReadOnly: true},
				{Name: volumeData, MountPath: layout.DataDir},
				{Name: "export", MountPath: "/export"},
				{Name: volumeTmp, MountPath: "/tmp"},
				{Name: volumeTrust, MountPath: layout.TrustDir, ReadOnly: true},
			},
		}},
		Volumes: []corev1.Volume{
			pods.Scratch(volumeBuilt, builtSize),
			{Name: volumeConfiguration, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, DefaultMode: new(pods.Readable),
			}}},
			pods.Scratch(volumeData, dataSize),
			pods.InMemory("export", 16*mebibyte),
			pods.Scratch(volumeTmp, tmpSize),
			trust(seen),
		},
	}
	pods.Place(&spec, want)
	podsecurity.Harden(&spec)
	return spec
}
