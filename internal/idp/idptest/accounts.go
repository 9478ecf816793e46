package idptest

import (
	"github.com/holdfast-iam/holdfast/internal/idp"
)

// lets wants a login to be let in, or not.
func (b *bench) lets(admin idp.Admin, account idp.UsernamePassword, want bool, why string) {
	b.Helper()
	got, err := admin.Login(b.ctx, account)
	if err != nil || got != want {
		b.Errorf("%s: Login of %q says %t, error %v; want %t, none", why, account.Username, got, err, want)
	}
}

func loginTells(b *bench) {
	admin := b.connect()
	writes := b.writes(func() {
		b.lets(admin, b.server.Access.Bootstrap, true, "the account that works")
		b.lets(admin, idp.UsernamePassword{Username: "nobody-of-this-name", Password: "Nobody-1-password"}, false, "an account that does not exist")
		if b.server.Stop == nil {
			b.leavesOut("a wrong password: it could lock the account")
			return
		}
		b.lets(admin, wrong(b.server.Access.Bootstrap), false, "a wrong password")
	})
	if writes != 0 {
		b.Errorf("Login made %d writes", writes)
	}
	if b.server.Stop == nil {
		return
	}
	b.server.Stop()
	_, err := admin.Login(b.ctx, b.server.Access.Bootstrap)
	b.refuses(err, false, idp.ReasonServerUnreachable)
}

// accountsTakeTurns: two accounts work side by side, the closed one is shut for good, and
// when it is opened again its old password stays dead.
func accountsTakeTurns(b *bench) {
	admin := b.connect()
	first := b.server.Access.System
	second := idp.UsernamePassword{Username: first.Username + "-b", Password: "Second-1-" + first.Password}
	step := func(what string, act func() (bool, error), want bool) {
		b.Helper()
		if changed, err := act(); err != nil || changed != want && b.server.Stop != nil {
			b.Fatalf("%s: changed %t, error %v; want %t, none", what, changed, err, want)
		}
	}
	open := func(account idp.UsernamePassword) func() (bool, error) {
		return func() (bool, error) { return admin.OpenAccount(b.ctx, account) }
	}
	closing := func(account idp.UsernamePassword) func() (bool, error) {
		return func() (bool, error) { return admin.CloseAccount(b.ctx, account) }
	}
	step("the first account", func() (bool, error) { return admin.EnsureAccounts(b.ctx) }, true)
	step("closing an account that does not exist", closing(idp.UsernamePassword{Username: "nobody-of-this-name", Password: "Nobody-1-password"}), false)
	step("the second account", open(second), true)
	if writes := b.writes(func() { step("the second account again", open(second), false) }); writes != 0 {
		b.Errorf("opening an open account made %d writes", writes)
	}
	b.lets(admin, first, true, "both are open")
	b.lets(admin, second, true, "both are open")

	step("closing the first", closing(first), true)
	if writes := b.writes(func() { step("closing the first again", closing(first), false) }); writes != 0 {
		b.Errorf("closing a closed account made %d writes", writes)
	}
	b.lets(admin, first, false, "the first is closed")
	b.lets(admin, second, true, "the second is not concerned")

	third := idp.UsernamePassword{Username: first.Username, Password: "Third-1-" + first.Password}
	step("the first account's turn again", open(third), true)
	b.lets(admin, first, false, "its old password")
	b.lets(admin, third, true, "its new password")
	b.lets(admin, second, true, "the second still is not concerned")
	step("closing the second", closing(second), true)
	b.lets(admin, second, false, "the second is closed")
}

func passwordReplaced(b *bench) {
	if b.server.Stop == nil {
		b.leavesOut("the password of the account that was given")
		return
	}
	admin := b.connect()
	old := b.server.Access.Bootstrap
	fresh := idp.UsernamePassword{Username: old.Username, Password: "Fresh-1-" + old.Password}
	if err := admin.SetPassword(b.ctx, fresh); err != nil {
		b.Fatalf("SetPassword: %v", err)
	}
	b.lets(admin, old, false, "the old password")
	b.lets(admin, fresh, true, "the new password")
	err := admin.SetPassword(b.ctx, old)
	b.refuses(err, true, idp.ReasonServerRefusedLogin) // the Admin still signs in with the old one
	access := b.server.Access
	access.Bootstrap = fresh
	other, err := b.tryConnect(access)
	if err != nil {
		b.Fatalf("Connect: %v", err)
	}
	if health, err := other.Probe(b.ctx); err != nil || !health.LoggedIn {
		b.Errorf("Probe with the new password: logged in %t, error %v", health.LoggedIn, err)
	}
}

func passwordRefused(b *bench) {
	if b.server.RefusePasswords == nil || b.server.Stop == nil {
		b.leavesOut("it cannot be made to refuse passwords")
		return
	}
	admin := b.connect()
	old := b.server.Access.Bootstrap
	fresh := idp.UsernamePassword{Username: old.Username, Password: "Fresh-1-" + old.Password}
	b.server.RefusePasswords(2)
	b.refuses(admin.SetPassword(b.ctx, fresh), true, idp.ReasonPasswordRefused, old.Username)
	b.lets(admin, old, true, "the old password after a refusal")
	b.lets(admin, fresh, false, "the refused password")
	system := b.server.Access.System
	_, err := admin.OpenAccount(b.ctx, system)
	b.refuses(err, true, idp.ReasonPasswordRefused, system.Username)
	if err := admin.SetPassword(b.ctx, fresh); err != nil {
		b.Errorf("SetPassword when nothing is refused any more: %v", err)
	}
}
