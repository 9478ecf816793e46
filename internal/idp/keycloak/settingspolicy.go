package keycloak

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

// passwordPolicy is a realm's rules for passwords, which it holds in one text such as
// "length(12) and digits(1) and notUsername". Rules that nobody declares stay as they are.
type passwordPolicy []policyRule

type policyRule struct{ id, value string }

const (
	policyField     = "passwordPolicy"
	policySeparator = " and "
)

func (r realm) policy() passwordPolicy {
	text, _ := r[policyField].(string)
	var policy passwordPolicy
	for part := range strings.SplitSeq(text, policySeparator) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		id, value, _ := strings.Cut(part, "(")
		policy = append(policy, policyRule{strings.TrimSpace(id), strings.TrimSuffix(value, ")")})
	}
	return policy
}

func (p passwordPolicy) String() string {
	parts := make([]string, 0, len(p))
	for _, rule := range p {
		parts = append(parts, rule.id+"("+rule.value+")")
	}
	return strings.Join(parts, policySeparator)
}

func (p passwordPolicy) get(id string) (string, bool) {
	for _, rule := range p {
		if rule.id == id {
			return rule.value, true
		}
	}
	return "", false
}

// set gives a rule its value.
func (p passwordPolicy) set(id, value string) passwordPolicy {
	out := slices.Clone(p)
	for i := range out {
		if out[i].id == id {
			out[i].value = value
			return out
		}
	}
	return append(out, policyRule{id, value})
}

func (p passwordPolicy) without(id string) passwordPolicy {
	return slices.DeleteFunc(slices.Clone(p), func(rule policyRule) bool { return rule.id == id })
}

// rule is a number of the policy. 0 takes it out where least permits that.
type rule struct {
	id    string
	least int
}

func (b rule) check(value string) error { return checkNumber(value, b.least) }

func (b rule) read(r realm) (string, bool) {
	value, ok := r.policy().get(b.id)
	if !ok {
		return "0", b.least == 0
	}
	if checkNumber(value, 0) != nil {
		return "text:" + idp.Bounded(value), true // such as undefined, which is the product's own default
	}
	return value, true
}

func (b rule) write(r realm, value string) {
	policy := r.policy().set(b.id, value)
	if value == "0" {
		policy = policy.without(b.id)
	}
	r[policyField] = policy.String()
}

// presence is a rule that is there or not.
type presence struct{ id, value string }

func (presence) check(value string) error { return checkSwitch(value) }

// read says mixed where the rule is there with another value, such as another list.
func (b presence) read(r realm) (string, bool) {
	value, ok := r.policy().get(b.id)
	if ok && value != b.value && value != "" {
		return mixed, true
	}
	return strconv.FormatBool(ok), true
}

func (b presence) write(r realm, value string) {
	policy := r.policy().set(b.id, b.value)
	if value == "false" {
		policy = policy.without(b.id)
	}
	r[policyField] = policy.String()
}

// characters is a condition on the characters of a password, which the product has no rule
// for. It is written in front of the regular expression that a password has to match as a
// whole, and takes none of its text; what stands behind the conditions is somebody else's.
type characters struct{ condition }

const (
	regexRule = "regexPattern"
	// anything is the rest of an expression that has nothing but our conditions.
	anything = "(?s:.*)"
)

// condition is an assertion with one number in it.
type condition struct {
	// expression takes the number.
	expression string
	live       *regexp.Regexp
}

var (
	// repeated: no character follows itself more often. Of n+1 in a row the first is
	// followed by n of its kind.
	repeated = newCondition(`(?!(?s:.*(?<r>.)\k<r>{%d}))`)
	// unique counts the characters that do not come again behind where they stand: there is
	// one such place for each character that is different.
	unique = newCondition(`(?=(?s:(?:.*?(?<u>.)(?!.*\k<u>)){%d}))`)
)

func newCondition(expression string) condition {
	live := strings.Replace(regexp.QuoteMeta(expression), `%d`, `([0-9]+)`, 1)
	return condition{expression, regexp.MustCompile(live)}
}

func (characters) check(value string) error { return checkNumber(value, 0) }

func (b characters) read(r realm) (string, bool) {
	live, _ := r.policy().get(regexRule)
	found := b.live.FindStringSubmatch(live)
	if found == nil {
		return "0", true
	}
	return found[1], true
}

func (b characters) write(r realm, value string) {
	live, _ := r.policy().get(regexRule)
	rest := b.live.ReplaceAllLiteralString(live, "")
	if rest == "" {
		rest = anything
	}
	if n, _ := strconv.Atoi(value); n > 0 {
		rest = fmt.Sprintf(b.expression, n) + rest
	}
	policy := r.policy().set(regexRule, rest)
	if rest == anything {
		policy = policy.without(regexRule)
	}
	r[policyField] = policy.String()
}
