package desired_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// People are told what a held revision changes, never only that it is another one.
func TestChanges(t *testing.T) {
	want := tenant.Spec{Name: "acme", Keystores: []tenant.Keystore{{Role: tenant.RoleTLS}, {Role: tenant.RoleSigning}}}
	pod := func(image, cpu string, secrets ...string) corev1.PodTemplateSpec {
		spec := corev1.PodSpec{NodeSelector: map[string]string{"cpu": cpu}, Containers: []corev1.Container{{Image: image}}}
		for i, name := range secrets {
			switch i % 3 {
			case 0:
				spec.Volumes = append(spec.Volumes, corev1.Volume{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}})
			case 1:
				spec.Containers[0].Env = append(spec.Containers[0].Env, corev1.EnvVar{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}})
			default:
				spec.Volumes = append(spec.Volumes, corev1.Volume{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}}}}})
			}
		}
		return corev1.PodTemplateSpec{Spec: spec}
	}
	before := pod("is@1", "2", "acme-tls-1", "acme-config-1", "acme-token-signing-1", "acme-credentials-1")
	for name, c := range map[string]struct {
		after corev1.PodTemplateSpec
		want  []string
	}{
		"nothing":            {before, nil},
		"the image":          {pod("is@2", "2", "acme-tls-1", "acme-config-1", "acme-token-signing-1", "acme-credentials-1"), []string{"the image"}},
		"a store":            {pod("is@1", "2", "acme-tls-2", "acme-config-1", "acme-token-signing-1", "acme-credentials-1"), []string{"Keystore acme-tls"}},
		"many":               {pod("is@1", "4", "acme-tls-1", "acme-config-2", "acme-token-signing-2", "acme-credentials-2"), []string{"Keystore acme-token-signing", "the configuration", "the credentials"}},
		"settings":           {pod("is@1", "4", "acme-tls-1", "acme-config-1", "acme-token-signing-1", "acme-credentials-1"), []string{"settings of the pods"}},
		"a Secret of others": {pod("is@1", "2", "acme-tls-1", "acme-config-1", "acme-token-signing-1", "acme-credentials-1", "registry"), []string{"Secret registry"}},
	} {
		if got := desired.Changes(want, before, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
