package standin

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// refusedPassword is a password that the rules or the history do not permit.
type refusedPassword string

func (p refusedPassword) Error() string {
	return "The password " + string(p) + " does not meet the policy." // the real one echoes it too
}

// refuses counts down what RefusePasswords asked for.
func (s *State) refuses() (refuses bool, err error) {
	err = s.update(func(d *database) error {
		refuses = d.Refusals > 0
		d.Refusals = max(0, d.Refusals-1)
		return nil
	})
	return refuses, err
}

// permits holds a new password of a user, who may be yet to be made, to the realm's rules and
// to its history.
func (r *realm) permits(u *user, password string) bool {
	if u != nil && r.Properties["passwordHistory.enable"] == "true" {
		if last, err := strconv.Atoi(r.Properties["passwordHistory.count"]); err == nil && u.used(password, last) {
			return false
		}
	}
	rules := r.Rules
	if rules == nil {
		rules = defaultRules
	}
	if r.RegEx {
		expression, err := regexp.Compile(rules["JavaRegExValidator.regex"])
		return err == nil && expression.MatchString(password)
	}
	for key, text := range rules {
		bound, err := strconv.Atoi(text)
		validator, property, _ := strings.Cut(key, ".")
		found := measures[validator](password)
		if err == nil && (property[:3] == "min" && found < bound || property[:3] == "max" && found > bound) {
			return false
		}
	}
	return true
}

// measures are what the validators count in a password.
var measures = map[string]func(string) int{
	"LengthValidator":           func(p string) int { return len([]rune(p)) },
	"NumeralValidator":          counting(unicode.IsDigit),
	"UpperCaseValidator":        counting(unicode.IsUpper),
	"LowerCaseValidator":        counting(unicode.IsLower),
	"SpecialCharacterValidator": counting(func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }),
	"UniqueCharacterValidator": func(p string) int {
		unique := map[rune]bool{}
		for _, c := range p {
			unique[c] = true
		}
		return len(unique)
	},
	"RepeatedCharacterValidator": func(p string) int {
		longest, run, before := 0, 0, rune(-1)
		for _, c := range p {
			if c != before {
				run = 0
			}
			run++
			longest, before = max(longest, run), c
		}
		return longest
	},
}

func counting(class func(rune) bool) func(string) int {
	return func(p string) int {
		found := 0
		for _, c := range p {
			if class(c) {
				found++
			}
		}
		return found
	}
}
