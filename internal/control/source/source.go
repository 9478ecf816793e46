// Package source knows where the catalogue of controls comes from: the documents, line by
// line in our own words, and the rows that answer their lines. A control names rows; so
// each line can be followed to the controls that stand for it, and back.
package source

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed documents rows.yaml
var files embed.FS

// Document is a collection of guidelines.
type Document struct {
	// ID is a short word of ours.
	ID string `json:"id"`
	// Title is the document's own.
	Title string `json:"title"`
	// Lines are all its guidelines, in its order.
	Lines []Line `json:"lines"`
}

// Line is one guideline.
type Line struct {
	// ID is the document's and a number from 1, such as production-08. It is made on reading.
	ID string `json:"-"`
	// Says is the guideline, in our words.
	Says string `json:"says"`
	// Rows answer it, at least one.
	Rows []string `json:"rows"`
}

// Row is one intent, which several lines may share and several controls may serve.
type Row struct {
	// ID such as PROD-08; a letter behind it is a part of the intent.
	ID string `json:"id"`
	// About is its subject.
	About string `json:"about"`
	// Own is why it is there, where no line asks for it.
	Own string `json:"own,omitempty"`
}

// Sources is all of it.
type Sources struct {
	Documents []Document
	Rows      []Row
}

// Load reads what is built in. The tests see to it that it can be read.
var Load = sync.OnceValue(func() Sources {
	sources, err := read(files)
	if err != nil {
		panic("the built-in sources of the controls: " + err.Error())
	}
	return sources
})

func read(from fs.FS) (sources Sources, err error) {
	names, err := fs.Glob(from, "documents/*.yaml")
	if err != nil {
		return Sources{}, err
	}
	for _, name := range names {
		var document Document
		if err := parse(from, name, &document); err != nil {
			return Sources{}, err
		}
		for i := range document.Lines {
			document.Lines[i].ID = fmt.Sprintf("%s-%02d", document.ID, i+1)
		}
		sources.Documents = append(sources.Documents, document)
	}
	return sources, parse(from, "rows.yaml", &sources.Rows)
}

func parse(from fs.FS, name string, into any) error {
	content, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("%s: %w", path.Base(name), err)
	}
	return nil
}
