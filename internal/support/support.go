// Package support gathers what somebody needs who is to help from afar: our kinds and what became of them, events, and how
// the operator runs. It leaves out what may be secret: of Secrets it tells that they are there, and no more.
package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// File of a bundle.
type File struct {
	Name    string
	Content []byte
}

// kind that is gathered.
type kind struct {
	group, version, kind string
	// operator: in the operator's namespace alone; both: there too; neither: in that of tenants alone.
	operator, both bool
}

// ours is the group of the kinds that tenants are written in.
const ours = "iam.holdfast.dev"

func kinds() (list []kind) {
	for _, name := range []string{"IdentityTenant", "Keystore", "VaultConnection", "PasswordPolicy", "LogPolicy", "RotationSchedule", "HardeningWaiver", "RotationRecord"} {
		list = append(list, kind{group: ours, version: "v1alpha1", kind: name})
	}
	return append(list,
		kind{version: "v1", kind: "Secret"},
		kind{version: "v1", kind: "Pod", both: true},
		kind{version: "v1", kind: "Service"},
		kind{version: "v1", kind: "PersistentVolumeClaim"},
		kind{group: "events.k8s.io", version: "v1", kind: "Event", both: true},
		kind{group: "apps", version: "v1", kind: "StatefulSet"},
		kind{group: "apps", version: "v1", kind: "Deployment", operator: true},
		kind{group: "batch", version: "v1", kind: "Job"},
		kind{group: "policy", version: "v1", kind: "PodDisruptionBudget"},
		kind{group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", both: true},
		kind{group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding"},
		kind{group: "coordination.k8s.io", version: "v1", kind: "Lease", operator: true},
		kind{group: "cert-manager.io", version: "v1", kind: "Certificate"},
		kind{group: "cert-manager.io", version: "v1", kind: "CertificateRequest"},
		kind{group: "cert-manager.io", version: "v1", kind: "Issuer"},
	)
}

// Collect gathers the files of one tenant namespace and of the operator's. What may not be read, or is not known to the
// cluster, is named in about.txt; only a cluster that does not answer at all is an error.
func Collect(ctx context.Context, cluster client.Reader, namespace, operator string, now time.Time) ([]File, error) {
	about := &strings.Builder{}
	fmt.Fprintf(about, "Namespace %s, operator in %s, gathered %s.\nOf Secrets it holds names, labels and ages; of other objects no value that may be secret (<removed>).\n\n",
		namespace, operator, now.UTC().Format(time.RFC3339))
	var files []File
	read := 0
	for _, kind := range kinds() {
		for _, where := range kind.namespaces(namespace, operator) {
			file, count, err := kind.collect(ctx, cluster, where)
			switch {
			case apierrors.IsForbidden(err) || apimeta.IsNoMatchError(err) || apierrors.IsNotFound(err):
				fmt.Fprintf(about, "%s: not there: %v\n", kind.file(where), err)
			case err != nil:
				return nil, fmt.Errorf("list %s in namespace %s: %w", kind.kind, where, err)
			default:
				read++
				fmt.Fprintf(about, "%s: %d\n", file.Name, count)
				files = append(files, file)
			}
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("nothing in the namespaces %s and %s may be read: ask for the ClusterRole view there, and for one that reads %s", namespace, operator, ours)
	}
	return append([]File{{Name: "about.txt", Content: []byte(about.String())}}, files...), nil
}

// namespaces in which the kind is gathered.
func (k kind) namespaces(tenants, operator string) (names []string) {
	if !k.operator {
		names = append(names, tenants)
	}
	if (k.operator || k.both) && !slices.Contains(names, operator) {
		names = append(names, operator)
	}
	return names
}

// file is named as kubectl names the kind.
func (k kind) file(namespace string) string {
	plural := strings.ToLower(k.kind) + "s"
	if stem, found := strings.CutSuffix(plural, "ys"); found {
		plural = stem + "ies"
	}
	return path.Join(namespace, plural+".yaml")
}

// collect lists one kind in one namespace.
func (k kind) collect(ctx context.Context, cluster client.Reader, namespace string) (File, int, error) {
	objects, err := k.list(ctx, cluster, namespace)
	if err != nil {
		return File{}, 0, err
	}
	var text bytes.Buffer
	for _, object := range objects {
		content, err := yaml.Marshal(redacted(object))
		if err != nil {
			return File{}, 0, err
		}
		text.WriteString("---\n")
		text.Write(content)
	}
	return File{Name: k.file(namespace), Content: text.Bytes()}, len(objects), nil
}

// list asks for Secrets as metadata alone, so that what they hold does not even come here.
func (k kind) list(ctx context.Context, cluster client.Reader, namespace string) (objects []map[string]any, err error) {
	of := schema.GroupVersionKind{Group: k.group, Version: k.version, Kind: k.kind + "List"}
	if k.kind == "Secret" {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(of)
		if err := cluster.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
		for i := range list.Items {
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&list.Items[i])
			if err != nil {
				return nil, err
			}
			object["apiVersion"], object["kind"] = k.version, k.kind
			objects = append(objects, object)
		}
		return objects, nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(of)
	if err := cluster.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for _, item := range list.Items {
		objects = append(objects, item.Object)
	}
	return objects, nil
}

// Write packs the files.
func Write(out io.Writer, files []File, now time.Time) error {
	compressed := gzip.NewWriter(out)
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		header := &tar.Header{Name: path.Join("holdfast-support", file.Name), Mode: 0o600, Size: int64(len(file.Content)), ModTime: now}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(file.Content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}
