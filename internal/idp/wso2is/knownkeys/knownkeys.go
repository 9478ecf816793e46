// Package knownkeys knows which keys of deployment.toml the server reads, and as what
// kind of value. The server ignores any other key without a word, so that a misspelt one
// protects nothing and looks as if it did. The list holds what the guidelines and our own
// rendering use, not all that the product has.
package knownkeys

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// Kind of a value.
type Kind string

// The kinds. Boolean is true or false without quotes.
const (
	Boolean Kind = "boolean"
	Text    Kind = "text"
	Number  Kind = "number"
	List    Kind = "list"
	Any     Kind = "any"
)

//go:embed keys.txt
var keys string

type known struct {
	parts []string
	kind  Kind
	// from and before bound the minor versions of 7; zero: no bound.
	from, before int
}

type list struct {
	keys []known
	// same has both names of a setting under each of them.
	same map[string]string
}

var read = sync.OnceValue(func() list {
	all := list{same: map[string]string{}}
	for line := range strings.Lines(keys) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) == 3 && fields[1] == "=":
			all.same[fields[0]], all.same[fields[2]] = fields[2], fields[0]
		default:
			key := known{parts: strings.Split(fields[0], "."), kind: Kind(fields[1])}
			if len(fields) > 2 {
				from, before, _ := strings.Cut(fields[2], "-")
				key.from, key.before = minor(from), minor(before)
			}
			all.keys = append(all.keys, key)
		}
	}
	return all
})

// minor is the second number of a version such as 7.2 or 7.2.0.
func minor(version string) int {
	_, rest, _ := strings.Cut(version, ".")
	rest, _, _ = strings.Cut(rest, ".")
	number, _ := strconv.Atoi(rest)
	return number
}

// Find gives the kind of a key that a version knows. The key is as package evidence
// flattens it.
func Find(key, version string) (kind Kind, known bool) {
	parts := strings.Split(key, ".")
	for _, candidate := range read().keys {
		if !candidate.matches(parts) || !candidate.in(version) {
			continue
		}
		// A line that says what the value is wins over one that takes whatever follows.
		if kind, known = candidate.kind, true; kind != Any {
			break
		}
	}
	return kind, known
}

// Only gives the version from which on a key is known, when an older one does not know it.
func Only(key, version string) (from string, ok bool) {
	parts := strings.Split(key, ".")
	for _, candidate := range read().keys {
		if candidate.matches(parts) && candidate.from > minor(version) {
			return "7." + strconv.Itoa(candidate.from), true
		}
	}
	return "", false
}

// Other gives the second name of a setting that has two.
func Other(key string) (string, bool) {
	other, ok := read().same[key]
	return other, ok
}

func (k known) in(version string) bool {
	at := minor(version)
	return at >= k.from && (k.before == 0 || at < k.before)
}

func (k known) matches(parts []string) bool {
	for i, part := range k.parts {
		if part == "**" {
			return len(parts) > i
		}
		if i >= len(parts) || part != "*" && part != parts[i] {
			return false
		}
	}
	return len(parts) == len(k.parts)
}
