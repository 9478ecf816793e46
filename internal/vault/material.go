package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

const (
	// OwnerField is the one reserved field of a value of ours. The mark lies in
	// the value and not in its metadata, so that one write sets both.
	OwnerField = "holdfast.owner"
	// AdoptAnnotation asks to take over values of another owner.
	AdoptAnnotation = "iam.holdfast.dev/adopt"
)

// Owner is the object that a value was made for. Cluster tells clusters that
// share one Vault apart.
type Owner struct{ Cluster, Namespace, Kind, Name string }

// String is the owner mark, cluster/namespace/kind/name.
func (o Owner) String() string {
	return strings.Join([]string{o.Cluster, o.Namespace, o.Kind, o.Name}, "/")
}

// check refuses owners whose marks could be mistaken for one another.
func (o Owner) check() error {
	for _, part := range []string{o.Cluster, o.Namespace, o.Kind, o.Name} {
		if !segment.MatchString(part) {
			return fault.Terminal(ReasonPathInvalid, "%.80q cannot be part of an owner's mark in Vault", part)
		}
	}
	return nil
}

// Ensure returns the value at path, and makes it when there is none: what is
// there and ours is adopted, what is there and not ours is never touched, and
// of parallel makers one wins and the others adopt its value. The returned data
// is without the owner mark. After any error the next call reads again, so that
// a write whose answer was lost is found and adopted.
//
// Faults: ReasonOwnedByOther, ReasonValueDeleted, and those of KV.
func Ensure(ctx context.Context, kv KV, mount, path string, owner Owner, generate func() (map[string]string, error)) (entry Entry, created bool, err error) {
	if err := owner.check(); err != nil {
		return Entry{}, false, err
	}
	entry, err = readOwn(ctx, kv, mount, path, owner)
	if !errors.Is(err, ErrNotFound) {
		return entry, false, err
	}
	data, err := generate()
	if err != nil {
		return Entry{}, false, fmt.Errorf("generate the value of %s/%s: %w", mount, path, err)
	}
	if _, reserved := data[OwnerField]; reserved || len(data) == 0 {
		return Entry{}, false, fmt.Errorf("generate the value of %s/%s: it is empty or names the reserved field %s", mount, path, OwnerField)
	}
	version, err := kv.Create(ctx, mount, path, marked(data, owner))
	if errors.Is(err, ErrConflict) {
		entry, err = readOwn(ctx, kv, mount, path, owner)
		return entry, false, err
	}
	if err != nil {
		return Entry{}, false, err
	}
	return Entry{Data: maps.Clone(data), Version: version}, true, nil
}

// Adopt takes over the value at path with a check-and-set: the same data under
// our mark. It writes nothing when the mark is ours already.
func Adopt(ctx context.Context, kv KV, mount, path string, owner Owner) (Entry, error) {
	if err := owner.check(); err != nil {
		return Entry{}, err
	}
	entry, err := kv.Read(ctx, mount, path)
	if err != nil {
		return Entry{}, err
	}
	if entry.Data[OwnerField] != owner.String() {
		entry.Version, err = kv.Update(ctx, mount, path, marked(entry.Data, owner), entry.Version)
		if err != nil {
			return Entry{}, err
		}
	}
	return unmarked(entry), nil
}

func readOwn(ctx context.Context, kv KV, mount, path string, owner Owner) (Entry, error) {
	entry, err := kv.Read(ctx, mount, path)
	if err != nil {
		return Entry{}, err
	}
	switch mark, found := entry.Data[OwnerField]; {
	case !found:
		return Entry{}, fault.Terminal(ReasonOwnedByOther,
			"The value at %s/%s in Vault was not written by Holdfast; remove it, or annotate %s to take it over as %s",
			mount, path, AdoptAnnotation, owner).After(retryByHand)
	case mark != owner.String():
		return Entry{}, fault.Terminal(ReasonOwnedByOther,
			"The value at %s/%s in Vault belongs to %s; annotate %s to take it over as %s",
			mount, path, plain(mark), AdoptAnnotation, owner).After(retryByHand)
	}
	return unmarked(entry), nil
}

// plain shows another's mark, unless somebody put something else there.
func plain(mark string) string {
	if CheckPath(mark) != nil || len(mark) > 300 || strings.Count(mark, "/") != 3 {
		return "an unknown owner"
	}
	return mark
}

func marked(data map[string]string, owner Owner) map[string]string {
	data = maps.Clone(data)
	data[OwnerField] = owner.String()
	return data
}

func unmarked(entry Entry) Entry {
	data := maps.Clone(entry.Data)
	delete(data, OwnerField)
	return Entry{Data: data, Version: entry.Version}
}
