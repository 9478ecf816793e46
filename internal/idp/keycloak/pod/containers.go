package pod

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	portHTTPS      = "https"
	portManagement = "management"
	portCluster    = "cluster"
	portFailure    = "failure"
	// drainSeconds is how long routes may take to forget a pod that goes.
	drainSeconds = 10
	graceSeconds = 60
	mebibyte     = 1 << 20
)

// copyContainer fills the folder that the build writes into from the image, whose root is
// read-only in our pods.
func copyContainer(want tenant.Spec) corev1.Container {
	return corev1.Container{
		Name:                     "copy",
		Image:                    want.Image,
		Command:                  []string{"cp", "-R", layout.BuiltDir + "/.", "/volumes/built"},
		Resources:                pods.Limited("100m", "128Mi"),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             []corev1.VolumeMount{{Name: volumeBuilt, MountPath: "/volumes/built"}},
	}
}

// buildContainer builds the server for its configuration. It has no secret: what is built is
// the same for every tenant with these options.
func buildContainer(want tenant.Spec) corev1.Container {
	return corev1.Container{
		Name:                     "build",
		Image:                    want.Image,
		Command:                  []string{layout.Script, configuration, "build"},
		Env:                      []corev1.EnvVar{{Name: "JAVA_OPTS_KC_HEAP", Value: "-Xms128m -Xmx768m"}, options()},
		Resources:                pods.Limited("500m", "1536Mi"),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeBuilt, MountPath: layout.BuiltDir},
			{Name: volumeConfiguration, MountPath: layout.ConfigurationDir, ReadOnly: true},
			{Name: volumeData, MountPath: layout.DataDir},
			{Name: volumeTmp, MountPath: "/tmp"},
		},
	}
}

const configuration = "--config-file=" + layout.ConfigurationDir + "/" + layout.ConfigurationFile

// javaOptions come after those of the start script. A heap dump would put every secret on a
// disk.
var javaOptions = []string{
	"-Djava.io.tmpdir=/tmp",
	"-Djdk.tls.ephemeralDHKeySize=2048",
	"-Djdk.tls.rejectClientInitiatedRenegotiation=true",
	"-XX:-HeapDumpOnOutOfMemoryError",
	"-XX:+ExitOnOutOfMemoryError",
	"-XX:-UsePerfData",
}

func options() corev1.EnvVar {
	return corev1.EnvVar{Name: "JAVA_OPTS_APPEND", Value: strings.Join(javaOptions, " ")}
}

func serverContainer(want tenant.Spec, seen tenant.Facts) corev1.Container {
	return corev1.Container{
		Name:    "server",
		Image:   want.Image,
		Command: []string{layout.Script, configuration, "start", "--optimized"},
		Env:     append(environment(seen), corev1.EnvVar{Name: "JAVA_OPTS_KC_HEAP", Value: heap(want.Memory)}, options()),
		Ports: []corev1.ContainerPort{
			{Name: portHTTPS, ContainerPort: layout.HTTPSPort, Protocol: corev1.ProtocolTCP},
			{Name: portManagement, ContainerPort: layout.ManagementPort, Protocol: corev1.ProtocolTCP},
			{Name: portCluster, ContainerPort: layout.ClusterPort, Protocol: corev1.ProtocolTCP},
			{Name: portFailure, ContainerPort: layout.FailurePort, Protocol: corev1.ProtocolTCP},
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU: want.CPU, corev1.ResourceMemory: want.Memory, corev1.ResourceEphemeralStorage: resource.MustParse("1Gi"),
			},
			Limits: corev1.ResourceList{corev1.ResourceMemory: want.Memory, corev1.ResourceEphemeralStorage: scratchLimit(want)},
		},
		StartupProbe:   pods.Probe(answers("/health/started"), 5, 120),
		ReadinessProbe: pods.Probe(answers("/health/ready"), 10, 3),
		LivenessProbe:  pods.Probe(answers("/health/live"), 10, 6),
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{
			"sleep", fmt.Sprint(drainSeconds),
		}}}},
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeBuilt, MountPath: layout.BuiltDir, ReadOnly: true},
			{Name: volumeConfiguration, MountPath: layout.ConfigurationDir, ReadOnly: true},
			{Name: volumeData, MountPath: layout.DataDir},
			{Name: volumeStores, MountPath: layout.StoresDir, ReadOnly: true},
			{Name: volumeTmp, MountPath: "/tmp"},
			{Name: volumeTrust, MountPath: layout.TrustDir, ReadOnly: true},
		},
	}
}

// heap is half of the memory: the rest is for classes, threads, buffers and the volumes in
// memory.
func heap(memory resource.Quantity) string {
	half := memory.Value() / 2 / mebibyte
	return fmt.Sprintf("-Xms%dm -Xmx%dm", half, half)
}

// answers asks the management port. The kubelet does not look at the certificate.
func answers(path string) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(portManagement), Scheme: corev1.URISchemeHTTPS}}
}
