package idptest

import (
	"fmt"
	"slices"

	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// realmsAreListed asks for all realms, however many there are, in our own terms.
func realmsAreListed(b *bench) {
	var before []string
	writes := b.writes(func() { before = b.list(b.connect()) })
	for _, realm := range b.server.Realms {
		if !slices.Contains(before, realm) {
			b.Errorf("%s is not among %v", realm, before)
		}
	}
	if writes != 0 || !slices.IsSorted(before) || len(slices.Compact(slices.Clone(before))) != len(before) {
		b.Errorf("%d writes, and the list is %v; want none, and each realm once and in order", writes, before)
	}
	if inactive := b.server.InactiveRealm; inactive == "" {
		b.leavesOut("every realm is served")
	} else if slices.Contains(before, inactive) {
		b.Errorf("%s is listed, and nobody serves it", inactive)
	}
	if b.server.AddRealm == nil {
		b.leavesOut("nobody else can make a realm")
		return
	}
	want := slices.Clone(before)
	for i := range b.server.ManyRealms {
		name := fmt.Sprintf("listed-%03d.example", i)
		b.server.AddRealm(name)
		want = append(want, name)
	}
	b.server.AddRealm(tenant.RootRealm) // which is not the root realm
	want = append(want, idp.RealmCalledRoot)
	slices.Sort(want)
	b.differs("realms", want, b.list(b.connect()))
}

// strangersRealm hardens a realm that somebody else has just made, also one that bears the name
// that we have for another.
func strangersRealm(b *bench) {
	if b.server.AddRealm == nil {
		b.leavesOut("nobody else can make a realm")
		return
	}
	for _, name := range []string{"appeared.example", idp.RealmCalledRoot} {
		b.server.AddRealm(idp.NameOf(name, "the root realm"))
		admin := b.connect()
		root := b.observe(admin)[tenant.RootRealm]
		want := tenant.Settings{name: b.server.Want}
		seen, err := admin.Observe(b.ctx, []string{name})
		if err != nil {
			b.Fatalf("Observe %s: %v", name, err)
		}
		diff := tenant.Compare(want, seen)
		if len(diff) == 0 {
			b.Fatalf("%s holds everything already, so nothing is tried", name)
		}
		b.configure(admin, diff)
		seen, err = b.connect().Observe(b.ctx, []string{name})
		if err != nil {
			b.Fatalf("Observe %s: %v", name, err)
		}
		b.differs("Compare of "+name, tenant.Diff(nil), tenant.Compare(want, seen))
		b.differs("the root realm", root, b.observe(admin)[tenant.RootRealm])
	}
}

func (b *bench) list(admin idp.Admin) []string {
	b.Helper()
	names, err := admin.Realms(b.ctx)
	if err != nil {
		b.Fatalf("Realms: %v", err)
	}
	return names
}
