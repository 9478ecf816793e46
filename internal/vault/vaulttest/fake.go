package vaulttest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-iam/holdfast/internal/vault"
)

// FakeKV is an in-memory vault.KV for tests that need no server. It fulfils
// KVContract. The zero value is empty and ready.
type FakeKV struct {
	// Fail, when set, is asked before each call and its error returned. The
	// verb is one of read, create, update, delete, list.
	Fail func(verb, mount, path string) error

	mu     sync.Mutex
	values map[string]*fakeValue
	writes int
}

type fakeValue struct {
	data               map[string]string
	version            int
	deleted, destroyed bool
}

var _ vault.KV = (*FakeKV)(nil)

// Read implements vault.KV.
func (f *FakeKV) Read(ctx context.Context, mount, path string) (vault.Entry, error) {
	if err := f.begin(ctx, "read", mount, path); err != nil {
		return vault.Entry{}, err
	}
	defer f.mu.Unlock()
	switch v := f.values[mount+"/"+path]; {
	case v == nil:
		return vault.Entry{}, vault.NotFound(mount, path)
	case v.deleted || v.destroyed:
		return vault.Entry{}, vault.Deleted(mount, path, v.version, v.destroyed)
	default:
		return vault.Entry{Data: maps.Clone(v.data), Version: v.version}, nil
	}
}

// Create implements vault.KV.
func (f *FakeKV) Create(ctx context.Context, mount, path string, data map[string]string) (int, error) {
	return f.put(ctx, "create", mount, path, data, 0)
}

// Update implements vault.KV.
func (f *FakeKV) Update(ctx context.Context, mount, path string, data map[string]string, version int) (int, error) {
	return f.put(ctx, "update", mount, path, data, version)
}

func (f *FakeKV) put(ctx context.Context, verb, mount, path string, data map[string]string, version int) (int, error) {
	if err := f.begin(ctx, verb, mount, path); err != nil {
		return 0, err
	}
	defer f.mu.Unlock()
	newest := 0
	if v := f.values[mount+"/"+path]; v != nil {
		newest = v.version
	}
	if newest != version {
		return 0, vault.Conflict(mount, path)
	}
	if f.values == nil {
		f.values = map[string]*fakeValue{}
	}
	f.values[mount+"/"+path] = &fakeValue{data: maps.Clone(data), version: version + 1}
	f.writes++
	return version + 1, nil
}

// Delete implements vault.KV.
func (f *FakeKV) Delete(ctx context.Context, mount, path string) error {
	if err := f.begin(ctx, "delete", mount, path); err != nil {
		return err
	}
	defer f.mu.Unlock()
	delete(f.values, mount+"/"+path)
	f.writes++
	return nil
}

// List implements vault.KV.
func (f *FakeKV) List(ctx context.Context, mount, path string) ([]string, error) {
	if err := f.begin(ctx, "list", mount, path); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	var names []string
	for full := range f.values {
		rest, under := strings.CutPrefix(full, mount+"/"+path+"/")
		if !under {
			continue
		}
		if name, _, folder := strings.Cut(rest, "/"); folder {
			rest = name + "/"
		}
		names = append(names, rest)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// begin locks unless it fails.
func (f *FakeKV) begin(ctx context.Context, verb, mount, path string) error {
	for _, p := range []string{mount, path} {
		if err := vault.CheckPath(p); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.Fail != nil {
		if err := f.Fail(verb, mount, path); err != nil {
			return err
		}
	}
	f.mu.Lock()
	return nil
}

// Writes counts the creates, updates and deletes that were done.
func (f *FakeKV) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// Subject makes an empty fake ready for KVContract.
func (f *FakeKV) Subject() Subject {
	mark := func(t testing.TB, path string, change func(*fakeValue)) {
		f.mu.Lock()
		defer f.mu.Unlock()
		v := f.values[Mount+"/"+path]
		if v == nil {
			t.Fatalf("no value at %s", path)
		}
		change(v)
	}
	return Subject{
		KV: f, Mount: Mount, Prefix: "fake",
		SoftDelete: func(t testing.TB, path string) { mark(t, path, func(v *fakeValue) { v.deleted = true }) },
		Destroy: func(t testing.TB, path string, version int) {
			mark(t, path, func(v *fakeValue) { v.destroyed = v.version == version })
		},
	}
}
