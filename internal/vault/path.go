package vault

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// segment is a name as Kubernetes and we ourselves write them.
var segment = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// Path is where one generation of one material lies, relative to the mount:
// prefix/namespace/kind/name/material/generation. It holds no UID, so that a
// restored or re-created object finds its keys. Generations count from 1.
// Terminal, ReasonPathInvalid, when a part is not a plain name.
func Path(prefix, namespace, kind, name, material string, generation int) (string, error) {
	if generation < 1 {
		return "", fault.Terminal(ReasonPathInvalid, "Generation %d of %s does not exist; generations count from 1", generation, material)
	}
	return join(prefix, namespace, kind, name, material, strconv.Itoa(generation))
}

// Tree is the folder of all material of one object: prefix/namespace/kind/name.
func Tree(prefix, namespace, kind, name string) (string, error) {
	return join(prefix, namespace, kind, name)
}

// join checks what it joins; only the prefix may hold several segments.
func join(prefix string, names ...string) (string, error) {
	for _, name := range names {
		if !segment.MatchString(name) {
			return "", fault.Terminal(ReasonPathInvalid, "%.80q cannot be part of a path in Vault; use letters, digits, dots, dashes and underscores", name)
		}
	}
	path := prefix + "/" + strings.Join(names, "/")
	return path, CheckPath(path)
}
