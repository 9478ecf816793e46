package wso2is

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// codec turns a setting's canonical value into a property's and back.
type codec interface {
	// encode refuses a value that is not canonical or that the product cannot hold.
	encode(value string) (string, error)
	// decode gives canonical text for whatever the server holds. What no wish can be
	// comes back as text that no wish is.
	decode(live string) string
	// off is the value that turns a switched property off.
	off() string
}

var canonicalNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)

// number is a whole number of at least min.
type number struct{ min int }

func (c number) encode(value string) (string, error) {
	if !canonicalNumber.MatchString(value) {
		return "", fmt.Errorf("%q is not a whole number", value)
	}
	if n, _ := strconv.Atoi(value); n < c.min {
		return "", fmt.Errorf("%s is less than %d", value, c.min)
	}
	return value, nil
}

func (number) decode(live string) string {
	n, err := strconv.Atoi(strings.TrimSpace(live))
	if err != nil || n < 0 {
		return "text:" + idp.Bounded(live)
	}
	return strconv.Itoa(n)
}

func (number) off() string { return "0" }

// toggle is a switch.
type toggle struct{}

func (toggle) encode(value string) (string, error) {
	if value != "true" && value != "false" {
		return "", fmt.Errorf("%q is neither true nor false", value)
	}
	return value, nil
}

// decode reads as the product does: all but "true" is false.
func (toggle) decode(live string) string { return strconv.FormatBool(on(live)) }

func (toggle) off() string { return "false" }

func on(live string) bool { return strings.EqualFold(strings.TrimSpace(live), "true") }

// properties are what a server lists for a connector.
type properties map[string]string

// governance is what a server lists, by connector; missing ones are not in it.
type governance map[string]properties

// decode reads the live value. It is false where the server does not list what the
// setting needs.
func (b binding) decode(live governance) (string, bool) {
	listed, ok := live[b.connector.name]
	if !ok {
		return b.codec.off(), b.optional
	}
	value, ok := listed[b.property]
	if !ok {
		return "", false
	}
	value = b.codec.decode(value)
	if b.enable != "" {
		enabled, ok := listed[b.enable]
		if !ok {
			return "", false
		}
		if !on(enabled) {
			value = b.codec.off()
		}
	}
	for _, name := range b.off {
		if on(listed[name]) {
			return mixed, true
		}
	}
	for _, name := range b.with {
		if live, ok := listed[name]; ok && !on(live) && value != b.codec.off() {
			return mixed, true
		}
	}
	return value, true
}

// encode gives the properties to write, all of them where one differs: the product
// derives those that a request leaves out. It gives none where the server already
// does as wished.
func (b binding) encode(value string, live governance) (properties, error) {
	encoded, err := b.codec.encode(value)
	if err != nil {
		return nil, err
	}
	if seen, ok := b.decode(live); ok && seen == value {
		return nil, nil
	}
	listed, ok := live[b.connector.name]
	if !ok {
		return nil, fmt.Errorf("this server has no connector %s", b.connector.name)
	}
	write := properties{b.property: encoded}
	if b.enable != "" {
		write[b.enable] = strconv.FormatBool(value != b.codec.off())
		if number, ok := b.codec.(number); ok && value == number.off() {
			delete(write, b.property) // the number stays for whoever turns the switch on again
		}
	}
	for name := range write {
		if _, ok := listed[name]; !ok {
			return nil, fmt.Errorf("this server's connector %s does not list %s", b.connector.name, name)
		}
	}
	for _, name := range b.off {
		if _, ok := listed[name]; ok {
			write[name] = "false"
		}
	}
	for _, name := range b.with {
		if _, ok := listed[name]; ok && value != b.codec.off() {
			write[name] = "true"
		}
	}
	return write, nil
}

// connectorWrites are the properties to write, by connector.
type connectorWrites map[connector]properties

// observeSetting reads a setting that connectors hold.
func observeSetting(setting tenant.Setting, live governance) (string, bool) {
	var values []string
	for _, b := range present(setting, live) {
		value, ok := b.decode(live)
		if !ok {
			return "", false
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return strings.Join(values, " | "), true
}

// add puts what a setting needs into the writes.
func (w connectorWrites) add(setting tenant.Setting, value string, live governance) error {
	for _, b := range present(setting, live) {
		write, err := b.encode(value, live)
		if err != nil {
			return err
		}
		if len(write) > 0 && w[b.connector] == nil {
			w[b.connector] = properties{}
		}
		maps.Copy(w[b.connector], write)
	}
	return nil
}

// present are the bindings of a setting. Of several, those whose connector the build
// lacks are left out.
func present(setting tenant.Setting, live governance) []binding {
	all := bindings[setting]
	if len(all) == 1 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(b binding) bool {
		_, ok := live[b.connector.name]
		return b.optional && !ok
	})
}
