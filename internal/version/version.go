// Package version tells which Holdfast this program is.
package version

import "runtime/debug"

// made is written by make image.
var made string

// Of the running program: what its image was made as, else what Go knows, which is (devel) of a working copy.
func Of() string {
	if made != "" {
		return made
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return build.Main.Version
}
