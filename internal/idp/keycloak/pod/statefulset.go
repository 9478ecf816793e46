// Package pod builds what runs Keycloak: the StatefulSet, and the Job that makes the tables.
package pod

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/podsecurity"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// StatefulSet runs the server. config names the Secret that holds the files of
// Driver.Config. Faults: Waiting while the facts do not name every Secret yet.
func StatefulSet(want tenant.Spec, seen tenant.Facts, config string) (*appsv1.StatefulSet, error) {
	if err := pods.Ready(want, seen, config, layout.Roles()); err != nil {
		return nil, err
	}
	spec := corev1.PodSpec{
		ServiceAccountName:            want.ServiceAccountName(),
		SecurityContext:               pods.User(layout.UserID),
		InitContainers:                []corev1.Container{copyContainer(want), buildContainer(want)},
		Containers:                    []corev1.Container{serverContainer(want, seen)},
		Volumes:                       serverVolumes(want, seen, config),
		TerminationGracePeriodSeconds: new(int64(graceSeconds)),
	}
	pods.Place(&spec, want)
	pods.Spread(&spec, want)
	podsecurity.Harden(&spec)
	return pods.StatefulSet(want, pods.Labelled(want, seen, spec)), nil
}

// environment is what the server reads beside its file.
func environment(seen tenant.Facts) []corev1.EnvVar {
	all := []corev1.EnvVar{
		pods.PodIP(layout.EnvPodAddress),
		pods.FromSecret(layout.EnvStorePassword, seen.Keystores[tenant.RoleTLS].SecretName, layout.PasswordKey),
	}
	for _, key := range layout.CredentialKeys() {
		all = append(all, pods.FromSecret(key, seen.Credentials, key))
	}
	slices.SortFunc(all, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
	return all
}
