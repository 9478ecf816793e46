// Package podsecurity gives pods the fields of the restricted Pod Security level. It
// stands apart, on nothing of ours, so that builders and drivers alike may use it.
package podsecurity

import corev1 "k8s.io/api/core/v1"

// Harden sets on a pod and on each of its containers what the level restricted
// (kubernetes.io, "Pod Security Standards") asks for, and more: a read-only root, no
// token of the API server, no environment variables about other Services. It
// overwrites what is weaker and leaves the rest, such as user numbers, alone. What it
// cannot mend, such as a volume of a forbidden kind or host networking, stays for the
// API server to refuse. Twice is the same as once.
func Harden(pod *corev1.PodSpec) {
	pod.AutomountServiceAccountToken = new(false)
	pod.EnableServiceLinks = new(false)
	if pod.SecurityContext == nil {
		pod.SecurityContext = &corev1.PodSecurityContext{}
	}
	pod.SecurityContext.RunAsNonRoot = new(true)
	pod.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	for _, containers := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range containers {
			hardenContainer(&containers[i])
		}
	}
}

func hardenContainer(container *corev1.Container) {
	if container.SecurityContext == nil {
		container.SecurityContext = &corev1.SecurityContext{}
	}
	context := container.SecurityContext
	context.AllowPrivilegeEscalation = new(false)
	context.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	context.ReadOnlyRootFilesystem = new(true)
	// The pod's own fields hold for a container that says nothing.
	context.Privileged, context.RunAsNonRoot, context.SeccompProfile = nil, nil, nil
}
