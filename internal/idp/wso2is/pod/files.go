// Package pod builds the StatefulSet of the server. The pod copies the product's home
// from the image into a volume, renders the configuration into memory before anything
// listens, and runs the image's own entry point on a read-only root.
package pod

import (
	_ "embed"
)

// Names of the programs that the init containers run; they lie beside the
// configuration, so that a change of theirs is a change of the revision.
const (
	homeScript     = "home.sh"
	prepareProgram = "Prepare.java"
)

var (
	//go:embed home.sh
	home []byte
	//go:embed Prepare.java
	prepare []byte
)

// Programs are the files that the init containers run.
func Programs() map[string][]byte {
	return map[string][]byte{homeScript: home, prepareProgram: prepare}
}
