package pod

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const reasonDependencyNotReady = "DependencyNotReady"

// StatefulSet runs the server. config names the Secret that holds the files of
// Driver.Config. Faults: Waiting while the facts do not name every Secret yet.
func StatefulSet(want tenant.Spec, seen tenant.Facts, config string) (*appsv1.StatefulSet, error) {
	if err := complete(want, seen, config); err != nil {
		return nil, err
	}
	return pods.StatefulSet(want, template(want, seen, config)), nil
}

func complete(want tenant.Spec, seen tenant.Facts, config string) error {
	if config == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's configuration is not named yet")
	}
	if seen.Credentials == "" {
		return fault.Waiting(reasonDependencyNotReady, "the Secret with the server's credentials does not exist yet")
	}
	for _, role := range layout.Roles(want.Version) {
		if seen.Keystores[role].SecretName == "" {
			return fault.Waiting(reasonDependencyNotReady, "Keystore %s has no usable version yet", want.KeystoreName(role))
		}
	}
	return nil
}

func template(want tenant.Spec, seen tenant.Facts, config string) corev1.PodTemplateSpec {
	spec := corev1.PodSpec{
		ServiceAccountName: want.ServiceAccountName(),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsUser:           new(layout.UserID),
			RunAsGroup:          new(layout.UserID),
			FSGroup:             new(layout.UserID),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
		},
		InitContainers:                []corev1.Container{homeContainer(want), prepareContainer(want, seen)},
		Containers:                    []corev1.Container{serverContainer(want, seen)},
		Volumes:                       volumes(want, seen, config),
		TerminationGracePeriodSeconds: new(int64(graceSeconds)),
	}
	pods.Place(&spec, want)
	pods.Spread(&spec, want)
	podsecurity.Harden(&spec)
	return pods.Labelled(want, seen, spec)
}

// environment is what deployment.toml refers to; the init container that renders has
// the same.
func environment(want tenant.Spec, seen tenant.Facts) []corev1.EnvVar {
	all := []corev1.EnvVar{{Name: layout.EnvPodIP, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"},
	}}}
	for _, key := range layout.CredentialKeys(want) {
		all = append(all, pods.FromSecret(key, seen.Credentials, key))
	}
	for _, role := range layout.Roles(want.Version) {
		all = append(all, pods.FromSecret(layout.EnvStorePassword(role), seen.Keystores[role].SecretName, layout.PasswordKey))
	}
	slices.SortFunc(all, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
	return all
}
