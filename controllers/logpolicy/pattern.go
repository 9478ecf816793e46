package logpolicy

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// A masking pattern runs in the server's JVM over every line that is logged. Java's matcher backtracks: a pattern that can
// split the same text in many ways takes exponential time on a line that an attacker may choose. RE2 would not, so a pattern
// that merely compiles here proves nothing; its shape does.

// otherSyntax is valid in RE2 and means something else, or nothing, in Java.
var otherSyntax = []struct{ text, instead string }{
	{"(?P<", "write (?<name>…) or a group without a name"},
	{"[[:", `write a class such as \p{Alpha} by its characters, [a-zA-Z]`},
	{`\C`, "write . instead"},
	{`\Q`, "put a \\ before each character instead"},
	{`\z`, "write $ instead"},
	{"(?U", "write each repetition with a ? behind it instead of the flag U"},
}

// checkPattern tells what to write instead of a pattern that cannot be used; empty when it can.
func checkPattern(pattern string) string {
	for _, other := range otherSyntax {
		if strings.Contains(pattern, other.text) {
			return fmt.Sprintf("%s is not for a pattern that Java runs too: %s", other.text, other.instead)
		}
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return fmt.Sprintf("it does not compile (%v): write it in the syntax that Java and RE2 share, without look-around and back references", err)
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Sprintf("it does not compile (%v)", err)
	}
	if compiled.MatchString("") {
		return "it matches the empty text, so that it would mask between any two characters: write at least one character that has to be there"
	}
	if problem := ambiguousChoice(pattern); problem != "" {
		return problem
	}
	return ambiguity(tree)
}

// ambiguity walks the tree for repetitions whose text can be split in more than one way.
func ambiguity(re *syntax.Regexp) string {
	if repeats(re) {
		for _, inner := range variables(re.Sub[0]) {
			if !delimited(re.Sub[0], inner) {
				return fmt.Sprintf("%s is repeated again by what is around it, which takes Java very long on some lines: repeat it once, or put something beside it that it does not match", inner)
			}
		}
	}
	if re.Op == syntax.OpConcat {
		for i := range len(re.Sub) - 1 {
			if variable(re.Sub[i]) && variable(re.Sub[i+1]) && characters(re.Sub[i]).overlaps(firsts(re.Sub[i+1])) {
				return fmt.Sprintf("%s and %s behind it can match the same text, which takes Java very long on some lines: join them, or put something between them that neither matches",
					re.Sub[i], re.Sub[i+1])
			}
		}
	}
	for _, sub := range re.Sub {
		if problem := ambiguity(sub); problem != "" {
			return problem
		}
	}
	return ""
}

// delimited reports whether the body has a character that has to be there and that the repetition cannot match: it marks
// where one round ends and the next begins.
func delimited(body, repetition *syntax.Regexp) bool {
	for body.Op == syntax.OpCapture {
		body = body.Sub[0]
	}
	if body.Op != syntax.OpConcat {
		return false
	}
	for _, part := range body.Sub {
		if (part.Op == syntax.OpLiteral || part.Op == syntax.OpCharClass) && !characters(part).overlaps(characters(repetition)) {
			return true
		}
	}
	return false
}

// repeats: more than once.
func repeats(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && (re.Max == -1 || re.Max > 1)
}

// variable: repeats, and not a fixed number of times.
func variable(re *syntax.Regexp) bool {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return repeats(re) && (re.Op != syntax.OpRepeat || re.Min != re.Max)
}

// variables lists the variable repetitions in re.
func variables(re *syntax.Regexp) (found []*syntax.Regexp) {
	if variable(re) {
		found = append(found, re)
	}
	for _, sub := range re.Sub {
		found = append(found, variables(sub)...)
	}
	return found
}

// class is a set of characters, as pairs of first and last.
type class []rune

// characters gives every character that re can match.
func characters(re *syntax.Regexp) (all class) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			all = append(all, r, r)
			if re.Flags&syntax.FoldCase != 0 {
				all = append(all, unicode.ToLower(r), unicode.ToLower(r), unicode.ToUpper(r), unicode.ToUpper(r))
			}
		}
	case syntax.OpCharClass:
		all = append(all, re.Rune...)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		all = append(all, 0, unicode.MaxRune)
	}
	for _, sub := range re.Sub {
		all = append(all, characters(sub)...)
	}
	return all
}

// firsts gives every character that a match of re can begin with.
func firsts(re *syntax.Regexp) class {
	switch re.Op {
	case syntax.OpLiteral:
		return characters(&syntax.Regexp{Op: re.Op, Flags: re.Flags, Rune: re.Rune[:1]})
	case syntax.OpConcat:
		var all class
		for _, sub := range re.Sub {
			all = append(all, firsts(sub)...)
			if !canBeEmpty(sub) {
				break
			}
		}
		return all
	case syntax.OpAlternate, syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		var all class
		for _, sub := range re.Sub {
			all = append(all, firsts(sub)...)
		}
		return all
	}
	return characters(re)
}

func canBeEmpty(re *syntax.Regexp) bool {
	compiled, err := regexp.Compile("^(?:" + re.String() + ")$")
	return err != nil || compiled.MatchString("")
}

func (c class) overlaps(other class) bool {
	for i := 0; i < len(c); i += 2 {
		for j := 0; j < len(other); j += 2 {
			if c[i] <= other[j+1] && other[j] <= c[i+1] {
				return true
			}
		}
	}
	return false
}
