package pod

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Names of the containers.
const (
	containerHome    = "home"
	containerPrepare = "validate-config"
	// ContainerServer is the container of the server itself.
	ContainerServer = "server"
)

const (
	portHTTPS   = "https"
	portCluster = "cluster"
	// drainSeconds is how long routes may take to forget a pod that goes.
	drainSeconds = 10
	graceSeconds = 90
	mebibyte     = 1 << 20
)

// homeContainer fills the volumes from the image.
func homeContainer(want tenant.Spec) corev1.Container {
	const filled = "/volumes/"
	return corev1.Container{
		Name:  containerHome,
		Image: want.Image,
		Command: []string{
			"/bin/sh", layout.ConfigurationDir + "/" + homeScript,
			layout.Home(want.Version), filled + volumeHome, filled + volumeConf, filled + volumeMetadata, layout.ConfigurationDir,
		},
		Resources:                pods.Limited("100m", "128Mi"),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeConf, MountPath: filled + volumeConf},
			{Name: volumeConfig, MountPath: layout.ConfigurationDir, ReadOnly: true},
			{Name: volumeHome, MountPath: filled + volumeHome},
			{Name: volumeMetadata, MountPath: filled + volumeMetadata},
		},
	}
}

// prepareContainer renders the configuration where the server will read it, or fails.
func prepareContainer(want tenant.Spec, seen tenant.Facts) corev1.Container {
	product := layout.Home(want.Version)
	mounts := serverMounts(want)
	for i := range mounts {
		if mounts[i].Name == volumeTrust || mounts[i].Name == volumeUserStores {
			mounts[i].ReadOnly = false
		}
	}
	command := []string{
		layout.Java, "-Xmx256m", "-XX:-UsePerfData", "-Djava.io.tmpdir=/tmp",
		"-Dcarbon.home=" + product, backupPath,
		"-cp", product + "/lib/*:" + product + "/bin/*",
		layout.ConfigurationDir + "/" + prepareProgram,
		product, layout.StorePath(want.Version, tenant.RoleTrust), layout.EnvStorePassword(tenant.RoleTrust), layout.TrustedCertificates,
	}
	if len(want.UserStores) > 0 {
		command = append(command, layout.ConfigurationDir, layout.UserStorePrefix, layout.UserStoresDir(want.Version))
	}
	return corev1.Container{
		Name:                     containerPrepare,
		Image:                    want.Image,
		Command:                  command,
		Env:                      environment(want, seen),
		Resources:                pods.Limited("100m", "512Mi"),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             mounts,
	}
}

const backupPath = "-Dconfig.backup.path=" + layout.BackupPath

// serverContainer runs the entry point of the image, which hands its arguments to the
// launcher and stops the server on SIGTERM (from 7.2 on; before that preStop does).
func serverContainer(want tenant.Spec, seen tenant.Facts) corev1.Container {
	env := append(environment(want, seen),
		corev1.EnvVar{Name: "JAVA_OPTS", Value: strings.Join(javaOptions, " ")},
		corev1.EnvVar{Name: "JVM_MEM_OPTS", Value: heap(want.Memory)},
	)
	return corev1.Container{
		Name:  ContainerServer,
		Image: want.Image,
		Args:  arguments,
		Env:   env,
		Ports: []corev1.ContainerPort{
			{Name: portHTTPS, ContainerPort: layout.HTTPSPort, Protocol: corev1.ProtocolTCP},
			{Name: portCluster, ContainerPort: layout.ClusterPort, Protocol: corev1.ProtocolTCP},
		},
		Resources:      serverResources(want),
		StartupProbe:   pods.Probe(healthy(), 5, 120),
		ReadinessProbe: pods.Probe(healthy(), 10, 3),
		LivenessProbe:  pods.Probe(listening(), 10, 6),
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{
			"/bin/sh", "-c", fmt.Sprintf("sleep %d; %s/bin/wso2server.sh stop", drainSeconds, layout.Home(want.Version)),
		}}}},
		VolumeMounts: serverMounts(want),
	}
}

// arguments become system properties after the start script has set its own, so these
// win. The script's own value admits any certificate for local names; any word that it
// does not know means the library's strict check. Correlation logs show SQL.
var arguments = []string{
	backupPath,
	"-DenableCorrelationLogs=false",
	"-Dhttpclient.hostnameVerifier=Strict",
}

// javaOptions are what the start script does not set itself, and what it sets before
// them: a heap dump would put every secret on a disk. The preferences are the image's
// own options, which the variable replaces.
var javaOptions = []string{
	"-Djava.util.prefs.systemRoot=" + layout.PreferencesDir,
	"-Djava.util.prefs.userRoot=" + layout.PreferencesDir + "/.userPrefs",
	"-Djdk.tls.ephemeralDHKeySize=2048",
	"-Djdk.tls.rejectClientInitiatedRenegotiation=true",
	"-XX:-HeapDumpOnOutOfMemoryError",
	"-XX:+ExitOnOutOfMemoryError",
}

// heap is half of the memory: the rest is for classes, threads, buffers and the
// volumes in memory.
func heap(memory resource.Quantity) string {
	half := memory.Value() / 2 / mebibyte
	return fmt.Sprintf("-Xms%dm -Xmx%dm", half, half)
}

// healthy asks for the health API. The kubelet does not look at the certificate.
func healthy() corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
		Path: "/api/health-check/v1.0/health", Port: intstr.FromString(portHTTPS), Scheme: corev1.URISchemeHTTPS,
	}}
}

// listening does not depend on the database, whose outage no restart mends.
func listening() corev1.ProbeHandler {
	return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString(portHTTPS)}}
}

func serverResources(want tenant.Spec) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:              want.CPU,
			corev1.ResourceMemory:           want.Memory,
			corev1.ResourceEphemeralStorage: resource.MustParse("2Gi"),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceMemory:           want.Memory,
			corev1.ResourceEphemeralStorage: scratchLimit(want),
		},
	}
}
