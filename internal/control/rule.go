package control

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rule says which values are strong enough. Exactly one member is set.
type Rule struct {
	// Equals one value.
	Equals *string `json:"equals,omitempty"`
	// OneOf these values.
	OneOf []string `json:"oneOf,omitempty"`
	// Only these elements may be in a list, and at least one is.
	Only []string `json:"only,omitempty"`
	// With these elements, all of them, in a list that may have more.
	With []string `json:"with,omitempty"`
	// Without these elements; an empty value is fine.
	Without []string `json:"without,omitempty"`
	// AtLeast and AtMost bound a number, a duration such as 15m or 90d, or a version of at least three numbers.
	AtLeast string `json:"atLeast,omitempty"`
	AtMost  string `json:"atMost,omitempty"`
	// Matches is a regular expression (RE2) for the whole value.
	Matches string `json:"matches,omitempty"`
	// Set: any value that is not empty.
	Set bool `json:"set,omitempty"`
}

// Holds tells whether a value, or a list of them, is as the rule wants it.
func (r Rule) Holds(values []string) bool {
	switch {
	case r.Equals != nil:
		return len(values) == 1 && values[0] == *r.Equals
	case len(r.OneOf) > 0:
		return len(values) == 1 && slices.Contains(r.OneOf, values[0])
	case len(r.Only) > 0:
		elements := split(values)
		return len(elements) > 0 && !slices.ContainsFunc(elements, func(e string) bool { return !slices.Contains(r.Only, e) })
	case len(r.With) > 0:
		elements := split(values)
		return !slices.ContainsFunc(r.With, func(e string) bool { return !slices.Contains(elements, e) })
	case len(r.Without) > 0:
		return !slices.ContainsFunc(split(values), func(e string) bool { return slices.Contains(r.Without, e) })
	case r.AtLeast != "":
		return compareQuantities(values, r.AtLeast, func(sign int) bool { return sign >= 0 })
	case r.AtMost != "":
		return compareQuantities(values, r.AtMost, func(sign int) bool { return sign <= 0 })
	case r.Matches != "":
		expression, err := regexp.Compile("^(?:" + r.Matches + ")$")
		return err == nil && len(values) == 1 && expression.MatchString(values[0])
	case r.Set:
		return strings.TrimSpace(strings.Join(values, "")) != ""
	}
	return false
}

// String says what the rule wants.
func (r Rule) String() string {
	switch {
	case r.Equals != nil:
		return strconv.Quote(*r.Equals)
	case len(r.OneOf) > 0:
		return "one of " + strings.Join(r.OneOf, ", ")
	case len(r.Only) > 0:
		return "only " + strings.Join(r.Only, ", ")
	case len(r.With) > 0:
		return "with " + strings.Join(r.With, ", ")
	case len(r.Without) > 0:
		return "without " + strings.Join(r.Without, ", ")
	case r.AtLeast != "":
		return "at least " + r.AtLeast
	case r.AtMost != "":
		return "at most " + r.AtMost
	case r.Matches != "":
		return "a value that matches " + r.Matches
	}
	return "a value"
}

// split gives the elements of a list, however a document writes it.
func split(values []string) (elements []string) {
	for _, value := range values {
		elements = append(elements, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '+' || r == ' ' || r == ':' })...)
	}
	return elements
}

func compareQuantities(values []string, bound string, holds func(int) bool) bool {
	if len(values) != 1 {
		return false
	}
	if version.MatchString(bound) {
		return version.MatchString(values[0]) && holds(compareVersions(values[0], bound))
	}
	value, err := quantity(values[0])
	if err != nil {
		return false
	}
	limit, err := quantity(bound)
	return err == nil && holds(cmp.Compare(value, limit))
}

// quantity reads a number, or a duration as seconds. A day is what the product calls one: 24 hours.
func quantity(text string) (float64, error) {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return number, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		number, err := strconv.ParseFloat(days, 64)
		return number * (24 * time.Hour).Seconds(), err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor a duration", text)
	}
	return d.Seconds(), nil
}

var version = regexp.MustCompile(`^[0-9]+(\.[0-9]+){2,}$`)

// compareVersions compares dotted numbers; what is missing is zero.
func compareVersions(a, b string) int {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		if sign := cmp.Compare(part(left, i), part(right, i)); sign != 0 {
			return sign
		}
	}
	return 0
}

func part(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	number, _ := strconv.Atoi(parts[i])
	return number
}
