package standin

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) getCategory(w http.ResponseWriter, r *http.Request, in session) {
	values := s.configuration.effective(in.realm)
	category := unencoded(r.PathValue("category"))
	views := []any{}
	for _, k := range s.connectors() {
		if k.category == category {
			views = append(views, k.view(values))
		}
	}
	if len(views) == 0 {
		failure(w, http.StatusNotFound, "IDG-50008", "Unable to find any category with the provided identifier "+r.PathValue("category")+".")
		return
	}
	answer(w, http.StatusOK, map[string]any{"name": category, "connectors": views})
}

func (s *Server) getConnector(w http.ResponseWriter, r *http.Request, in session) {
	if k, ok := s.findConnector(w, r); ok {
		answer(w, http.StatusOK, k.view(s.configuration.effective(in.realm)))
	}
}

// patchConnector takes any property of any name, reads the realm's whole set, changes
// it and writes the whole set back, without a lock in between.
func (s *Server) patchConnector(w http.ResponseWriter, r *http.Request, in session) {
	if _, ok := s.findConnector(w, r); !ok {
		return
	}
	var body struct {
		Operation  string
		Properties []struct{ Name, Value string }
	}
	if !decode(w, r, &body) {
		return
	}
	if body.Operation != "UPDATE" {
		failure(w, http.StatusBadRequest, "IDG-50013", "The operation is not UPDATE.")
		return
	}
	changes := map[string]string{}
	for _, p := range body.Properties {
		changes[p.Name] = p.Value
	}
	fresh, err := s.state.realm(in.domain)
	if err != nil {
		failure(w, http.StatusInternalServerError, "IDG-50004", err.Error())
		return
	}
	current := s.configuration.effective(fresh)
	if problem := contradiction(changes, current); problem != "" {
		failure(w, http.StatusBadRequest, "IDG-50013", "Unable to update the identity governance connector "+problem+".")
		return
	}
	deriveRecovery(changes, current)
	maps.Copy(current, changes)
	s.commit()
	if s.swallow.Load() {
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := s.write(in.domain, func(r *realm) error { r.Properties = current; return nil }); err != nil {
		failure(w, http.StatusInternalServerError, "IDG-50004", err.Error())
		return
	}
	s.written()
	w.WriteHeader(http.StatusOK)
}

// contradiction is what the product refuses among the ways to recover and to reset.
func contradiction(changes, current map[string]string) string {
	if problem := recoveryContradiction(changes, current); problem != "" {
		return problem
	}
	resets, touched := 0, false
	for _, name := range resetOptions {
		_, ok := changes[name]
		touched = touched || ok
		resets += count(isTrue(after(changes, current, name)))
	}
	switch {
	case touched && resets > 1:
		return "Enabling admin forced password reset option while other options are enabled is not allowed"
	case touched && resets == 0:
		return "Disabling all admin forced password reset options is not allowed"
	}
	return ""
}

func recoveryContradiction(changes, current map[string]string) string {
	enabled, hasEnable := changes[recoveryEnable]
	named, ways := 0, 0
	for _, name := range []string{recoveryEmailLink, recoverySMS, recoveryEmailOTP} {
		value, ok := changes[name]
		named += count(ok)
		ways += count(ok && isTrue(value))
	}
	link, otp := after(changes, current, recoveryEmailLink), after(changes, current, recoveryEmailOTP)
	switch {
	case isTrue(enabled) && named == 3 && ways == 0:
		return "Disabling all recovery options when recovery connector is enabled, is not allowed"
	case hasEnable && !isTrue(enabled) && ways > 0:
		return "Enabling recovery options when connector is disabled, is not allowed"
	case named > 0 && isTrue(link) && isTrue(otp):
		return "Enabling both email link and email otp options are not allowed"
	}
	return ""
}

// deriveRecovery fills in the four switches of password recovery from those that a request
// names, as the product does.
func deriveRecovery(changes, current map[string]string) {
	channels := []string{recoveryEmailLink, recoverySMS, recoveryEmailOTP}
	if !slices.ContainsFunc(append(channels, recoveryEnable), func(name string) bool { _, ok := changes[name]; return ok }) {
		return
	}
	switch enabled := changes[recoveryEnable]; {
	case isTrue(enabled):
		for _, name := range channels[:2] { // on unless it is named and off
			changes[name] = text(changes[name] == "" || isTrue(changes[name]))
		}
		changes[recoveryEmailOTP] = text(isTrue(changes[recoveryEmailOTP]))
	case enabled == "":
		one := false
		for _, name := range channels {
			changes[name] = text(isTrue(after(changes, current, name)))
			one = one || isTrue(changes[name])
		}
		changes[recoveryEnable] = text(one)
	default:
		for _, name := range channels {
			changes[name] = "false"
		}
	}
}

func after(changes, current map[string]string, name string) string {
	if value := changes[name]; value != "" {
		return value
	}
	return current[name]
}

func isTrue(value string) bool { return strings.EqualFold(value, "true") }

func text(value bool) string {
	if value {
		return "true"
	}
	return "false"
}

func count(value bool) int {
	if value {
		return 1
	}
	return 0
}

func (s *Server) findConnector(w http.ResponseWriter, r *http.Request) (connector, bool) {
	category, name := unencoded(r.PathValue("category")), unencoded(r.PathValue("connector"))
	for _, k := range s.connectors() {
		if k.category == category && k.name == name {
			return k, true
		}
	}
	failure(w, http.StatusNotFound, "IDG-50009", "Unable to find any connector with the provided identifier "+r.PathValue("connector")+".")
	return connector{}, false
}

// connectors are those of this build, with its properties.
func (s *Server) connectors() []connector {
	var out []connector
	for _, k := range connectors {
		if slices.Contains(s.without, k.name) {
			continue
		}
		k.hidden = s.without
		out = append(out, k)
	}
	return out
}

func unencoded(id string) string {
	name, _ := base64.RawURLEncoding.DecodeString(id)
	return string(name)
}

func (k connector) view(values map[string]string) any {
	return map[string]any{"id": base64.RawURLEncoding.EncodeToString([]byte(k.name)), "name": k.name, "category": k.category, "properties": k.listed(values)}
}
