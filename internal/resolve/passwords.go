package resolve

import (
	"strconv"
	"time"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Defaults of a password policy. Sources: NIST SP 800-63B 5.1.1.2 (length, no common
// words), OWASP ASVS 2.1, and the lock-out of at least 15 minutes of ISO/IEC 27002 8.5.
const (
	defaultMinLength       = 12
	defaultMaxLength       = 64
	defaultClass           = 1
	defaultMaxRepeated     = 2
	defaultMinUnique       = 6
	defaultHistory         = 5
	defaultMaxAge          = 90 * 24 * time.Hour
	defaultLockoutAttempts = 5
	defaultLockoutDuration = 15 * time.Minute
	defaultBackoffFactor   = 2
)

// PasswordSettings gives the settings of a policy with every default filled in. A
// duration that is not a whole number of the product's units is a Terminal fault.
func PasswordSettings(policy v1alpha1.PasswordPolicySpec) (tenant.RealmSettings, error) {
	length, require, lockout := v1alpha1.PasswordLength{}, v1alpha1.PasswordClasses{}, v1alpha1.Lockout{}
	if policy.Length != nil {
		length = *policy.Length
	}
	if policy.Require != nil {
		require = *policy.Require
	}
	if policy.Lockout != nil {
		lockout = *policy.Lockout
	}
	maxAge, lock := defaultMaxAge, defaultLockoutDuration
	if policy.MaxAge != nil {
		maxAge = policy.MaxAge.Duration
	}
	if lockout.Duration != nil {
		lock = lockout.Duration.Duration
	}
	if lockout.Permanent {
		lock = 0
	}
	days, err := whole("maxAge", maxAge, 24*time.Hour, "days")
	if err != nil {
		return nil, err
	}
	minutes, err := whole("lockout.duration", lock, time.Minute, "minutes")
	if err != nil {
		return nil, err
	}
	return tenant.RealmSettings{
		tenant.PasswordMinLength:    integer(length.Min, defaultMinLength),
		tenant.PasswordMaxLength:    integer(length.Max, defaultMaxLength),
		tenant.PasswordLower:        integer(require.Lower, defaultClass),
		tenant.PasswordUpper:        integer(require.Upper, defaultClass),
		tenant.PasswordDigit:        integer(require.Digit, defaultClass),
		tenant.PasswordSpecial:      integer(require.Special, defaultClass),
		tenant.PasswordMaxRepeated:  integer(policy.MaxRepeated, defaultMaxRepeated),
		tenant.PasswordMinUnique:    integer(policy.MinUnique, defaultMinUnique),
		tenant.PasswordNotUsername:  boolean(policy.NotUsername, true),
		tenant.PasswordNotCommon:    boolean(policy.NotCommon, true),
		tenant.PasswordHistory:      integer(policy.History, defaultHistory),
		tenant.PasswordMaxAgeDays:   days,
		tenant.LockoutAttempts:      integer(lockout.Attempts, defaultLockoutAttempts),
		tenant.LockoutMinutes:       minutes,
		tenant.LockoutBackoffFactor: integer(lockout.BackoffFactor, defaultBackoffFactor),
	}, nil
}

func whole(field string, d, unit time.Duration, units string) (string, error) {
	if d%unit != 0 {
		return "", fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s is %s: write a whole number of %s", field, d, units)
	}
	return strconv.FormatInt(int64(d/unit), 10), nil
}

func integer(value *int32, otherwise int32) string {
	if value != nil {
		otherwise = *value
	}
	return strconv.FormatInt(int64(otherwise), 10)
}

func boolean(value *bool, otherwise bool) string {
	if value != nil {
		otherwise = *value
	}
	return strconv.FormatBool(otherwise)
}
