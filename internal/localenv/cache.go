package localenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// mainModule is the module whose folder holds hack/local/build.
const mainModule = "module github.com/holdfast-iam/holdfast\n"

// Root returns the folder of the repository: the nearest one, from the working directory upwards, whose go.mod is Holdfast's own.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(content), mainModule) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no checkout of Holdfast at or above %s: run this from inside the repository, it compiles what hack/local/build pins", start)
		}
	}
}

// CacheDir returns the folder that keeps built programs between runs: $HOLDFAST_CACHE, else "holdfast" in the user's cache folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("HOLDFAST_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for built programs: set HOLDFAST_CACHE to one with 2 GB free: %w", err)
	}
	return filepath.Join(dir, "holdfast"), nil
}

// Path returns where the executable of p lies once it is built. The folder carries a digest of all that the build depends on,
// so a program built from another recipe or by another Go is never taken for this one.
func (p Program) Path() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	digest, err := p.digest()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "bin", string(p)+"-"+digest, string(p)), nil
}

func (p Program) digest() (string, error) {
	folder, err := p.folder()
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, p.recipe())
	for _, file := range files { // Glob sorts
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, filepath.Base(file), len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

func (p Program) folder() (string, error) {
	root, err := Root()
	return filepath.Join(root, "hack", "local", "build", p.recipe().folder), err
}

// lockFile takes the exclusive lock of a file in the cache and returns its release. The system drops the lock of a process that dies.
// It returns errLocked at once when another process holds the lock.
func lockFile(name string) (release func(), err error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(cache, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

var errLocked = errors.New("another process holds the lock")

// waitForLock waits until lockFile succeeds or ctx ends. It calls waiting once when it has to wait.
func waitForLock(ctx context.Context, name string, waiting func()) (release func(), err error) {
	for {
		if release, err = lockFile(name); !errors.Is(err, errLocked) {
			return release, err
		}
		waiting()
		waiting = func() {}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", name, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
