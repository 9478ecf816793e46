package standin

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fieldKind is what a field of a configuration document holds.
type fieldKind int

const (
	minutes fieldKind = iota // text of a positive number
	flag
	seconds
)

// configFields are those that operators write, as "document/field". The document of the
// server itself has no name. preserve... is of 7.3.
var configFields = map[string]fieldKind{
	"/idleSessionTimeoutPeriod": minutes, "/rememberMePeriod": minutes, "/maximumSessionTimeoutPeriod": minutes,
	"/enableMaximumSessionTimeoutPeriod": flag, "/preserveCurrentSessionAtPasswordUpdate": flag,
	"cors/allowGenericHttpRequests": flag, "cors/allowAnyOrigin": flag, "cors/allowSubdomains": flag,
	"cors/supportAnyHeader": flag, "cors/supportsCredentials": flag, "cors/maxAge": seconds,
	"dcr/authenticationRequired": flag, "dcr/enableFapiEnforcement": flag, "dcr/mandateSSA": flag,
	"jwt-key-validator/enableTokenReuse": flag,
}

// defaultConfigs are what deployment.toml says, or the product where that is silent. Some
// fields have no value until somebody writes one, and are not in an answer until then.
func (c configuration) defaultConfigs() map[string]string {
	return map[string]string{
		"/idleSessionTimeoutPeriod":          c.minutes("session.timeout.idle_session_timeout", "15"),
		"/rememberMePeriod":                  c.minutes("session.timeout.remember_me_session_timeout", "20160"),
		"/enableMaximumSessionTimeoutPeriod": c.flag("session.timeout.enable_maximum_session_timeout", false),
		"/maximumSessionTimeoutPeriod":       c.minutes("session.timeout.maximum_session_timeout", "43200"),
		"cors/allowGenericHttpRequests":      c.flag("cors.allow_generic_http_requests", true),
		"cors/allowAnyOrigin":                c.flag("cors.allow_any_origin", false),
		"cors/allowSubdomains":               c.flag("cors.allow_subdomains", false),
		"cors/supportAnyHeader":              c.flag("cors.support_any_header", true),
		"cors/supportsCredentials":           c.flag("cors.supports_credentials", true),
		"cors/maxAge":                        "3600",
		"dcr/authenticationRequired":         c.flag("oauth.dcr.authentication_required", true),
		"jwt-key-validator/enableTokenReuse": strconv.FormatBool(c.flag("event.default_listener.private_key_jwt_authenticator.property.prevent_token_reuse", false) == "false"),
	}
}

func (c configuration) minutes(key, otherwise string) string {
	text := c.text(key)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		number, _ := strconv.Atoi(days)
		return strconv.Itoa(number * 24 * 60)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return otherwise
	}
	return strconv.Itoa(int(d.Minutes()))
}

func (c configuration) flag(key string, otherwise bool) string {
	if value, ok := c.values[key].(bool); ok {
		otherwise = value
	}
	return strconv.FormatBool(otherwise)
}

// documentOf shows a document as JSON has it.
func (s *Server) documentOf(in session, name string) map[string]any {
	values := s.configuration.defaultConfigs()
	maps.Copy(values, in.realm.Configs)
	out := map[string]any{}
	for key, value := range values {
		document, field, _ := strings.Cut(key, "/")
		if document != name || slices.Contains(s.without, field) {
			continue
		}
		switch configFields[key] {
		case minutes:
			out[field] = value
		case flag:
			out[field] = isTrue(value)
		case seconds:
			number, _ := strconv.Atoi(value)
			out[field] = number
		}
	}
	return out
}

// getConfigs shows the server's document with two others in it, and lists besides.
func (s *Server) getConfigs(w http.ResponseWriter, _ *http.Request, in session) {
	out := s.documentOf(in, "")
	out["cors"], out["dcr"] = s.documentOf(in, "cors"), s.documentOf(in, "dcr")
	out["homeRealmIdentifiers"] = []string{"localhost"}
	out["realmConfig"] = map[string]string{"adminUser": "admin", "adminRole": "admin"}
	answer(w, http.StatusOK, out)
}

func (s *Server) getConfigDocument(w http.ResponseWriter, r *http.Request, in session) {
	out := s.documentOf(in, r.PathValue("document"))
	if len(out) == 0 {
		failure(w, http.StatusNotFound, "SVC-60022", "There is no such configuration.")
		return
	}
	answer(w, http.StatusOK, out)
}

// patchConfigs takes fields at the root of a document, all of a request or none.
func (s *Server) patchConfigs(w http.ResponseWriter, r *http.Request, in session) {
	var body []struct {
		Operation, Path string
		Value           any
	}
	if !decode(w, r, &body) {
		return
	}
	document := r.PathValue("document")
	changes := map[string]string{}
	for _, change := range body {
		key := document + change.Path
		kind, known := configFields[key]
		value, fits := configValue(document, kind, change.Value)
		if change.Operation != "REPLACE" || !known || !fits || slices.Contains(s.without, strings.TrimPrefix(change.Path, "/")) {
			failure(w, http.StatusBadRequest, "SVC-60003", "Unsupported value for 'path' attribute or its value: "+change.Path)
			return
		}
		changes[key] = value
	}
	if s.swallow.Load() {
		w.WriteHeader(http.StatusOK)
		return
	}
	err := s.write(in.domain, func(r *realm) error {
		for key, value := range changes {
			r.config(key, value)
		}
		return nil
	})
	if err != nil {
		failure(w, http.StatusInternalServerError, "SVC-65009", err.Error())
		return
	}
	s.written()
	w.WriteHeader(http.StatusOK)
}

// configValue is what is kept of a value. One document takes switches as JSON has them,
// all others take text.
func configValue(document string, kind fieldKind, value any) (string, bool) {
	if document == "jwt-key-validator" {
		truth, ok := value.(bool)
		return strconv.FormatBool(truth), ok
	}
	text, ok := value.(string)
	if !ok {
		return "", false
	}
	number, err := strconv.Atoi(text)
	switch kind {
	case minutes:
		return text, err == nil && number > 0
	case seconds:
		return text, err == nil
	}
	return strings.ToLower(text), strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

func (r *realm) config(key, value string) {
	if r.Configs == nil {
		r.Configs = map[string]string{}
	}
	r.Configs[key] = value
}
