package vault

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Entry is the newest version of one value.
type Entry struct {
	Data map[string]string
	// Version counts from 1.
	Version int
}

// KV is what users need of a KV v2 engine. Paths have no slash at either end.
// Writes always check the version, so no write goes over what its writer did
// not see.
type KV interface {
	// Read returns the newest version. A missing value is ErrNotFound (Waiting,
	// ReasonValueMissing), a deleted or destroyed one ErrDeleted (Terminal,
	// ReasonValueDeleted). A field that is no string comes as its JSON text.
	Read(ctx context.Context, mount, path string) (Entry, error)
	// Create writes the first version and returns its number; ErrConflict when
	// there is or was a value, a deleted one included.
	Create(ctx context.Context, mount, path string, data map[string]string) (int, error)
	// Update writes the version after the given one and returns its number;
	// ErrConflict when the given one is not the newest.
	Update(ctx context.Context, mount, path string, data map[string]string, version int) (int, error)
	// Delete removes all versions and the metadata for good. A missing value is
	// no error.
	Delete(ctx context.Context, mount, path string) error
	// List returns the sorted names right under path, folders with a slash at
	// the end, deleted values included; nothing for a missing path.
	List(ctx context.Context, mount, path string) ([]string, error)
}

// Causes inside the faults of a KV, for errors.Is.
var (
	ErrNotFound = errors.New("no such value")
	ErrDeleted  = errors.New("value is deleted")
	ErrConflict = errors.New("check-and-set failed")
)

// NotFound is the fault of a missing value.
func NotFound(mount, path string) error {
	return fault.Waiting(ReasonValueMissing, "Vault holds no value at %s/%s; write it there", mount, path).
		Because(ErrNotFound).After(retryNoValue)
}

// Deleted is the fault of a value whose newest version is gone.
func Deleted(mount, path string, version int, destroyed bool) error {
	if destroyed {
		return fault.Terminal(ReasonValueDeleted,
			"Version %d, the newest of %s/%s in Vault, was destroyed; write the value again from a backup, or remove it with vault kv metadata delete so that a new one may be made",
			version, mount, path).Because(ErrDeleted).After(retryByHand)
	}
	return fault.Terminal(ReasonValueDeleted,
		"Version %d, the newest of %s/%s in Vault, was deleted; bring it back with vault kv undelete, or remove it with vault kv metadata delete so that a new one may be made",
		version, mount, path).Because(ErrDeleted).After(retryByHand)
}

// Conflict is the fault of a lost race.
func Conflict(mount, path string) error {
	return fault.Waiting(ReasonConflict, "Somebody else wrote %s/%s in Vault at the same time; it is read again", mount, path).
		Because(ErrConflict).After(retrySoon)
}

// CheckPath refuses mounts and paths that would mean another place: empty
// segments, dots that climb, control characters, more than 512 bytes. Terminal,
// ReasonPathInvalid.
func CheckPath(path string) error {
	bad := path == "" || len(path) > 512 || strings.Contains(path, "..") ||
		strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) })
	for segment := range strings.SplitSeq(path, "/") {
		bad = bad || segment == "" || segment == "." || strings.TrimSpace(segment) != segment
	}
	if bad {
		return fault.Terminal(ReasonPathInvalid, "%.80q is no path in Vault; write names with single slashes between them, without dots that climb", path)
	}
	return nil
}
