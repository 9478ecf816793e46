package logpolicy

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// group is a pair of brackets in the text of a pattern.
type group struct {
	start, end int   // of what is inside
	bars       []int // at its own level
	repeated   bool
}

// ambiguousChoice looks at choices that are repeated. It reads the text and not the parsed tree: Go's parser merges equal
// branches, Java's matcher tries each.
func ambiguousChoice(pattern string) string {
	groups := groupsOf(pattern)
	for _, g := range groups {
		if len(g.bars) == 0 || !insideRepetition(g, groups) {
			continue
		}
		if problem := compareBranches(branches(pattern, g)); problem != "" {
			return problem
		}
	}
	return ""
}

func compareBranches(texts []string) string {
	var seen class
	for _, text := range texts {
		branch, err := syntax.Parse(text, syntax.Perl)
		if err != nil || canBeEmpty(branch) || firsts(branch).overlaps(seen) {
			return fmt.Sprintf("the repeated choice %s can match the same text in more than one way, which takes Java very long on some lines: write it so that each branch begins with another character",
				strings.Join(texts, "|"))
		}
		seen = append(seen, firsts(branch)...)
	}
	return ""
}

func insideRepetition(g group, all []group) bool {
	for _, outer := range all {
		if outer.repeated && outer.start <= g.start && g.end <= outer.end {
			return true
		}
	}
	return false
}

func branches(pattern string, g group) (texts []string) {
	from := g.start
	for _, bar := range append(g.bars, g.end) {
		texts = append(texts, pattern[from:bar])
		from = bar + 1
	}
	return texts
}

// groupsOf finds the brackets of a pattern that is known to compile.
func groupsOf(pattern string) (groups []group) {
	var open []group
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(pattern, i)
		case '(':
			open = append(open, group{start: afterFlags(pattern, i+1)})
		case '|':
			if len(open) > 0 {
				last := &open[len(open)-1]
				last.bars = append(last.bars, i)
			}
		case ')':
			closed := open[len(open)-1]
			open = open[:len(open)-1]
			closed.end = i
			closed.repeated = i+1 < len(pattern) && strings.IndexByte("*+{", pattern[i+1]) >= 0
			groups = append(groups, closed)
		}
	}
	return groups
}

// classEnd gives the place of the bracket that closes the class which opens at i.
func classEnd(pattern string, i int) int {
	i++
	if i < len(pattern) && pattern[i] == '^' {
		i++
	}
	for first := true; i < len(pattern) && (first || pattern[i] != ']'); i++ {
		first = false
		if pattern[i] == '\\' {
			i++
		}
	}
	return i
}

// afterFlags skips what stands between an opening bracket and the group's content, such as ?: or ?<name>.
func afterFlags(pattern string, i int) int {
	if i >= len(pattern) || pattern[i] != '?' {
		return i
	}
	for j := i + 1; j < len(pattern); j++ {
		if pattern[j] == ':' || pattern[j] == '>' {
			return j + 1
		}
		if pattern[j] == ')' {
			return j
		}
	}
	return i
}
