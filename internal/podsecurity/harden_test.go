package podsecurity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestHardenOverwritesWhatIsWeaker(t *testing.T) {
	weak := &corev1.SecurityContext{
		Privileged: new(true), AllowPrivilegeEscalation: new(true), RunAsNonRoot: new(false), ReadOnlyRootFilesystem: new(false),
		Capabilities:   &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
		RunAsUser:      new(int64(802)),
	}
	pod := corev1.PodSpec{
		AutomountServiceAccountToken: new(true),
		EnableServiceLinks:           new(true),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(false), FSGroup: new(int64(802)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
		},
		InitContainers: []corev1.Container{{Name: "prepare", SecurityContext: weak}},
		Containers:     []corev1.Container{{Name: "server"}},
	}
	Harden(&pod)

	hard := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	hardWithUser := hard.DeepCopy()
	hardWithUser.RunAsUser = new(int64(802))
	wanted := corev1.PodSpec{
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), FSGroup: new(int64(802)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		InitContainers: []corev1.Container{{Name: "prepare", SecurityContext: hardWithUser}},
		Containers:     []corev1.Container{{Name: "server", SecurityContext: hard}},
	}
	if diff := cmp.Diff(wanted, pod); diff != "" {
		t.Errorf("after Harden (-wanted +got):\n%s", diff)
	}
	once := pod.DeepCopy()
	Harden(&pod)
	if diff := cmp.Diff(*once, pod); diff != "" {
		t.Errorf("twice is not the same as once:\n%s", diff)
	}
}
