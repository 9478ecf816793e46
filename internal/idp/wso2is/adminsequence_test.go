package wso2is_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin/hometest"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// foreignHand changes something of a realm as a person at the console would, declared or
// not, and says what.
type foreignHand struct {
	property, config, rule string
	values                 []string
}

// declaredHands change what the wish below declares, undeclaredHands what nobody does.
var (
	declaredHands = []foreignHand{
		{property: "account.lock.handler.lock.on.max.failed.attempts.enable", values: []string{"true", "false", ""}},
		{property: "account.lock.handler.On.Failure.Max.Attempts", values: []string{"1", "99", "many"}},
		{property: "passwordExpiry.skipIfNoApplicableRules", values: []string{"true", "false"}},
		{property: "Recovery.Notification.Password.smsOtp.Enable", values: []string{"true", "false"}},
		{property: "Recovery.Notification.Password.Enable", values: []string{"true", "false"}},
		{property: "Recovery.AutoLogin.Enable", values: []string{"true", "false"}},
		{property: "Recovery.CallbackRegex", values: []string{".*", "(?!)"}},
		{property: "SelfRegistration.SendConfirmationOnCreation", values: []string{"true", "false"}},
		{property: "EmailVerification.Enable", values: []string{"true", "false"}},
		{config: "/idleSessionTimeoutPeriod", values: []string{"1", "600", "43200"}},
		{config: "/enableMaximumSessionTimeoutPeriod", values: []string{"true", "false"}},
		{config: "/maximumSessionTimeoutPeriod", values: []string{"5", "99999"}},
		{config: "cors/allowAnyOrigin", values: []string{"true", "false"}},
		{config: "dcr/authenticationRequired", values: []string{"true", "false"}},
		{config: "jwt-key-validator/enableTokenReuse", values: []string{"true", "false"}},
		{rule: "LengthValidator.min.length", values: []string{"4", "30"}},
		{rule: "RepeatedCharacterValidator.max.consecutive.character", values: []string{"1", "9"}},
	}
	undeclaredHands = []foreignHand{
		{property: "account.lock.handler.notification.manageInternally", values: []string{"true", "false"}},
		{property: "Recovery.ReCaptcha.Password.Enable", values: []string{"true", "false"}},
		{property: "UserClaimUpdate.MobileNumber.EnableVerification", values: []string{"true", "false"}},
		{property: "somebody.elses", values: []string{"one", "two"}},
		{config: "cors/maxAge", values: []string{"60", "3600"}},
		{config: "cors/allowGenericHttpRequests", values: []string{"true", "false"}},
		{config: "dcr/mandateSSA", values: []string{"true", "false"}},
		{rule: "NumeralValidator.max.length", values: []string{"20", "30"}},
	}
)

// do makes one of the hand's changes, and gives it as text.
func (h foreignHand) do(state *standin.State, random *rand.Rand) (string, error) {
	value := h.values[random.IntN(len(h.values))]
	switch {
	case h.property != "":
		return h.property + "=" + value, state.SetProperty(root, h.property, value)
	case h.config != "":
		return h.config + "=" + value, state.SetConfig(root, h.config, value)
	}
	validator, property, _ := strings.Cut(h.rule, ".")
	return h.rule + "=" + value, state.SetPasswordRule(root, validator, property, value)
}

// undeclared are the values that nobody declared.
func undeclared(t *testing.T, state *standin.State) map[string]string {
	t.Helper()
	out := map[string]string{}
	properties, err := state.Properties(root)
	set(t, err)
	configs, err := state.Configs(root)
	set(t, err)
	rules, err := state.PasswordRules(root)
	set(t, err)
	for _, hand := range undeclaredHands {
		for name, values := range map[string]map[string]string{hand.property: properties, hand.config: configs, hand.rule: rules} {
			if value, stored := values[name]; stored {
				out[name] = value
			}
		}
	}
	return out
}

// TestAnySequenceOfForeignChangesIsPutBack: whatever others do, in whatever order, what is
// declared comes back with one Configure, and what nobody declared stays.
func TestAnySequenceOfForeignChangesIsPutBack(t *testing.T) {
	const sequences, longest = 300, 8
	home, state := hometest.New(t), standin.NewState()
	server := home.Start(t, state)
	admin := connect(t, home, server)
	want := tenant.Settings{root: maps.Clone(hardened)}
	configure(t, admin, tenant.Compare(want, observe(t, admin)))
	hands := slices.Concat(declaredHands, undeclaredHands)
	restored := 0
	for seed := range uint64(sequences) {
		random := rand.New(rand.NewPCG(seed, 4))
		var told []string
		for range 1 + random.IntN(longest) {
			what, err := hands[random.IntN(len(hands))].do(state, random)
			set(t, err)
			told = append(told, what)
		}
		before := undeclared(t, state)
		drift := tenant.Compare(want, observe(t, admin))
		restored += len(drift)
		if err := admin.Configure(t.Context(), drift); err != nil {
			t.Fatalf("seed %d, after %q: %v", seed, told, err)
		}
		if left := tenant.Compare(want, observe(t, admin)); len(left) > 0 {
			t.Fatalf("seed %d, after %q: not put back: %v", seed, told, left)
		}
		if diff := cmp.Diff(before, undeclared(t, state)); diff != "" {
			t.Fatalf("seed %d, after %q: what nobody declared was changed (-before +after):\n%s", seed, told, diff)
		}
	}
	if restored < sequences {
		t.Errorf("only %d settings were put back: the hands change nothing", restored)
	}
	t.Logf("%d sequences, %d settings put back", sequences, restored)
}
