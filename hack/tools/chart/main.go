// Command chart writes charts/holdfast from config/: kustomize builds what is installed, each object becomes a template, and
// one description of the values becomes values.yaml, its schema and its page. In a module of its own, so that kustomize is
// nothing that Holdfast depends on.
//
//	go run ./chart ROOT    ROOT is the folder of the repository
package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-iam/holdfast/hack/tools/config"
)

//go:embed all:static
var static embed.FS

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart ROOT")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// files of the chart, by their path in it.
type files map[string]string

func write(root string) error {
	chart := files{}
	if err := copyStatic(chart); err != nil {
		return err
	}
	if err := addTemplates(chart, root); err != nil {
		return err
	}
	if err := addValues(chart); err != nil {
		return err
	}
	return config.Replace(filepath.Join(root, "charts", "holdfast"), chart)
}

func copyStatic(chart files) error {
	return fs.WalkDir(static, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel("static", path)
		chart[name] = string(content)
		return err
	})
}
