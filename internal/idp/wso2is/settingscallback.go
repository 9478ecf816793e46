package wso2is

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

// callbacks is a list of https URLs, sorted and separated by one space; a final *
// stands for any rest of the path. The product holds a Java regular expression that
// the whole URL must match, so every character but that * is escaped.
type callbacks struct{}

// callbackURL has no character that ends a host early, no user and no query.
var callbackURL = regexp.MustCompile(`^https://([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(:[0-9]{1,5})?/[-._~/a-zA-Z0-9]*\*?$`)

const (
	// nothing is the expression that no URL matches.
	nothing = "(?!)"
	// anyRest follows a slash at the least, so it never reaches the host.
	anyRest = ".*"
	// foreignRegex marks an expression that this writer did not make.
	foreignRegex = "regex:"
)

func (callbacks) off() string { return "" }

func (callbacks) encode(value string) (string, error) {
	urls := strings.Fields(value)
	if value != strings.Join(urls, " ") || !slices.IsSorted(urls) {
		return "", fmt.Errorf("the URLs are not sorted and separated by one space")
	}
	if len(urls) == 0 {
		return nothing, nil
	}
	alternatives := make([]string, 0, len(urls))
	for _, url := range urls {
		if !callbackURL.MatchString(url) {
			return "", fmt.Errorf("%q is not an https URL with a path, without user and query, with at most a final *", idp.Bounded(url))
		}
		prefix, wild := strings.CutSuffix(url, "*")
		expression := escapeJava(prefix)
		if wild {
			expression += anyRest
		}
		alternatives = append(alternatives, expression)
	}
	return "(" + strings.Join(alternatives, "|") + ")", nil
}

// decode undoes encode and nothing else: what encode would write otherwise comes
// back as the expression itself, behind a mark that no URL begins with.
func (c callbacks) decode(live string) string {
	if value, ok := parseCallbacks(live); ok {
		if again, err := c.encode(value); err == nil && again == live {
			return value
		}
	}
	return foreignRegex + idp.Bounded(live)
}

func parseCallbacks(live string) (string, bool) {
	if live == nothing {
		return "", true
	}
	inner, ok := strings.CutPrefix(live, "(")
	if inner, ok2 := strings.CutSuffix(inner, ")"); ok && ok2 {
		var urls []string
		for alternative := range strings.SplitSeq(inner, "|") {
			prefix, wild := strings.CutSuffix(alternative, anyRest)
			url := strings.ReplaceAll(prefix, `\`, "")
			if wild {
				url += "*"
			}
			urls = append(urls, url)
		}
		return strings.Join(urls, " "), true
	}
	return "", false
}

// escapeJava escapes every character with a meaning in a Java regular expression.
func escapeJava(literal string) string {
	var out strings.Builder
	for _, r := range literal {
		if strings.ContainsRune(`\.^$|?*+()[]{}`, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
