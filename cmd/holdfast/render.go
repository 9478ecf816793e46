package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/idp/drivers"
	"github.com/holdfast-iam/holdfast/internal/offline"
	"github.com/holdfast-iam/holdfast/internal/resolve"
)

func renderCommand() *cobra.Command {
	var files []string
	command := &cobra.Command{
		Use:   "render -f FILE...",
		Short: "Print every object that the IdentityTenants in the files would become",
		Long: "Print every object that the IdentityTenants in the files would become, without a cluster.\n" +
			"The output is the same each time. Secrets, and what cert-manager issues, are placeholders.\n" +
			"Objects that a tenant refers to, such as policies and Services, have to be in the files too.",
		Example: "  holdfast render -f tenant.yaml\n  kubectl get identitytenant acme -o yaml | holdfast render -f -",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return render(command, files)
		},
	}
	command.Flags().StringSliceVarP(&files, "filename", "f", nil, "file or folder of manifests, - for standard input; may be repeated")
	if err := command.MarkFlagRequired("filename"); err != nil {
		panic(err) // the flag is defined one line above
	}
	return command
}

func render(command *cobra.Command, files []string) error {
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	manifests := offline.NewManifests(scheme)
	for _, name := range files {
		if err := read(manifests, name, command.InOrStdin()); err != nil {
			return err
		}
	}
	tenants := offline.Objects[*v1alpha1.IdentityTenant](manifests)
	if len(tenants) == 0 {
		return fmt.Errorf("no IdentityTenant in %v", files)
	}
	options := resolve.Options{WindowOpen: true, OperatorPeer: operator.Peer("holdfast-system")}
	for _, cr := range tenants {
		objects, err := offline.Build(command.Context(), manifests, cr, drivers.All(), options)
		if err != nil {
			return fmt.Errorf("IdentityTenant %s/%s: %w", cr.Namespace, cr.Name, err)
		}
		if err := write(command.OutOrStdout(), scheme, objects); err != nil {
			return err
		}
	}
	return nil
}

// read takes a file, every YAML file of a folder in the order of their names, or
// standard input.
func read(manifests *offline.Manifests, name string, in io.Reader) error {
	if name == "-" {
		return manifests.Read("standard input", in)
	}
	var paths []string
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		extension := filepath.Ext(path)
		if err == nil && !entry.IsDir() && (path == name || slices.Contains([]string{".yaml", ".yml", ".json"}, extension)) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		err = manifests.Read(path, file)
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func write(out io.Writer, scheme *runtime.Scheme, objects []client.Object) error {
	for _, object := range objects {
		gvk, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			return err
		}
		object.GetObjectKind().SetGroupVersionKind(gvk)
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return err
		}
		delete(content, "status")
		if metadata, ok := content["metadata"].(map[string]any); ok {
			delete(metadata, "creationTimestamp")
		}
		text, err := yaml.Marshal(content)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
