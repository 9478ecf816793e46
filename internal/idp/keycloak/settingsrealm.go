package keycloak

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

// refreshOnce has a refresh token work once. The server counts how often it may be used again.
type refreshOnce struct{}

const (
	revokeField = "revokeRefreshToken"
	reuseField  = "refreshTokenMaxReuse"
)

func (refreshOnce) check(value string) error { return checkSwitch(value) }

func (refreshOnce) read(r realm) (string, bool) {
	reuse, _ := r.number(reuseField)
	if r.on(revokeField) && reuse != 0 {
		return mixed, true
	}
	return strconv.FormatBool(r.on(revokeField)), true
}

func (refreshOnce) write(r realm, value string) {
	if r[revokeField] = value == "true"; value == "true" {
		r[reuseField] = float64(0)
	}
}

const (
	secondsOfDay = 24 * 60 * 60
	// mostDays is ten years. The server counts seconds.
	mostDays = 3650
)

// daysOf writes seconds as days, where they are whole ones.
func daysOf(seconds int) string {
	if seconds%secondsOfDay != 0 || seconds < 0 {
		return "seconds:" + strconv.Itoa(seconds)
	}
	return strconv.Itoa(seconds / secondsOfDay)
}

func checkDays(value string) error {
	if err := checkNumber(value, 0); err != nil {
		return err
	}
	if n, _ := strconv.Atoi(value); n > mostDays {
		return fmt.Errorf("%s days are more than %d", value, mostDays)
	}
	return nil
}

// forEver is the live value of events that nothing removes. It is no possible wish.
const forEver = "for ever"

// loginEvents are kept in the database for so many days, all that the server tells; 0: not at all.
type loginEvents struct{}

const (
	eventsSwitch = "eventsEnabled"
	eventsKept   = "eventsExpiration"
)

func (loginEvents) check(value string) error { return checkDays(value) }

func (loginEvents) read(r realm) (string, bool) {
	if !r.on(eventsSwitch) {
		return "0", true
	}
	seconds, _ := r.number(eventsKept)
	if seconds == 0 {
		return forEver, true
	}
	return daysOf(seconds), true
}

func (loginEvents) write(r realm, value string) {
	days, _ := strconv.Atoi(value)
	if r[eventsSwitch] = days > 0; days > 0 {
		r[eventsKept] = float64(days * secondsOfDay)
	}
}

// adminEvents are as loginEvents. What was written is kept with them or not, as it is.
type adminEvents struct{}

const (
	adminEventsSwitch = "adminEventsEnabled"
	adminEventsKept   = "adminEventsExpiration"
)

func (adminEvents) check(value string) error { return checkDays(value) }

func (adminEvents) read(r realm) (string, bool) {
	if !r.on(adminEventsSwitch) {
		return "0", true
	}
	attributes, _ := r[attributesField].(map[string]any)
	text, _ := attributes[adminEventsKept].(string)
	seconds, err := strconv.Atoi(text)
	switch {
	case text == "" || text == "0":
		return forEver, true
	case err != nil:
		return "text:" + idp.Bounded(text), true
	}
	return daysOf(seconds), true
}

func (adminEvents) write(r realm, value string) {
	days, _ := strconv.Atoi(value)
	r[adminEventsSwitch] = days > 0
	if days == 0 {
		return
	}
	attributes, _ := r[attributesField].(map[string]any)
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes[adminEventsKept] = strconv.Itoa(days * secondsOfDay)
	r[attributesField] = attributes
}

// tlsRequired has the realm refuse plain HTTP from everywhere.
type tlsRequired struct{}

const (
	tlsField      = "sslRequired"
	tlsAlways     = "all"
	tlsOfForeign  = "external" // the product's default: private networks may come without
	tlsOfAnything = "none"
)

func (tlsRequired) check(value string) error { return checkSwitch(value) }

func (tlsRequired) read(r realm) (string, bool) {
	text, ok := r[tlsField].(string)
	if text == tlsOfAnything {
		return tlsOfAnything, ok
	}
	return strconv.FormatBool(text == tlsAlways), ok
}

func (tlsRequired) write(r realm, value string) {
	r[tlsField] = tlsOfForeign
	if value == "true" {
		r[tlsField] = tlsAlways
	}
}

// browserHeaders are what the pages of a realm tell browsers. Others stay as they are.
type browserHeaders struct{}

const headersField = "browserSecurityHeaders"

var hardenedHeaders = map[string]any{
	"contentSecurityPolicy":   "frame-src 'self'; frame-ancestors 'self'; object-src 'none';",
	"xFrameOptions":           "SAMEORIGIN",
	"xContentTypeOptions":     "nosniff",
	"referrerPolicy":          "no-referrer",
	"xRobotsTag":              "none",
	"strictTransportSecurity": "max-age=31536000; includeSubDomains",
}

func (browserHeaders) check(value string) error { return checkSwitch(value) }

func (browserHeaders) read(r realm) (string, bool) {
	live, _ := r[headersField].(map[string]any)
	for name, value := range hardenedHeaders {
		if live[name] != value {
			return "false", true
		}
	}
	return "true", true
}

// write of false takes the frame out of it, which is what somebody embeds pages for.
func (browserHeaders) write(r realm, value string) {
	live, _ := r[headersField].(map[string]any)
	headers := maps.Clone(live)
	if headers == nil {
		headers = map[string]any{}
	}
	maps.Copy(headers, hardenedHeaders)
	if value == "false" {
		headers["xFrameOptions"] = ""
	}
	r[headersField] = headers
}
