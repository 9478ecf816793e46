package idptest

import (
	"maps"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

func observeChangesNothing(b *bench) {
	admin := b.connect()
	first := b.observe(admin)
	readsBefore, _ := b.server.Count()
	writes := b.writes(func() { b.differs("a second look", first, b.observe(admin)) })
	reads, _ := b.server.Count()
	if writes != 0 || reads == readsBefore {
		b.Errorf("Observe made %d writes and %d reads; want none, and some", writes, reads-readsBefore)
	}
}

func configureIsReadBack(b *bench) {
	admin := b.connect()
	b.restored(admin)
	want := b.want(b.server.Want)
	diff := tenant.Compare(want, b.observe(admin))
	if len(diff) == 0 {
		b.Log("the server holds everything already; the values of Other make it differ first")
		b.configure(admin, tenant.Compare(b.want(b.server.Other), b.observe(admin)))
		diff = tenant.Compare(want, b.observe(admin))
	}
	if len(diff) == 0 {
		b.Fatal("nothing differs, so nothing is tried")
	}
	b.configure(admin, diff)
	b.differs("Compare after Configure", tenant.Diff(nil), tenant.Compare(want, b.observe(admin)))
	// Another connection sees it too: it was not the Admin that remembered it.
	b.differs("Compare on another connection", tenant.Diff(nil), tenant.Compare(want, b.observe(b.connect())))
}

func configureTwiceIsOnce(b *bench) {
	admin := b.connect()
	before := b.restored(admin)
	diff := tenant.Compare(b.want(b.server.Want), before)
	b.configure(admin, diff)
	if writes := b.writes(func() { b.configure(admin, diff) }); writes != 0 {
		b.Errorf("the second Configure made %d writes; want none", writes)
	}
	if writes := b.writes(func() { b.configure(admin, nil) }); writes != 0 {
		b.Errorf("Configure of nothing made %d writes; want none", writes)
	}
}

// eachSettingAlone changes one setting after the other and looks at all the rest: what
// nobody declared stays, although products keep many settings in one place.
func eachSettingAlone(b *bench) {
	admin := b.connect()
	b.restored(admin)
	root := b.server.Realms[0]
	for _, values := range []tenant.RealmSettings{b.server.Want, b.server.Other} {
		for _, setting := range sorted(values) {
			before := b.observe(admin)
			b.configure(admin, tenant.Diff{{Realm: root, Setting: setting, From: before[root][setting], To: values[setting]}})
			expected := maps.Clone(before[root])
			expected[setting] = values[setting]
			before[root] = expected
			b.differs("settings after "+string(setting)+" = "+values[setting], before, b.observe(admin))
		}
	}
}

func realmsAreApart(b *bench) {
	if len(b.server.Realms) < 2 {
		b.leavesOut("it has one realm")
		return
	}
	admin := b.connect()
	before := b.restored(admin)
	second := b.server.Realms[1]
	b.configure(admin, tenant.Compare(tenant.Settings{second: b.server.Want}, before))
	after := b.observe(admin)
	b.differs("the first realm", before[b.server.Realms[0]], after[b.server.Realms[0]])
	b.differs("Compare of the second realm", tenant.Diff(nil), tenant.Compare(tenant.Settings{second: b.server.Want}, after))
}

func foreignChange(b *bench) {
	admin := b.connect()
	b.restored(admin)
	want := b.want(b.server.Want)
	b.configure(admin, tenant.Compare(want, b.observe(admin)))
	root := b.server.Realms[0]
	for _, setting := range sorted(b.server.Other) {
		foreign := tenant.Change{Realm: root, Setting: setting, From: b.server.Want[setting], To: b.server.Other[setting]}
		b.configure(b.connect(), tenant.Diff{foreign})
		drift := tenant.Compare(want, b.observe(admin))
		b.differs("drift", tenant.Diff{{Realm: root, Setting: setting, From: foreign.To, To: foreign.From}}, drift)
		b.configure(admin, drift)
		b.differs("after it was put back", tenant.Diff(nil), tenant.Compare(want, b.observe(admin)))
	}
}

func unknownSetting(b *bench) {
	admin := b.connect()
	change := tenant.Diff{{Realm: b.server.Realms[0], Setting: "no.such.setting", To: "1"}}
	var err error
	if writes := b.writes(func() { err = admin.Configure(b.ctx, change) }); writes != 0 {
		b.Errorf("%d writes for a setting that nobody knows", writes)
	}
	b.refuses(err, true, idp.ReasonSettingRefused, b.server.Realms[0], "no.such.setting")
}

func impossibleValue(b *bench) {
	admin := b.connect()
	before := b.restored(admin)
	root := b.server.Realms[0]
	for _, setting := range sorted(b.server.Impossible) {
		// A good change beside it must not be half a Configure.
		change := tenant.Compare(tenant.Settings{root: b.server.Want}, before)
		change = append(change, tenant.Change{Realm: root, Setting: setting, To: b.server.Impossible[setting]})
		var err error
		if writes := b.writes(func() { err = admin.Configure(b.ctx, change) }); writes != 0 {
			b.Errorf("%s = %q: %d writes; want none", setting, b.server.Impossible[setting], writes)
		}
		b.refuses(err, true, idp.ReasonSettingRefused, "realm "+root, string(setting))
	}
	b.differs("settings", before, b.observe(admin))
}

func notEnforceable(b *bench) {
	admin := b.connect()
	b.restored(admin)
	settings := maps.Clone(b.server.Want)
	maps.Copy(settings, b.server.NotEnforced)
	want := spec(b.server.Realms, settings)
	reported := b.subject.Driver.NotEnforceable(want)
	for _, realm := range b.server.Realms {
		if len(reported[realm]) != len(b.server.NotEnforced) {
			b.Errorf("realm %s: reported %q; want one for each of %v", realm, reported[realm], sorted(b.server.NotEnforced))
		}
	}
	b.differs("what is left to enforce", b.want(b.server.Want), idp.Enforceable(want.Settings(), reported))
	b.configure(admin, tenant.Compare(want.Settings(), b.observe(admin)))
	seen := b.observe(admin)
	for _, setting := range sorted(b.server.NotEnforced) {
		if value, ok := seen[b.server.Realms[0]][setting]; ok {
			b.Errorf("Observe pretends that %s is %q", setting, value)
		}
	}
}

func swallowedWrite(b *bench) {
	if b.server.Swallow == nil {
		b.leavesOut("it cannot be made to swallow a write")
		return
	}
	admin := b.connect()
	before := b.restored(admin)
	b.server.Swallow(true)
	for _, setting := range sorted(b.server.Want) {
		diff := tenant.Compare(b.want(tenant.RealmSettings{setting: b.server.Want[setting]}), before)
		if len(diff) == 0 {
			b.Fatalf("%s is %q from the start, so nothing is tried", setting, b.server.Want[setting])
		}
		for _, c := range diff {
			b.refuses(admin.Configure(b.ctx, tenant.Diff{c}), true, idp.ReasonSettingRefused, "realm "+c.Realm, string(setting))
		}
	}
	b.server.Swallow(false)
	b.differs("settings", before, b.observe(admin))
}

// raceOfWrites has somebody else take a setting back right after we wrote it. Ours
// holds in the end.
func raceOfWrites(b *bench) {
	if b.server.Race == nil {
		b.leavesOut("nothing can be written right after a write")
		return
	}
	admin := b.connect()
	for _, setting := range sorted(b.server.Other) {
		b.configure(admin, tenant.Compare(b.want(b.server.Other), b.observe(admin)))
		lost := b.server.Race(setting, b.server.Other[setting])
		b.configure(admin, tenant.Compare(b.want(b.server.Want), b.observe(admin)))
		if !lost() {
			b.Errorf("%s: nobody wrote in between, so nothing was tried", setting)
		}
		b.differs("Compare after a race on "+string(setting), tenant.Diff(nil), tenant.Compare(b.want(b.server.Want), b.observe(admin)))
	}
}

func missingRealm(b *bench) {
	if b.server.MissingRealm == "" {
		b.leavesOut("it has every realm")
		return
	}
	admin := b.connect()
	_, err := admin.Observe(b.ctx, []string{b.server.Realms[0], b.server.MissingRealm})
	b.refuses(err, false, idp.ReasonRealmMissing, b.server.MissingRealm)
	err = admin.Configure(b.ctx, tenant.Compare(tenant.Settings{b.server.MissingRealm: b.server.Want}, nil))
	b.refuses(err, false, idp.ReasonRealmMissing, b.server.MissingRealm)
}
