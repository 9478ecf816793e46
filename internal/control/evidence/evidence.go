// Package evidence flattens the files of a server into what the catalogue of controls
// judges: keys and values, each with the line that it stands on. It makes no difference
// whether the operator wrote a file or a person did.
package evidence

import (
	"fmt"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// File is a flattened file.
type File struct {
	Document control.Document
	// Values by key. A list is its elements; an empty list is there and has none. A list of
	// tables is flattened by its index, from 0.
	Values map[string][]string
	// Lines by key, from 1.
	Lines map[string]int
	// Strings are the keys whose value is written as a string, in quotes. It matters where
	// the value says true or false: a server that compares with a boolean takes neither.
	Strings map[string]bool
	// Repeated are the keys that a properties file sets again; the last one holds.
	Repeated map[string]bool
}

// Evidence is the file as Judge takes it.
func (f File) Evidence() control.Evidence {
	return control.Evidence{f.Document: f.Values}
}

// Error is a file that cannot be read.
type Error struct {
	Document control.Document
	// Line from 1; 0 when it is not known.
	Line    int
	Message string
}

// Error tells where and what, and quotes no value.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Document, e.Message)
	}
	return fmt.Sprintf("%s, line %d: %s", e.Document, e.Line, e.Message)
}

func newFile(document control.Document) File {
	return File{Document: document, Values: map[string][]string{}, Lines: map[string]int{}, Strings: map[string]bool{}, Repeated: map[string]bool{}}
}
