package wso2is

import (
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// withoutValidator are settings that no part of the product can enforce (catalogue
// PWD-06, FR-12). Off is enforced by doing nothing.
var withoutValidator = map[tenant.Setting]string{
	tenant.PasswordNotUsername: "WSO2 Identity Server has no validator that compares a password with the user name; " +
		"enforce it with a pre-update-password action",
	tenant.PasswordNotCommon: "WSO2 Identity Server has no list of common passwords; " +
		"enforce it with a pre-update-password action",
}

// NotEnforceable implements idp.Driver.
func (Driver) NotEnforceable(want tenant.Spec) map[string][]string {
	return idp.Unenforceable(want.Settings(), notEnforceable)
}

func notEnforceable(setting tenant.Setting, value string) (string, bool) {
	if reason, ok := withoutValidator[setting]; ok {
		return reason, value != "false"
	}
	if _, ok := passwordRules[setting]; ok {
		return "", false
	}
	if _, ok := bindings[setting]; ok {
		return "", false
	}
	if _, ok := configFields[setting]; ok {
		return "", false
	}
	return "WSO2 Identity Server has no such setting", true
}
