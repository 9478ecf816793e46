package identitytenant

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// undeclaredRealms is what is remembered, from pass to pass, of the realms of one server that
// nobody declares.
type undeclaredRealms struct {
	owner types.UID
	mode  tenant.UndeclaredMode
	// wanted is what they are held to.
	wanted tenant.RealmSettings
	// turn counts the passes since that became so.
	turn   int
	realms map[string]*undeclaredRealm
}

// undeclaredRealm is one of them.
type undeclaredRealm struct {
	fact tenant.UndeclaredRealm
	// turn in which it was looked at last; 0: in none.
	turn int
	// err is why what is wanted does not hold there, where that counts.
	err error
	// held are the settings that it was last seen to hold, drift what was changed since then and
	// could not be put back yet.
	held  tenant.RealmSettings
	drift tenant.Diff
}

// of gives the memory for what is wanted now. When that is not what was wanted before, each realm
// is to be looked at again.
func (u *undeclaredRealms) of(want tenant.Spec, wanted tenant.RealmSettings) *undeclaredRealms {
	if u == nil || u.owner != want.Owner.UID {
		u = &undeclaredRealms{owner: want.Owner.UID, realms: map[string]*undeclaredRealm{}}
	}
	if u.mode != want.Undeclared.Mode || !maps.Equal(u.wanted, wanted) {
		u.mode, u.wanted, u.turn = want.Undeclared.Mode, wanted, 0
		for name, realm := range u.realms {
			u.realms[name] = &undeclaredRealm{fact: tenant.UndeclaredRealm{Name: name}, held: realm.held, drift: realm.drift}
		}
	}
	u.turn++
	return u
}

// found takes the names that the server lists now. Others are forgotten. held tells of a new one
// whether somebody saw it hold what is wanted before.
func (u *undeclaredRealms) found(names []string, held func(string) bool) {
	known := u.realms
	u.realms = make(map[string]*undeclaredRealm, len(names))
	for _, name := range names {
		realm := known[name]
		if realm == nil {
			realm = &undeclaredRealm{fact: tenant.UndeclaredRealm{Name: name}}
			if held(name) {
				realm.held = u.wanted
			}
		}
		u.realms[name] = realm
	}
}

// next are the realms that nobody looked at for longest, some at most.
func (u *undeclaredRealms) next(most int) []*undeclaredRealm {
	all := slices.SortedFunc(maps.Values(u.realms), func(a, b *undeclaredRealm) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.fact.Name, b.fact.Name))
	})
	return all[:min(most, len(all))]
}

// split tells what was changed by hand from what was never as wanted. What an earlier pass found
// changed, and could not put back, is that still.
func (r *undeclaredRealm) split(diff tenant.Diff) (drift, fresh tenant.Diff) {
	drift = slices.Clone(r.drift)
	for _, change := range diff {
		told := slices.ContainsFunc(drift, func(c tenant.Change) bool { return c.Setting == change.Setting })
		switch {
		case told:
		case r.held[change.Setting] == change.To:
			drift = append(drift, change)
		default:
			fresh = append(fresh, change)
		}
	}
	return drift, fresh
}

// judge writes down what a look came to. Where nothing is enforced nothing fails. A realm that the
// server lists and does not serve is told and nobody's fault, and so is one that the pods let the
// operator into once their rollout is over.
func (u *undeclaredRealms) judge(realm *undeclaredRealm, err error, upToDate bool) {
	realm.turn, realm.err, realm.fact.Message = u.turn, nil, ""
	switch {
	case err == nil && len(realm.fact.Differences) == 0:
		realm.fact.Outcome = tenant.RealmHeld
	case err == nil:
		realm.fact.Outcome, realm.fact.Message = tenant.RealmDiffers, "Nothing is written there, since spec.undeclaredRealms is Report"
	case idp.IsSettingRefused(err):
		realm.fact.Outcome = tenant.RealmRefused
	default:
		realm.fact.Outcome = tenant.RealmUnread
	}
	if err == nil {
		return
	}
	realm.fact.Differences = nil
	f := fault.Of(err, v1alpha1.ReasonError)
	realm.fact.Message = f.Message
	if f.Reason == v1alpha1.ReasonRealmMissing {
		realm.fact.Message = "The server lists it, and serves none of its settings"
	}
	afterRollout := f.Reason == v1alpha1.ReasonServerRefusedLogin && !upToDate
	if u.mode == tenant.UndeclaredEnforce && f.Reason != v1alpha1.ReasonRealmMissing && !afterRollout {
		realm.err = fmt.Errorf("%w; nobody declares this realm: declare it, or set spec.undeclaredRealms to Report", err)
	}
}

// worst is the error to tell of all realms, with how many more have one.
func (u *undeclaredRealms) worst() error {
	var worst error
	failed := 0
	for _, name := range slices.Sorted(maps.Keys(u.realms)) {
		if err := u.realms[name].err; err != nil {
			worst = fault.Worse(worst, err)
			failed++
		}
	}
	if failed > 1 {
		worst = fmt.Errorf("%w; %d more are not held either: status.realms", worst, failed-1)
	}
	return worst
}

// pending is how many nobody looked at yet.
func (u *undeclaredRealms) pending() (number int) {
	for _, realm := range u.realms {
		if realm.turn == 0 {
			number++
		}
	}
	return number
}

func (u *undeclaredRealms) fact() *tenant.UndeclaredFact {
	fact := &tenant.UndeclaredFact{}
	for _, name := range slices.Sorted(maps.Keys(u.realms)) {
		fact.Realms = append(fact.Realms, u.realms[name].fact)
	}
	return fact
}
