package control

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed catalogue
var files embed.FS

// Catalogue is the list of controls, sorted by id.
type Catalogue []Control

// Load reads the catalogue that is built in. Its tests see to it that it can be read.
var Load = sync.OnceValue(func() Catalogue {
	catalogue, err := read(files)
	if err != nil {
		panic("the built-in catalogue of controls: " + err.Error())
	}
	return catalogue
})

func read(from fs.FS) (Catalogue, error) {
	names, err := fs.Glob(from, "catalogue/*.yaml")
	if err != nil {
		return nil, err
	}
	var all Catalogue
	for _, name := range names {
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		var area []Control
		if err := yaml.UnmarshalStrict(content, &area); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		all = append(all, area...)
	}
	slices.SortFunc(all, func(a, b Control) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Find gives a control by its id.
func (c Catalogue) Find(id string) (Control, bool) {
	at := slices.IndexFunc(c, func(control Control) bool { return control.ID == id })
	if at < 0 {
		return Control{}, false
	}
	return c[at], true
}
