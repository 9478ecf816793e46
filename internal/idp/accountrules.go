package idp

import (
	"strconv"

	"github.com/holdfast-iam/holdfast/internal/keystore"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// AccountRules are what the tenant declares for passwords of the root realm, where generated
// accounts live: the server holds them to it as it does everybody.
func AccountRules(want tenant.Spec) keystore.PasswordRules {
	declared := want.Settings()[tenant.RootRealm]
	number := func(setting tenant.Setting) int {
		n, err := strconv.Atoi(declared[setting])
		if err != nil {
			return 0
		}
		return n
	}
	return keystore.PasswordRules{
		Min: number(tenant.PasswordMinLength), Max: number(tenant.PasswordMaxLength),
		Lower: number(tenant.PasswordLower), Upper: number(tenant.PasswordUpper),
		Digit: number(tenant.PasswordDigit), Special: number(tenant.PasswordSpecial),
		MinUnique: number(tenant.PasswordMinUnique),
	}
}
