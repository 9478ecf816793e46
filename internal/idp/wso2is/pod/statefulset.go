package pod

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// StatefulSet runs the server. config names the Secret that holds the files of
// Driver.Config. Faults: Waiting while the facts do not name every Secret yet.
func StatefulSet(want tenant.Spec, seen tenant.Facts, config string) (*appsv1.StatefulSet, error) {
	if err := pods.Ready(want, seen, config, layout.Roles(want.Version)); err != nil {
		return nil, err
	}
	return pods.StatefulSet(want, template(want, seen, config)), nil
}

func template(want tenant.Spec, seen tenant.Facts, config string) corev1.PodTemplateSpec {
	spec := corev1.PodSpec{
		ServiceAccountName:            want.ServiceAccountName(),
		SecurityContext:               pods.User(layout.UserID),
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
	all := []corev1.EnvVar{pods.PodIP(layout.EnvPodIP)}
	for _, key := range layout.CredentialKeys(want) {
		all = append(all, pods.FromSecret(key, seen.Credentials, key))
	}
	for _, role := range layout.Roles(want.Version) {
		all = append(all, pods.FromSecret(layout.EnvStorePassword(role), seen.Keystores[role].SecretName, layout.PasswordKey))
	}
	slices.SortFunc(all, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
	return all
}
