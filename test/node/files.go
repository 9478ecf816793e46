package node

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
)

const (
	logName         = "container"
	terminationFile = "termination-log"
	// lastWords of a log, where a container left none.
	lastWordsBytes = 2048
)

func (p *pod) volume(name string) string { return filepath.Join(p.folder, "volumes", name) }

// home of a container has its log and its last words.
func (p *pod) home(container string) string {
	return filepath.Join(p.folder, "containers", container)
}

func (p *pod) log(container string) string {
	return filepath.Join(p.home(container), logName+".log")
}

// prepare makes the pod's volumes.
func (p *pod) prepare(ctx context.Context) error {
	for _, volume := range p.object.Spec.Volumes {
		if err := os.MkdirAll(p.volume(volume.Name), 0o700); err != nil {
			return err
		}
		if err := p.fillVolume(ctx, volume); err != nil {
			return fmt.Errorf("volume %s: %w", volume.Name, err)
		}
	}
	return nil
}

func (p *pod) fillVolume(ctx context.Context, volume corev1.Volume) error {
	key := func(name string) client.ObjectKey { return client.ObjectKey{Namespace: p.object.Namespace, Name: name} }
	var data map[string][]byte
	var items []corev1.KeyToPath
	switch {
	case volume.EmptyDir != nil:
		return nil
	case volume.Secret != nil:
		secret := &corev1.Secret{}
		if err := p.node.Cluster.Get(ctx, key(volume.Secret.SecretName), secret); err != nil {
			return err
		}
		data, items = secret.Data, volume.Secret.Items
	case volume.ConfigMap != nil:
		found := &corev1.ConfigMap{}
		if err := p.node.Cluster.Get(ctx, key(volume.ConfigMap.Name), found); err != nil {
			return err
		}
		data, items = map[string][]byte{}, volume.ConfigMap.Items
		for name, text := range found.Data {
			data[name] = []byte(text)
		}
	default:
		return fmt.Errorf("no node of processes has volumes of this kind")
	}
	if len(items) == 0 {
		for name := range data {
			items = append(items, corev1.KeyToPath{Key: name, Path: name})
		}
	}
	for _, item := range items {
		content, ok := data[item.Key]
		if !ok {
			return fmt.Errorf("there is no key %s", item.Key)
		}
		if filepath.Ext(item.Path) == ".conf" {
			content = []byte(p.moved(string(content)))
		}
		if err := os.WriteFile(filepath.Join(p.volume(volume.Name), item.Path), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// lastWords are what a container wrote as such, or the end of its log when it failed.
func (p *pod) lastWords(container corev1.Container, code int) string {
	content, err := os.ReadFile(filepath.Join(p.home(container.Name), terminationFile))
	if (err != nil || len(content) == 0) && code != 0 && container.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError {
		content, _ = os.ReadFile(p.log(container.Name))
		content = content[max(0, len(content)-lastWordsBytes):]
	}
	return strings.ToValidUTF8(string(content), "")
}

// root makes what a container sees of its image, with the volumes that lie inside it.
func (p *pod) root(container corev1.Container) (string, error) {
	root := filepath.Join(p.home(container.Name), "image")
	if err := os.RemoveAll(root); err != nil { // of the former start
		return "", err
	}
	if err := linkTree(p.node.image, root); err != nil {
		return "", err
	}
	for _, mount := range container.VolumeMounts {
		inside, ok := strings.CutPrefix(mount.MountPath, layout.Home+"/")
		if !ok {
			continue
		}
		at := filepath.Join(root, inside)
		if err := os.RemoveAll(at); err != nil {
			return "", err
		}
		if err := os.Symlink(p.volume(mount.Name), at); err != nil {
			return "", err
		}
	}
	return root, nil
}

// linkTree makes a copy of a folder that shares the content of its files where the disk can.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inside)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		if os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target, entry)
	})
}

func copyFile(from, to string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		_ = target.Close()
		return err
	}
	return target.Close()
}
