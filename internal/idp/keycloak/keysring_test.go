package keycloak

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/idp"
)

var began = time.Date(2027, 1, 15, 10, 0, 0, 0, time.UTC)

const (
	ahead   = time.Hour
	longest = 15 * time.Minute
)

// fakeRealm is a realm in memory: a fake, which does what a write says.
type fakeRealm struct {
	keys []heldKey
	made int
	now  time.Time
}

func (f *fakeRealm) state(previous, current, next int, unused bool) realmKeys {
	r := realmKeys{unused: unused, held: slices.Clone(f.keys), ring: idp.Ring{Now: func() time.Time { return f.now }, Ahead: ahead, LongestToken: longest,
		Over: func(since time.Time, wait time.Duration) bool { return !f.now.Before(since.Add(wait)) }}}
	for _, generation := range []int{previous, current, next} {
		if generation == 0 {
			continue
		}
		key := ringKey{idp.SigningKey{Generation: generation}, fmt.Sprintf("ours-%d", generation)}
		r.all = append(r.all, key)
		if generation == current {
			r.current = key
		}
	}
	return r
}

func (f *fakeRealm) do(w *write) {
	at := slices.IndexFunc(f.keys, func(h heldKey) bool { return h.component.text("id") == w.id })
	switch w.method {
	case http.MethodPost:
		f.made++
		config := w.body["config"].(map[string]any)
		f.keys = append(f.keys, heldKey{component: component{"id": strconv.Itoa(f.made), "name": w.body["name"], markField: w.body[markField]},
			id: w.of.id, enabled: true, active: config["active"].([]string)[0] == "true"})
	case http.MethodPut:
		config := w.body["config"].(map[string]any)
		f.keys[at].enabled, f.keys[at].active = true, config["active"].([]string)[0] == "true"
		f.keys[at].component = w.body
	case http.MethodDelete:
		f.keys = slices.Delete(f.keys, at, at+1)
	}
}

// signs is the key that a token would carry, of those that are active the one with the highest
// priority; empty: none.
func (f *fakeRealm) signs() (id string) {
	for _, held := range f.keys {
		if held.active && (id == "" || held.ours()) {
			id = held.id
		}
	}
	return id
}

// settle writes until there is nothing to write, and gives what was done.
func (f *fakeRealm) settle(t *testing.T, previous, current, next int, unused bool) (done []string, again time.Time) {
	t.Helper()
	for range mostWrites {
		var w *write
		if w, again = f.state(previous, current, next, unused).next(); w == nil {
			return done, again
		}
		f.do(w)
		done = append(done, w.what)
		if f.signs() == "" {
			t.Fatalf("after %q nothing signs: %+v", w.what, f.keys)
		}
	}
	t.Fatalf("no end: %v", done)
	return nil, again
}

func generated() heldKey {
	return heldKey{component: component{"id": "generated", "name": "rsa-generated"}, id: "theirs", enabled: true, active: true}
}

// A realm that is used already goes over to the ring as a ring moves: published, then signing,
// and the former key goes when no token needs it.
func TestAUsedRealmGoesOverInItsTime(t *testing.T) {
	f := &fakeRealm{keys: []heldKey{generated()}, now: began}
	if _, again := f.settle(t, 0, 1, 2, false); f.signs() != "theirs" || len(f.keys) != 3 || !again.Equal(began.Add(ahead)) {
		t.Fatalf("at first %s signs, looked at again at %s: %+v", f.signs(), again, f.keys)
	}
	f.now = began.Add(ahead - time.Second)
	if done, _ := f.settle(t, 0, 1, 2, false); len(done) != 0 {
		t.Fatalf("before its time: %v", done)
	}
	f.now = began.Add(ahead)
	if _, again := f.settle(t, 0, 1, 2, false); f.signs() != "ours-1" || len(f.keys) != 3 || !again.Equal(f.now.Add(longest)) {
		t.Fatalf("then %s signs, looked at again at %s: %+v", f.signs(), again, f.keys)
	}
	f.now = f.now.Add(longest)
	if _, again := f.settle(t, 0, 1, 2, false); len(f.keys) != 2 || !again.IsZero() {
		t.Fatalf("in the end: %+v", f.keys)
	}
	if done, _ := f.settle(t, 0, 1, 2, false); len(done) != 0 || !f.state(0, 1, 2, false).settled() {
		t.Fatalf("at rest: %v", done)
	}
}

func TestAnUnusedRealmSignsAtOnce(t *testing.T) {
	f := &fakeRealm{keys: []heldKey{generated()}, now: began}
	if f.settle(t, 0, 1, 2, true); f.signs() != "ours-1" {
		t.Fatalf("%s signs: %+v", f.signs(), f.keys)
	}
}

// One of ours that the ring forgot leaked, or the ring has waited for it.
func TestAKeyThatTheRingForgotGoesAtOnce(t *testing.T) {
	f := &fakeRealm{now: began}
	f.settle(t, 0, 1, 2, false)
	f.settle(t, 0, 3, 4, false)
	if f.signs() != "ours-3" || len(f.keys) != 2 {
		t.Errorf("after the leak: %+v", f.keys)
	}
}

// A foreign key that signed again has tokens again, whatever was noted of it before.
func TestAForeignKeyThatSignsAgainWaitsAnew(t *testing.T) {
	f := &fakeRealm{now: began}
	f.settle(t, 0, 1, 2, false)
	again := generated()
	again.component[markField] = markPassive + began.Add(-24*time.Hour).Format(time.RFC3339)
	f.keys = append(f.keys, again)
	if _, until := f.settle(t, 0, 1, 2, false); f.signs() != "ours-1" || len(f.keys) != 3 || !until.Equal(began.Add(longest)) {
		t.Errorf("until %s: %+v", until, f.keys)
	}
}

// TestEveryStateComesToRest begins with whatever somebody may have done to the keys of a
// realm: it ends as the ring says, always something signs, and it is quiet then.
func TestEveryStateComesToRest(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 7))
	for round := range 2000 {
		f := &fakeRealm{now: began}
		current := 1 + random.IntN(3)
		previous := 0
		if current > 1 && random.IntN(4) > 0 {
			previous = current - 1
		}
		for n := range random.IntN(7) {
			generation := 1 + random.IntN(5)
			held := heldKey{component: component{"id": fmt.Sprintf("c%d", n)}, enabled: random.IntN(4) > 0}
			held.active = held.enabled && random.IntN(2) == 0
			held.component[markField] = []string{"", "nonsense", markPublished + began.Format(time.RFC3339), markPassive + began.Format(time.RFC3339)}[random.IntN(4)]
			switch random.IntN(3) {
			case 0:
				held.component["name"], held.id = "somebody's", fmt.Sprintf("theirs-%d", generation)
			default:
				held.id = fmt.Sprintf("ours-%d", generation)
				held.component["name"] = ringKey{idp.SigningKey{Generation: generation}, ""}.name()
			}
			f.keys = append(f.keys, held)
		}
		if f.signs() == "" {
			f.keys = append(f.keys, generated()) // the server makes one itself then
		}
		begin := fmt.Sprintf("%+v", f.keys)
		for range 4 {
			f.settle(t, previous, current, current+1, random.IntN(2) == 0)
			f.now = f.now.Add(ahead)
		}
		state := f.state(previous, current, current+1, false)
		if done, again := f.settle(t, previous, current, current+1, false); len(done) != 0 || !again.IsZero() || !state.settled() || f.signs() != state.current.id {
			t.Fatalf("round %d: began with %s\nends with %+v", round, begin, f.keys)
		}
	}
}
