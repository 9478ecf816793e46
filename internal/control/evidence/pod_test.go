package evidence

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/control"
)

func TestPod(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	found, err := Pod(corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		SecurityContext:              &corev1.PodSecurityContext{RunAsNonRoot: &yes},
		AutomountServiceAccountToken: &no,
		Volumes:                      []corev1.Volume{{Name: "conf", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}}},
		InitContainers:               []corev1.Container{{Name: "home", Image: "i"}},
		Containers: []corev1.Container{{
			Name: "server", Image: "i", Args: []string{"-Da.b=c=d", "-DosgiConsole", "--debug"},
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			Env: []corev1.EnvVar{
				{Name: "JAVA_OPTS", Value: "-Djdk.x=1 -XX:-HeapDump -XX:+Exit -XX:Size=2"}, {Name: "JVM_MEM_OPTS", Value: "-Xms1m -Xmx2m"}, {Name: "OTHER", Value: "-Dz=1"},
			},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"securityContext.runAsNonRoot": {"true"}, "automountServiceAccountToken": {"false"}, "volumes.conf.name": {"conf"}, "volumes.conf.emptyDir.medium": {"Memory"},
		"containers.image": {"i"}, "containers.name": {"home", "server"}, "containers.args": {"--debug", "-Da.b=c=d", "-DosgiConsole", Unset},
		"containers.securityContext.allowPrivilegeEscalation": {"false", Unset}, "containers.securityContext.capabilities.drop": {"ALL", Unset},
		"argument.a.b": {"c=d"}, "argument.osgiConsole": {""}, "argument.debug": {""},
		"option.jdk.x": {"1"}, "option.XX.HeapDump": {"false"}, "option.XX.Exit": {"true"}, "option.XX.Size": {"2"}, "option.Xms": {"1m"}, "option.Xmx": {"2m"},
	}
	got := found[control.Pod]
	for key, values := range want {
		if diff := cmp.Diff(values, got[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}
