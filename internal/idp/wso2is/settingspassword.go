package wso2is

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// passwordRule says which validator's property holds one of our settings
// (catalogue PWD-03 to PWD-05).
type passwordRule struct {
	validator, property string
	// absent is what a server does without the property; empty where no wish says so.
	absent string
}

const (
	minLength = "min.length"
	maxLength = "max.length"
)

var passwordRules = map[tenant.Setting]passwordRule{
	tenant.PasswordMinLength:   {validator: "LengthValidator", property: minLength},
	tenant.PasswordMaxLength:   {validator: "LengthValidator", property: maxLength},
	tenant.PasswordLower:       {validator: "LowerCaseValidator", property: minLength, absent: "0"},
	tenant.PasswordUpper:       {validator: "UpperCaseValidator", property: minLength, absent: "0"},
	tenant.PasswordDigit:       {validator: "NumeralValidator", property: minLength, absent: "0"},
	tenant.PasswordSpecial:     {validator: "SpecialCharacterValidator", property: minLength, absent: "0"},
	tenant.PasswordMaxRepeated: {validator: "RepeatedCharacterValidator", property: "max.consecutive.character", absent: "0"},
	tenant.PasswordMinUnique:   {validator: "UniqueCharacterValidator", property: "min.unique.character", absent: "0"},
}

// validators are the rules of a password, by validator and property. Nil means that
// the server judges by a regular expression instead, which excludes rules.
type validators map[string]map[string]string

// decode reads the live value of a setting. It is false where a regular expression
// or nothing at all stands in the place of the rule.
func (r passwordRule) decode(live validators) (string, bool) {
	if live == nil {
		return "", false
	}
	value, ok := live[r.validator][r.property]
	if !ok {
		return r.absent, r.absent != ""
	}
	return number{}.decode(value), true
}

// apply sets the value in rules. All that no setting names stays.
func (r passwordRule) apply(rules validators, value string) error {
	least := 1
	if r.absent != "" {
		least = 0
	}
	encoded, err := number{min: least}.encode(value)
	if err != nil {
		return err
	}
	if encoded == r.absent {
		delete(rules[r.validator], r.property)
		if len(rules[r.validator]) == 0 {
			delete(rules, r.validator) // the product keeps no validator without a property
		}
		return nil
	}
	if rules[r.validator] == nil {
		rules[r.validator] = map[string]string{}
	}
	rules[r.validator][r.property] = encoded
	return nil
}

// check finds what the product answers with a number only.
func (v validators) check() error {
	least, _ := strconv.Atoi(v["LengthValidator"][minLength])
	if most, err := strconv.Atoi(v["LengthValidator"][maxLength]); err == nil && least > most {
		return fmt.Errorf("the shortest password, %d, would be longer than the longest, %d", least, most)
	}
	return nil
}

func (v validators) clone() validators {
	out := make(validators, len(v))
	for name, properties := range v {
		out[name] = maps.Clone(properties)
	}
	return out
}

// ruleModel and mappingModel are the wire form; order has no meaning in it.
type ruleModel struct {
	Validator  string         `json:"validator"`
	Properties []mappingModel `json:"properties"`
}

type mappingModel struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type passwordModel struct {
	Field string      `json:"field,omitempty"`
	Rules []ruleModel `json:"rules"` // empty is not the same as missing
	RegEx []ruleModel `json:"regEx,omitempty"`
}

func (m passwordModel) validators() validators {
	if len(m.RegEx) > 0 {
		return nil
	}
	out := validators{}
	for _, rule := range m.Rules {
		out[rule.Validator] = map[string]string{}
		for _, property := range rule.Properties {
			out[rule.Validator][property.Key] = property.Value
		}
	}
	return out
}

func (v validators) model() passwordModel {
	model := passwordModel{Rules: []ruleModel{}}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		rule := ruleModel{Validator: name, Properties: []mappingModel{}}
		for _, key := range slices.Sorted(maps.Keys(v[name])) {
			rule.Properties = append(rule.Properties, mappingModel{Key: key, Value: v[name][key]})
		}
		model.Rules = append(model.Rules, rule)
	}
	return model
}
