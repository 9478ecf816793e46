package player

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// materialize writes what the kubelet would mount into the server's container, as far as
// the stand-in reads it, and returns the container's environment.
func materialize(ctx context.Context, cluster client.Client, pod *corev1.Pod, home string) ([]string, error) {
	container := pod.Spec.Containers[0]
	for _, folder := range []string{"conf", "security"} {
		if err := os.MkdirAll(filepath.Join(home, folder), 0o700); err != nil {
			return nil, err
		}
	}
	volumes := map[string]corev1.VolumeSource{}
	for _, volume := range pod.Spec.Volumes {
		volumes[volume.Name] = volume.VolumeSource
	}
	mounts := append([]corev1.VolumeMount{}, container.VolumeMounts...)
	for _, mount := range mounts {
		for _, source := range secretsOf(volumes[mount.Name]) {
			if err := writeMount(ctx, cluster, pod.Namespace, source, mount, home); err != nil {
				return nil, err
			}
		}
	}
	return environment(ctx, cluster, pod, container)
}

type secretSource struct {
	name  string
	items []corev1.KeyToPath
}

func secretsOf(volume corev1.VolumeSource) []secretSource {
	var found []secretSource
	if volume.Secret != nil {
		found = append(found, secretSource{volume.Secret.SecretName, volume.Secret.Items})
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil {
				found = append(found, secretSource{source.Secret.Name, source.Secret.Items})
			}
		}
	}
	return found
}

func writeMount(ctx context.Context, cluster client.Client, namespace string, source secretSource, mount corev1.VolumeMount, home string) error {
	secret := &corev1.Secret{}
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: source.name}, secret); err != nil {
		return err
	}
	paths := map[string]string{} // path inside the volume to key
	for key := range secret.Data {
		paths[key] = key
	}
	if len(source.items) > 0 {
		paths = map[string]string{}
		for _, item := range source.items {
			paths[item.Path] = item.Key
		}
	}
	for path, key := range paths {
		mounted := filepath.Join(mount.MountPath, path)
		if mount.SubPath != "" {
			if mount.SubPath != path {
				continue
			}
			mounted = mount.MountPath
		}
		if err := keep(home, mounted, secret.Data[key]); err != nil {
			return err
		}
	}
	return nil
}

// keep writes the files that the stand-in reads: its configuration and its stores.
func keep(home, mounted string, content []byte) error {
	name := filepath.Base(mounted)
	switch {
	case name == "deployment.toml":
		return os.WriteFile(filepath.Join(home, "conf", name), content, 0o600)
	case strings.HasSuffix(name, ".p12"):
		return os.WriteFile(filepath.Join(home, "security", name), content, 0o600)
	}
	return nil
}

func environment(ctx context.Context, cluster client.Client, pod *corev1.Pod, container corev1.Container) ([]string, error) {
	var variables []string
	for _, variable := range container.Env {
		value := variable.Value
		if from := variable.ValueFrom; from != nil {
			switch {
			case from.SecretKeyRef != nil:
				secret := &corev1.Secret{}
				if err := cluster.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: from.SecretKeyRef.Name}, secret); err != nil {
					return nil, err
				}
				found, ok := secret.Data[from.SecretKeyRef.Key]
				if !ok {
					return nil, fmt.Errorf("env %s: Secret %s has no key %s", variable.Name, secret.Name, from.SecretKeyRef.Key)
				}
				value = string(found)
			case from.FieldRef != nil:
				value = pod.Status.PodIP
				if from.FieldRef.FieldPath == "metadata.name" {
					value = pod.Name
				}
			}
		}
		variables = append(variables, variable.Name+"="+value)
	}
	return variables, nil
}
