package localenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// temporaryPrefix begins the name of every temporary folder; the id of the process that owns it follows.
const temporaryPrefix = "holdfast-"

// workDir returns dir, made if needed, or a new temporary folder when dir is empty. remove deletes the temporary one and leaves a given one.
func workDir(dir, name string) (path string, remove func(), err error) {
	if dir != "" {
		path, err = filepath.Abs(filepath.Join(dir, name))
		if err == nil {
			err = os.MkdirAll(path, 0o700)
		}
		return path, func() {}, err
	}
	sweep(os.TempDir())
	path, err = os.MkdirTemp("", fmt.Sprintf("%s%d-%s-", temporaryPrefix, os.Getpid(), name))
	return path, func() { os.RemoveAll(path) }, err
}

// sweep removes the temporary folders of processes that were killed before they could.
func sweep(parent string) {
	folders, _ := filepath.Glob(filepath.Join(parent, temporaryPrefix+"[0-9]*-*"))
	for _, folder := range folders {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), temporaryPrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			os.RemoveAll(folder)
		}
	}
}
