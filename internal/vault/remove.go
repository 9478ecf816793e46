package vault

import (
	"context"
	"errors"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

// Removal is what DeleteTree did.
type Removal struct {
	// Deleted are the paths that are gone now.
	Deleted []string
	// Left are the paths that stay, each with why.
	Left []string
}

const (
	// maxRemovals bounds one call, so that it ends; the next one goes on.
	maxRemovals = 500
	maxDepth    = 8
)

// DeleteTree deletes every value under path that carries the owner's mark, with
// all its versions, in sorted order. Values of others, and deleted ones, whose
// mark cannot be read, stay and are reported. An interrupted call returns what
// it did; the next one goes on. More than 500 values: Waiting, to be called again.
//
// KV v2 has no check-and-set for a delete: a value that somebody takes over in
// the moment between our read and our delete goes with it.
func DeleteTree(ctx context.Context, kv KV, mount, path string, owner Owner) (Removal, error) {
	r := remover{kv: kv, mount: mount, owner: owner}
	if err := owner.check(); err != nil {
		return r.done, err
	}
	err := r.folder(ctx, path, maxDepth)
	return r.done, err
}

type remover struct {
	kv    KV
	mount string
	owner Owner
	done  Removal
}

func (r *remover) folder(ctx context.Context, path string, depth int) error {
	names, err := r.kv.List(ctx, r.mount, path)
	if err != nil {
		return err
	}
	for _, name := range names {
		child := path + "/" + strings.TrimSuffix(name, "/")
		switch {
		case CheckPath(child) != nil:
			r.stays(path, "a name under it cannot be used in a path")
		case !strings.HasSuffix(name, "/"):
			err = r.value(ctx, child)
		case depth == 1:
			r.stays(child, "too deep")
		default:
			err = r.folder(ctx, child, depth-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *remover) value(ctx context.Context, path string) error {
	entry, err := r.kv.Read(ctx, r.mount, path)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case errors.Is(err, ErrDeleted):
		r.stays(path, "its newest version is deleted")
		return nil
	case err != nil:
		return err
	}
	switch mark, found := entry.Data[OwnerField]; {
	case !found:
		r.stays(path, "not written by Holdfast")
		return nil
	case mark != r.owner.String():
		r.stays(path, "belongs to "+plain(mark))
		return nil
	}
	if len(r.done.Deleted) == maxRemovals {
		return fault.Waiting(ReasonRemovalUnfinished, "%d values were removed from %s in Vault; the rest follows", maxRemovals, r.mount).After(retrySoon)
	}
	if err := r.kv.Delete(ctx, r.mount, path); err != nil {
		return err
	}
	r.done.Deleted = append(r.done.Deleted, r.mount+"/"+path)
	return nil
}

func (r *remover) stays(path, why string) {
	r.done.Left = append(r.done.Left, r.mount+"/"+path+" ("+why+")")
}
