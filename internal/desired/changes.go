package desired

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Changes lists, for people, what pods of one template have that those of another one before it have not.
func Changes(want tenant.Spec, before, after corev1.PodTemplateSpec) []string {
	var changes []string
	if !slices.Equal(images(before), images(after)) {
		changes = append(changes, "the image")
	}
	known := secretNames(before)
	for name := range secretNames(after) {
		if !known[name] {
			changes = append(changes, kindOfSecret(want, name))
		}
	}
	slices.Sort(changes)
	changes = slices.Compact(changes)
	if len(changes) == 0 && !equality.Semantic.DeepEqual(before.Spec, after.Spec) {
		changes = []string{"settings of the pods"}
	}
	return changes
}

// kindOfSecret tells what a Secret that is named by its content holds.
func kindOfSecret(want tenant.Spec, name string) string {
	for _, store := range want.Keystores {
		if strings.HasPrefix(name, want.KeystoreName(store.Role)+"-") {
			return "Keystore " + want.KeystoreName(store.Role)
		}
	}
	switch {
	case strings.HasPrefix(name, want.Name+"-credentials-"):
		return "the credentials"
	case strings.HasPrefix(name, want.Name+"-config-"):
		return "the configuration"
	}
	return "Secret " + name
}

func images(template corev1.PodTemplateSpec) (all []string) {
	for _, container := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
		all = append(all, container.Image)
	}
	return all
}

func secretNames(template corev1.PodTemplateSpec) map[string]bool {
	names := map[string]bool{}
	for _, container := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
		for _, variable := range container.Env {
			if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil {
				names[from.SecretKeyRef.Name] = true
			}
		}
	}
	for _, volume := range template.Spec.Volumes {
		if volume.Secret != nil {
			names[volume.Secret.SecretName] = true
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil {
				names[source.Secret.Name] = true
			}
		}
	}
	return names
}
