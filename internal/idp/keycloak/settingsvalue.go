package keycloak

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

// realm is a realm as the server tells it, all that we have no word for with it.
type realm map[string]any

const (
	attributesField = "attributes"
	// mixed is the live value of a setting whose fields contradict each other. It is no
	// possible wish, so it always counts as a difference.
	mixed = "mixed"
)

// binding says how a realm holds one of our settings.
type binding interface {
	// check refuses a value that is not canonical or that a realm cannot hold.
	check(value string) error
	// read gives canonical text for whatever the realm holds, false when it tells nothing.
	read(r realm) (string, bool)
	// write changes what is the setting's, and nothing else. The value was checked.
	write(r realm, value string)
}

func (r realm) clone() realm {
	out := maps.Clone(r)
	if attributes, ok := r[attributesField].(map[string]any); ok {
		out[attributesField] = maps.Clone(attributes)
	}
	return out
}

// differing are the fields that are not as in another.
func (r realm) differing(other realm) realm {
	out := realm{}
	for field, value := range r {
		if !reflect.DeepEqual(value, other[field]) {
			out[field] = value
		}
	}
	return out
}

// number reads a whole field. The server gives numbers as JSON has them.
func (r realm) number(field string) (int, bool) {
	value, ok := r[field].(float64)
	return int(value), ok
}

func (r realm) on(field string) bool { on, _ := r[field].(bool); return on }

var canonicalNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,6})$`)

func checkNumber(value string, least int) error {
	if !canonicalNumber.MatchString(value) {
		return fmt.Errorf("%q is not a whole number below ten million", value)
	}
	if n, _ := strconv.Atoi(value); n < least {
		return fmt.Errorf("%s is less than %d", value, least)
	}
	return nil
}

func checkSwitch(value string) error {
	if value != "true" && value != "false" {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}

// toggle is a switch of a realm.
type toggle struct{ field string }

func (toggle) check(value string) error { return checkSwitch(value) }

func (t toggle) read(r realm) (string, bool) {
	on, ok := r[t.field].(bool)
	return strconv.FormatBool(on), ok
}

func (t toggle) write(r realm, value string) { r[t.field] = value == "true" }

// minutes are fields that hold seconds, all of them the same time.
type minutes []string

func (minutes) check(value string) error { return checkNumber(value, 1) }

func (m minutes) read(r realm) (string, bool) {
	var values []string
	for _, field := range m {
		seconds, ok := r.number(field)
		if !ok {
			return "", false
		}
		values = append(values, wholeMinutes(seconds))
	}
	if len(slices.Compact(values)) > 1 {
		return mixed, true
	}
	return values[0], true
}

func (m minutes) write(r realm, value string) {
	for _, field := range m {
		r[field] = seconds(value)
	}
}

// attributeMinutes is an attribute that holds seconds as text. Without it the realm's own
// lifetime of links holds.
type attributeMinutes struct{ name string }

func (attributeMinutes) check(value string) error { return checkNumber(value, 1) }

func (m attributeMinutes) read(r realm) (string, bool) {
	attributes, _ := r[attributesField].(map[string]any)
	text, ok := attributes[m.name].(string)
	if !ok || text == "" {
		return minutes{"actionTokenGeneratedByUserLifespan"}.read(r)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return "text:" + idp.Bounded(text), true
	}
	return wholeMinutes(n), true
}

func (m attributeMinutes) write(r realm, value string) {
	attributes, ok := r[attributesField].(map[string]any)
	if !ok {
		attributes = map[string]any{}
		r[attributesField] = attributes
	}
	attributes[m.name] = strconv.Itoa(int(seconds(value)))
}

func wholeMinutes(seconds int) string {
	if seconds%60 != 0 || seconds < 0 {
		return fmt.Sprintf("seconds:%d", seconds)
	}
	return strconv.Itoa(seconds / 60)
}

// seconds of canonical minutes, as numbers of a realm are.
func seconds(minutes string) float64 {
	n, _ := strconv.Atoi(minutes)
	return float64(n * 60)
}

// listed is a member of a list of names. The others stay.
type listed struct{ field, member string }

func (listed) check(value string) error { return checkSwitch(value) }

func (l listed) read(r realm) (string, bool) {
	members, ok := r[l.field].([]any)
	return strconv.FormatBool(slices.Contains(members, any(l.member))), ok
}

func (l listed) write(r realm, value string) {
	members, _ := r[l.field].([]any)
	members = slices.DeleteFunc(slices.Clone(members), func(member any) bool { return member == l.member })
	if value == "true" {
		members = append(members, l.member)
	}
	r[l.field] = members
}

// lockoutAttempts locks after so many failures; 0: never.
type lockoutAttempts struct{}

const (
	lockoutSwitch    = "bruteForceProtected"
	lockoutFailures  = "failureFactor"
	lockoutPermanent = "permanentLockout"
	lockoutWait      = "waitIncrementSeconds"
	lockoutLongest   = "maxFailureWaitSeconds"
	lockoutTurns     = "maxTemporaryLockouts"
)

func (lockoutAttempts) check(value string) error { return checkNumber(value, 0) }

func (lockoutAttempts) read(r realm) (string, bool) {
	if !r.on(lockoutSwitch) {
		return "0", true
	}
	failures, ok := r.number(lockoutFailures)
	return strconv.Itoa(failures), ok
}

// write leaves the number for whoever turns the switch on again.
func (lockoutAttempts) write(r realm, value string) {
	r[lockoutSwitch] = value != "0"
	if value != "0" {
		n, _ := strconv.Atoi(value)
		r[lockoutFailures] = float64(n)
	}
}

// lockoutMinutes is how long each lock lasts; 0: until an administrator unlocks.
type lockoutMinutes struct{}

func (lockoutMinutes) check(value string) error { return checkNumber(value, 0) }

func (lockoutMinutes) read(r realm) (string, bool) {
	turns, _ := r.number(lockoutTurns)
	if r.on(lockoutPermanent) {
		if turns != 0 {
			return mixed, true
		}
		return "0", true
	}
	return minutes{lockoutWait, lockoutLongest}.read(r)
}

func (lockoutMinutes) write(r realm, value string) {
	r[lockoutPermanent] = value == "0"
	if value == "0" {
		r[lockoutTurns] = float64(0)
		return
	}
	minutes{lockoutWait, lockoutLongest}.write(r, value)
}
