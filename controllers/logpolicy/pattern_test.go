package logpolicy

import (
	"strings"
	"testing"
)

func TestPatternsThatMayRunOverEveryLine(t *testing.T) {
	for name, pattern := range map[string]string{
		"card number":         `\b[0-9]{13,19}\b`,
		"IBAN":                `[A-Z]{2}[0-9]{2}( ?[0-9]{4}){3,7}`,
		"e-mail address":      `[a-z0-9]+(\.[a-z0-9]+)*@[a-z0-9]+(\.[a-z0-9]+)+`,
		"IPv4 address":        `([0-9]{1,3}\.){3}[0-9]{1,3}`,
		"bearer token":        `(?i)bearer [-_.a-z0-9]+`,
		"value behind a name": `password=[^&\s]+`,
		"choice of words":     `(secret|token|code)=[^&]*`,
		"repeated choice":     `(ab|cd)+x`,
		"choice of classes":   `(?:[a-f|]|\|x)?\(y{2}`,
	} {
		if problem := checkPattern(pattern); problem != "" {
			t.Errorf("%s %s: %s", name, pattern, problem)
		}
	}
}

func TestPatternsThatMustNotRun(t *testing.T) {
	for name, c := range map[string]struct{ pattern, says string }{
		"nested repetition":               {`(a+)+b`, "repeat it once"},
		"nested repetition in groups":     {`((a*)(b*))*c`, "repeat it once"},
		"counted repetition of a counted": {`(a{1,9}){1,99}b`, "repeat it once"},
		"fixed repetition of an open one": {`(.*){9}x`, "repeat it once"},
		"choice with a common character":  {`(a|ab)*c`, "begins with another character"},
		"choice between equals":           {`(a|a)*c`, "begins with another character"},
		"choice inside a repeated group":  {`(x(a|a))*c`, "begins with another character"},
		"choice of nothing":               {`(a|)*c`, "begins with another character"},
		"neighbours of one class":         {`[a-z]+[a-z0-9]*x`, "put something between them"},
		"neighbours in groups":            {`(\d+)(\d+)x`, "put something between them"},
		"nothing":                         {`x*`, "empty text"},
		"look-ahead":                      {`a(?=b)`, "without look-around"},
		"back reference":                  {`(a)\1`, "without look-around and back references"},
		"unclosed group":                  {`(a`, "does not compile"},
		"named group of another language": {`(?P<n>a)`, "(?<name>…)"},
		"POSIX class":                     {`[[:digit:]]+`, "for a pattern that Java runs too"},
	} {
		if problem := checkPattern(c.pattern); !strings.Contains(problem, c.says) {
			t.Errorf("%s %s: %q, want a refusal that says %q", name, c.pattern, problem, c.says)
		}
	}
}

// Whatever the API server lets through, nothing here may panic.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`(a|[])|]*)+`, `(?i)(?:a|b)*`, `[]^]`, `\)`, `(?<n>a|b)+`, `a{2}{3}`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, pattern string) { checkPattern(pattern) })
}
