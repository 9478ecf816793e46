package vaulttest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/vault"
)

// Subject is a KV under test, with what a person could do to it from outside.
type Subject struct {
	KV            vault.KV
	Mount, Prefix string
	// SoftDelete marks the newest version of a value as deleted.
	SoftDelete func(t testing.TB, path string)
	// Destroy destroys one version of a value.
	Destroy func(t testing.TB, path string, version int)
}

// KVContract checks what users of a KV rely on. The subject must be empty.
func KVContract(t *testing.T, open func(t testing.TB) Subject) {
	for name, check := range map[string]func(*testing.T, Subject){
		"a missing value waits":                  missing,
		"create writes once":                     create,
		"update checks the version":              update,
		"a deleted value is not a missing one":   deleted,
		"a destroyed value is not a missing one": destroyed,
		"delete removes all":                     remove,
		"list is sorted":                         list,
		"paths that climb are refused":           paths,
		"ensure generates once":                  ensure,
		"ensure refuses what is not ours":        foreign,
		"parallel ensures agree":                 parallel,
		"adopt takes over with a check":          adopt,
		"delete tree leaves what is not ours":    tree,
		"a position moves with a check":          position,
		"a position that is none is refused":     noPosition,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

// Owner is the owner in the contract.
var Owner = vault.Owner{Cluster: "c1", Namespace: "iam", Kind: "IdentityTenant", Name: "acme"}

func wantFault(t testing.TB, err error, reason string, cause error) {
	t.Helper()
	if cause != nil && !errors.Is(err, cause) {
		t.Fatalf("got error %v, want one because of %v", err, cause)
	}
	if got := fault.Of(orNone(err), "no fault").Reason; got != reason {
		t.Fatalf("got reason %s (%v), want %s", got, err, reason)
	}
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func (s Subject) at(name string) string { return s.Prefix + "/" + name }

func (s Subject) mustCreate(t testing.TB, path string, data map[string]string) {
	t.Helper()
	version, err := s.KV.Create(t.Context(), s.Mount, path, data)
	if err != nil || version != 1 {
		t.Fatalf("create %s: version %d, error %v", path, version, err)
	}
}

func (s Subject) wantEntry(t testing.TB, path string, want vault.Entry) {
	t.Helper()
	got, err := s.KV.Read(t.Context(), s.Mount, path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", path, diff)
	}
}

func missing(t *testing.T, s Subject) {
	_, err := s.KV.Read(t.Context(), s.Mount, s.at("nothing"))
	wantFault(t, err, vault.ReasonValueMissing, vault.ErrNotFound)
	if !fault.IsWaiting(err) {
		t.Errorf("%v does not wait", err)
	}
	names, err := s.KV.List(t.Context(), s.Mount, s.at("nothing"))
	if err != nil || len(names) != 0 {
		t.Errorf("list: %v, %v", names, err)
	}
}

func create(t *testing.T, s Subject) {
	path := s.at("a")
	data := map[string]string{"password": "p\"ä\n\\u0000${x}", "empty": "", "long": strings.Repeat("k", 100_000)}
	s.mustCreate(t, path, data)
	s.wantEntry(t, path, vault.Entry{Data: data, Version: 1})
	_, err := s.KV.Create(t.Context(), s.Mount, path, map[string]string{"password": "other"})
	wantFault(t, err, vault.ReasonConflict, vault.ErrConflict)
	if !fault.IsWaiting(err) {
		t.Errorf("%v does not wait", err)
	}
	s.wantEntry(t, path, vault.Entry{Data: data, Version: 1})
}

func update(t *testing.T, s Subject) {
	path := s.at("a")
	_, err := s.KV.Update(t.Context(), s.Mount, path, map[string]string{"k": "0"}, 1)
	wantFault(t, err, vault.ReasonConflict, vault.ErrConflict)
	s.mustCreate(t, path, map[string]string{"k": "1"})
	version, err := s.KV.Update(t.Context(), s.Mount, path, map[string]string{"k": "2"}, 1)
	if err != nil || version != 2 {
		t.Fatalf("update: version %d, error %v", version, err)
	}
	_, err = s.KV.Update(t.Context(), s.Mount, path, map[string]string{"k": "3"}, 1)
	wantFault(t, err, vault.ReasonConflict, vault.ErrConflict)
	s.wantEntry(t, path, vault.Entry{Data: map[string]string{"k": "2"}, Version: 2})
}

func deleted(t *testing.T, s Subject) {
	s.gone(t, "deleted", func(path string) { s.SoftDelete(t, path) })
}

func destroyed(t *testing.T, s Subject) {
	s.gone(t, "destroyed", func(path string) { s.Destroy(t, path, 1) })
}

func (s Subject) gone(t *testing.T, word string, gone func(path string)) {
	path := s.at("a")
	s.mustCreate(t, path, map[string]string{"k": "1"})
	gone(path)
	_, err := s.KV.Read(t.Context(), s.Mount, path)
	wantFault(t, err, vault.ReasonValueDeleted, vault.ErrDeleted)
	if !fault.IsTerminal(err) || !strings.Contains(err.Error(), word) {
		t.Errorf("%v: not terminal, or does not say %s", err, word)
	}
	_, err = s.KV.Create(t.Context(), s.Mount, path, map[string]string{"k": "2"})
	wantFault(t, err, vault.ReasonConflict, vault.ErrConflict)
	_, _, err = vault.Ensure(t.Context(), s.KV, s.Mount, path, Owner, func() (map[string]string, error) {
		t.Error("a value was generated over a deleted one")
		return map[string]string{"k": "2"}, nil
	})
	wantFault(t, err, vault.ReasonValueDeleted, vault.ErrDeleted)
}

func remove(t *testing.T, s Subject) {
	path := s.at("a")
	s.mustCreate(t, path, map[string]string{"k": "1"})
	if _, err := s.KV.Update(t.Context(), s.Mount, path, map[string]string{"k": "2"}, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is the same as once
		if err := s.KV.Delete(t.Context(), s.Mount, path); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.KV.Read(t.Context(), s.Mount, path)
	wantFault(t, err, vault.ReasonValueMissing, vault.ErrNotFound)
	s.mustCreate(t, path, map[string]string{"k": "3"})
}

func list(t *testing.T, s Subject) {
	for _, name := range []string{"b", "a/2", "c", "a/1", "a"} {
		s.mustCreate(t, s.at("l/"+name), map[string]string{"k": "1"})
	}
	s.SoftDelete(t, s.at("l/c"))
	names, err := s.KV.List(t.Context(), s.Mount, s.at("l"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "a/", "b", "c"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func paths(t *testing.T, s Subject) {
	for _, path := range []string{"", "/a", "a/", "a//b", "../a", "a/../../b", "a/./b", "a/..", "a\nb", "a\x00b", " a", strings.Repeat("a", 600)} {
		_, err := s.KV.Read(t.Context(), s.Mount, path)
		wantFault(t, err, vault.ReasonPathInvalid, nil)
		wantFault(t, s.KV.Delete(t.Context(), s.Mount, path), vault.ReasonPathInvalid, nil)
		_, err = s.KV.Read(t.Context(), path, "a")
		wantFault(t, err, vault.ReasonPathInvalid, nil)
	}
}

func ensure(t *testing.T, s Subject) {
	path := s.at("a")
	made := 0
	generate := func() (map[string]string, error) {
		made++
		return map[string]string{"password": fmt.Sprint("made ", made)}, nil
	}
	want := vault.Entry{Data: map[string]string{"password": "made 1"}, Version: 1}
	for i, wantCreated := range []bool{true, false, false} {
		got, created, err := vault.Ensure(t.Context(), s.KV, s.Mount, path, Owner, generate)
		if err != nil || created != wantCreated {
			t.Fatalf("call %d: created %v, error %v", i, created, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("call %d (-want +got):\n%s", i, diff)
		}
	}
	if made != 1 {
		t.Errorf("generated %d times", made)
	}
	s.wantEntry(t, path, vault.Entry{Data: map[string]string{"password": "made 1", vault.OwnerField: "c1/iam/IdentityTenant/acme"}, Version: 1})
	_, _, err := vault.Ensure(t.Context(), s.KV, s.Mount, s.at("b"), Owner, func() (map[string]string, error) { return nil, nil })
	if err == nil {
		t.Error("an empty value was written")
	}
}

func foreign(t *testing.T, s Subject) {
	other := Owner
	other.Cluster = "c2"
	theirs := map[string]string{"k": "theirs", vault.OwnerField: other.String()}
	s.mustCreate(t, s.at("theirs"), theirs)
	s.mustCreate(t, s.at("plain"), map[string]string{"k": "plain"})
	for path, says := range map[string]string{"theirs": other.String(), "plain": "not written by Holdfast"} {
		_, _, err := vault.Ensure(t.Context(), s.KV, s.Mount, s.at(path), Owner, func() (map[string]string, error) {
			t.Errorf("%s: a value was generated", path)
			return nil, nil
		})
		wantFault(t, err, vault.ReasonOwnedByOther, nil)
		for _, word := range []string{s.at(path), says, vault.AdoptAnnotation} {
			if !fault.IsTerminal(err) || !strings.Contains(err.Error(), word) {
				t.Errorf("%v: not terminal, or does not say %s", err, word)
			}
		}
	}
	s.wantEntry(t, s.at("theirs"), vault.Entry{Data: theirs, Version: 1})
}

func parallel(t *testing.T, s Subject) {
	const callers = 100
	path := s.at("a")
	values := make([]string, callers)
	created := make([]bool, callers)
	var again atomic.Bool // on a busy machine an answer can be lost, also that to the maker
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			generate := func() (map[string]string, error) { return map[string]string{"k": fmt.Sprint(i)}, nil }
			entry, made, err := vault.Ensure(t.Context(), s.KV, s.Mount, path, Owner, generate)
			for range 5 {
				if fault.Of(orNone(err), "").Reason != vault.ReasonUnreachable {
					break
				}
				again.Store(true)
				entry, made, err = vault.Ensure(t.Context(), s.KV, s.Mount, path, Owner, generate)
			}
			if err != nil || entry.Version != 1 {
				t.Errorf("caller %d: version %d, error %v", i, entry.Version, err)
			}
			values[i], created[i] = entry.Data["k"], made
		})
	}
	group.Wait()
	makers := 0
	for i := range callers {
		if values[i] != values[0] {
			t.Errorf("caller %d has %q, caller 0 has %q", i, values[i], values[0])
		}
		if created[i] {
			makers++
		}
	}
	if makers > 1 || makers == 0 && !again.Load() {
		t.Errorf("%d callers say that they made the value", makers)
	}
	s.wantEntry(t, path, vault.Entry{Data: map[string]string{"k": values[0], vault.OwnerField: Owner.String()}, Version: 1})
}

func adopt(t *testing.T, s Subject) {
	path := s.at("a")
	s.mustCreate(t, path, map[string]string{"k": "plain"})
	want := vault.Entry{Data: map[string]string{"k": "plain"}, Version: 2}
	for range 2 { // the second time there is nothing to write
		got, err := vault.Adopt(t.Context(), s.KV, s.Mount, path, Owner)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	if _, created, err := vault.Ensure(t.Context(), s.KV, s.Mount, path, Owner, nil); err != nil || created {
		t.Errorf("after adoption: created %v, error %v", created, err)
	}
	_, err := vault.Adopt(t.Context(), s.KV, s.Mount, s.at("nothing"), Owner)
	wantFault(t, err, vault.ReasonValueMissing, vault.ErrNotFound)
}

func position(t *testing.T, s Subject) {
	path := s.at("iam/keystore/acme/position/1")
	read := func() (vault.Position, int) {
		t.Helper()
		position, version, err := vault.ReadPosition(t.Context(), s.KV, s.Mount, path, Owner)
		if err != nil {
			t.Fatal(err)
		}
		return position, version
	}
	write := func(position vault.Position, version int) error {
		_, err := vault.WritePosition(t.Context(), s.KV, s.Mount, path, Owner, position, version)
		return err
	}
	if position, version := read(); len(position) > 0 || version != 0 || position.Of("tls") != (vault.Turn{Current: 1}) {
		t.Errorf("before any move: version %d of %v", version, position)
	}
	// A zone that is not UTC, so that what was read can be compared with what was written.
	moved := time.Date(2027, 1, 2, 4, 5, 6, 789, time.FixedZone("", 3600))
	first := vault.Position{"signing": {Previous: 1, Current: 2, Next: 3, Request: "a", Run: "schedule-x", At: moved}, "server": {Current: 4, Pending: "b"}}
	if err := write(first, 0); err != nil {
		t.Fatal(err)
	}
	got, version := read()
	want := vault.Position{"signing": first["signing"], "server": first["server"]}
	turn := want["signing"]
	turn.At = turn.At.UTC()
	want["signing"] = turn
	if diff := cmp.Diff(want, got); diff != "" || version != 1 {
		t.Errorf("version %d (-want +got):\n%s", version, diff)
	}
	if !got.Handled("a") || got.Handled("b") || got.Handled("") {
		t.Error("only the request a was handled")
	}
	// Two managers read version 1 and move at once: one of them does.
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		group.Go(func() { errs[i] = write(vault.Position{"signing": {Current: 3 + i}}, version) })
	}
	group.Wait()
	if errors.Is(errs[0], vault.ErrConflict) == errors.Is(errs[1], vault.ErrConflict) {
		t.Errorf("of two moves from one version: %v, %v", errs[0], errs[1])
	}
	wantFault(t, write(vault.Position{"signing": {Current: 9}}, 0), vault.ReasonConflict, vault.ErrConflict)
	if got, version := read(); version != 2 || got.Of("signing").Current > 4 {
		t.Errorf("version %d of %v, want the second", version, got)
	}
}

func noPosition(t *testing.T, s Subject) {
	path := s.at("iam/keystore/acme/position/1")
	version := 0
	for _, text := range []string{"", "3", `{"current":0}`, `{"current":1,"next":-1}`, `{"current":"1"}`} {
		data := map[string]string{"tls": text, vault.OwnerField: Owner.String()}
		var err error
		if version == 0 {
			version, err = s.KV.Create(t.Context(), s.Mount, path, data)
		} else {
			version, err = s.KV.Update(t.Context(), s.Mount, path, data, version)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = vault.ReadPosition(t.Context(), s.KV, s.Mount, path, Owner)
		wantFault(t, err, vault.ReasonValueDeleted, nil)
		if !fault.IsTerminal(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "tls") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := s.KV.Update(t.Context(), s.Mount, path, map[string]string{"tls": `{"current":1}`}, version); err != nil {
		t.Fatal(err)
	}
	_, _, err := vault.ReadPosition(t.Context(), s.KV, s.Mount, path, Owner)
	wantFault(t, err, vault.ReasonOwnedByOther, nil)
}

func tree(t *testing.T, s Subject) {
	root := s.at("iam/IdentityTenant/acme")
	ours := map[string]string{"k": "1", vault.OwnerField: Owner.String()}
	for _, name := range []string{"b/2", "b/1", "a/1", "gone/1"} {
		s.mustCreate(t, root+"/"+name, ours)
	}
	s.mustCreate(t, root+"/note", map[string]string{"k": "by hand"})
	s.mustCreate(t, root+"/b/3", map[string]string{"k": "1", vault.OwnerField: "c2/iam/IdentityTenant/acme"})
	s.mustCreate(t, root+"-two/a/1", ours)
	s.SoftDelete(t, root+"/gone/1")

	under := s.Mount + "/" + root + "/"
	left := []string{
		under + "b/3 (belongs to c2/iam/IdentityTenant/acme)",
		under + "gone/1 (its newest version is deleted)",
		under + "note (not written by Holdfast)",
	}
	for _, want := range []vault.Removal{
		{Deleted: []string{under + "a/1", under + "b/1", under + "b/2"}, Left: left},
		{Left: left},
	} {
		got, err := vault.DeleteTree(t.Context(), s.KV, s.Mount, root, Owner)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	s.wantEntry(t, root+"-two/a/1", vault.Entry{Data: ours, Version: 1})
}
