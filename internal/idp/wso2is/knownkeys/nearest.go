package knownkeys

import "strings"

// Nearest looks for what was meant by a key that is not known: the known key that takes
// the fewest changes, when those are few. table tells whether the key's first table is a
// known one: if so, a key that is not known deserves a word even when nothing is near.
func Nearest(key, version string) (nearest string, table bool) {
	parts := strings.Split(key, ".")
	best := len(key)
	for _, candidate := range read().keys {
		if candidate.parts[0] == parts[0] {
			table = true
		}
		if !candidate.in(version) {
			continue
		}
		name, fixed := candidate.like(parts)
		// One change in four letters is a slip, more is another word.
		limit := min(best-1, fixed/4)
		if difference := len(key) - len(name); difference > limit || -difference > limit {
			continue
		}
		if distance := distance(key, name); distance <= limit {
			best, nearest = distance, name
		}
	}
	return nearest, table
}

// like fills the wildcards of a known key with the parts that stand in their place. fixed
// is how many letters are the known key's own.
func (k known) like(parts []string) (text string, fixed int) {
	name := make([]string, 0, len(k.parts))
	for i, part := range k.parts {
		switch {
		case part == "**" && i < len(parts):
			name = append(name, parts[i:]...)
		case (part == "*" || part == "**") && i < len(parts):
			name = append(name, parts[i])
		default:
			name, fixed = append(name, part), fixed+len(part)
		}
	}
	return strings.Join(name, "."), fixed
}

// distance counts the letters to add, drop or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
