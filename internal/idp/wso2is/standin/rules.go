package standin

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validatorProperties are the rules' validators and what each takes.
var validatorProperties = map[string][]string{
	"LengthValidator":            {"min.length", "max.length"},
	"NumeralValidator":           {"min.length", "max.length"},
	"UpperCaseValidator":         {"min.length", "max.length"},
	"LowerCaseValidator":         {"min.length", "max.length"},
	"SpecialCharacterValidator":  {"min.length", "max.length"},
	"UniqueCharacterValidator":   {"min.unique.character"},
	"RepeatedCharacterValidator": {"max.consecutive.character"},
}

var expressionValidators = []string{"JavaRegExValidator", "JsRegExValidator"}

// defaultRules hold until somebody writes some.
var defaultRules = map[string]string{
	"LengthValidator.min.length":           "8",
	"LengthValidator.max.length":           "64",
	"NumeralValidator.min.length":          "1",
	"UpperCaseValidator.min.length":        "1",
	"LowerCaseValidator.min.length":        "1",
	"SpecialCharacterValidator.min.length": "1",
}

type rule struct {
	Validator  string    `json:"validator"`
	Properties []mapping `json:"properties"`
}

type mapping struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (s *Server) getRules(w http.ResponseWriter, r *http.Request, in session) {
	if r.PathValue("field") != "password" {
		failure(w, http.StatusBadRequest, "IVM-60002", "Invalid or unsupported field is provided.")
		return
	}
	answer(w, http.StatusOK, in.realm.rulesView())
}

func (s *Server) putRules(w http.ResponseWriter, r *http.Request, in session) {
	var body struct{ Rules, RegEx []rule }
	if r.PathValue("field") != "password" {
		failure(w, http.StatusBadRequest, "IVM-60002", "Invalid or unsupported field is provided.")
		return
	}
	if !decode(w, r, &body) {
		return
	}
	if (body.Rules == nil) == (body.RegEx == nil) {
		failure(w, http.StatusBadRequest, "60020", "Validation configurations can be configured with one of them: rules or regex.")
		return
	}
	stored := map[string]string{}
	for _, given := range slices.Concat(body.Rules, body.RegEx) {
		if code, problem := s.checkRule(given, body.Rules != nil); problem != "" {
			failure(w, http.StatusBadRequest, code, problem)
			return
		}
		for _, p := range given.Properties {
			stored[given.Validator+"."+p.Key] = p.Value
		}
	}
	if s.swallow.Load() {
		answer(w, http.StatusOK, map[string]any{"field": "password", "rules": body.Rules})
		return
	}
	err := s.write(in.domain, func(r *realm) error { r.Rules, r.RegEx = stored, body.RegEx != nil; return nil })
	if err != nil {
		failure(w, http.StatusInternalServerError, "IVM-65002", err.Error())
		return
	}
	s.written()
	answer(w, http.StatusOK, (&realm{Rules: stored, RegEx: body.RegEx != nil}).rulesView())
}

// checkRule finds what the product refuses, with its code.
func (s *Server) checkRule(given rule, isRule bool) (code, problem string) {
	allowed, known := validatorProperties[given.Validator]
	if !isRule {
		allowed, known = []string{"regex"}, slices.Contains(expressionValidators, given.Validator)
	}
	if !known {
		return "60019", "The validator " + given.Validator + " is not a type of this validator."
	}
	values := map[string]int{}
	for _, p := range given.Properties {
		if !slices.Contains(allowed, p.Key) {
			return "60018", fmt.Sprintf("The property %s not supported for %s.", p.Key, given.Validator)
		}
		if !isRule {
			if _, err := regexp.Compile(p.Value); err != nil {
				return "60002", "Invalid regex pattern provided for Java."
			}
			continue
		}
		number, err := strconv.Atoi(p.Value)
		if err != nil || number < 0 {
			return "60017", fmt.Sprintf("The property %s should be a integer value.", p.Key)
		}
		values[p.Key] = number
	}
	longest, bounded := values["max.length"]
	if bounded && (values["min.length"] > longest || given.Validator == "LengthValidator" && int64(longest) > s.configuration.longestPassword()) {
		return "60003", fmt.Sprintf("Invalid configuration values for %s as min: %d and max: %d", given.Validator, values["min.length"], longest)
	}
	return "", ""
}

// rulesView groups what is stored, flat, by validator; a validator without a property
// was never stored.
func (r *realm) rulesView() map[string]any {
	stored := r.Rules
	if stored == nil {
		stored = defaultRules
	}
	var rules []rule
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(stored))) { // no order is promised
		name, property, _ := strings.Cut(key, ".")
		if len(rules) == 0 || rules[len(rules)-1].Validator != name {
			rules = append(rules, rule{Validator: name})
		}
		last := &rules[len(rules)-1]
		last.Properties = append(last.Properties, mapping{property, stored[key]})
	}
	view := map[string]any{"field": "password"}
	kind := "rules"
	if r.RegEx {
		kind = "regEx"
	}
	if rules == nil {
		rules = []rule{}
	}
	view[kind] = rules
	return view
}

// SetPasswordExpression judges passwords of a realm by a regular expression instead
// of by rules.
func (s *State) SetPasswordExpression(realm, expression string) error {
	return s.update(func(d *database) error {
		r := d.Realms[domainOf(realm)]
		r.Rules, r.RegEx = map[string]string{"JavaRegExValidator.regex": expression, "JsRegExValidator.regex": expression}, true
		return nil
	})
}

// SetPasswordRule changes one property of a rule, as a person at the console would.
func (s *State) SetPasswordRule(realm, validator, property, value string) error {
	return s.update(func(d *database) error {
		r := d.Realms[domainOf(realm)]
		if r.Rules == nil {
			r.Rules = maps.Clone(defaultRules)
		}
		r.Rules[validator+"."+property] = value
		return nil
	})
}

// PasswordRules are a realm's stored rules by "Validator.property", nil before the first write.
func (s *State) PasswordRules(realm string) (map[string]string, error) {
	found, err := s.realm(domainOf(realm))
	if err != nil || found == nil {
		return nil, err
	}
	return found.Rules, nil
}
