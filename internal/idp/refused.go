package idp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// SettingsRefused is the fault of settings of one realm that the server does not keep:
// Terminal, reason SettingRefused.
func SettingsRefused(changes tenant.Diff, why string) error {
	var named []string
	for _, c := range changes {
		named = append(named, fmt.Sprintf("%s = %q", c.Setting, Bounded(c.To)))
	}
	return fault.Terminal(ReasonSettingRefused, "realm %s: %s is not kept: %s", changes[0].Realm, strings.Join(named, ", "), strings.TrimSpace(why))
}

// Together makes one fault of several of SettingsRefused, on one line. Nil ones are none.
func Together(refused []error) error {
	refused = slices.DeleteFunc(refused, func(err error) bool { return err == nil })
	switch len(refused) {
	case 0:
		return nil
	case 1:
		return refused[0]
	}
	const most = 10
	return fault.Terminal(ReasonSettingRefused, "%s", strings.Join(Some(refused, most, error.Error), "; "))
}

// Some says the first of several things, most of them at the most, and how many more there are.
func Some[T any](all []T, most int, say func(T) string) (said []string) {
	for _, one := range all[:min(len(all), most)] {
		said = append(said, say(one))
	}
	if more := len(all) - most; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	return said
}

// IsSettingRefused tells a fault of SettingsRefused from others.
func IsSettingRefused(err error) bool {
	return fault.Is(err) && fault.Of(err, "").Reason == ReasonSettingRefused
}

// Bounded keeps what a server says short and on one line.
func Bounded(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
