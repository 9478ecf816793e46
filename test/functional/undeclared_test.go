package functional

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// Realms that nobody declares.
const (
	early = "early.example" // there before the operator
	late  = "late.example"  // made while it runs
)

// A realm that nobody declares is hardened, reported or left, as undeclaredRealms says. What nobody
// declares of it stays in any case, and which realms there are replaces no pod.
func TestUndeclaredRealms(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	seen := &meter{}
	options := seen.options()
	options.Resync = 5 * time.Second
	operated(t, options, ns)
	acme := harness.NewTenant(ns, "acme")
	live := serverOf(acme)
	database := standin.FileState(live.file)
	if err := errors.Join(os.MkdirAll(world.Player.Folder, 0o700), database.AddServerTenant(early), database.SetProperty(early, attemptsProperty, "10")); err != nil {
		t.Fatal(err)
	}
	ready(t, acme)
	hardened := live.property(t, "carbon.super", attemptsProperty)
	live.expectIn(t, early, attemptsProperty, hardened)

	// One that appears is hardened at the next look, and no pod is replaced for it.
	revision, pods := awaitUpToDate(t, acme).Status.ServingRevision, podsOf(t, acme)
	if err := errors.Join(database.AddServerTenant(late), database.SetProperty(late, undeclaredProperty, "true")); err != nil {
		t.Fatal(err)
	}
	live.expectIn(t, late, attemptsProperty, hardened)
	notes := awaitEvents(t, ns, "IdentityTenant", v1alpha1.EventRealmHardened, 2)
	if !slices.ContainsFunc(notes, func(note string) bool {
		return strings.Contains(note, late) && strings.Contains(note, "nobody declares")
	}) {
		t.Errorf("the events do not tell of %s: %v", late, notes)
	}
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return outcomes(seen) == "early.example undeclared Held, late.example undeclared Held, root declared Held" && counts(seen) == "2 found, 2 held, 0 pending, 0 unlisted"
	})

	// What was changed there by hand is put back and told, as anywhere else.
	if err := database.SetProperty(late, attemptsProperty, "10"); err != nil {
		t.Fatal(err)
	}
	live.expectIn(t, late, attemptsProperty, hardened)
	note := awaitEvents(t, ns, "IdentityTenant", v1alpha1.EventSettingRestored, 1)[0]
	for _, told := range []string{late, "lockout.attempts", `"10"`} {
		if !strings.Contains(note, told) {
			t.Errorf("the event does not name %s: %s", told, note)
		}
	}
	live.expectIn(t, late, undeclaredProperty, "true")

	// An unchanged server is asked for its realms once a pass, and written to never.
	settle(t, seen)
	seen.reset()
	eventually(t, "some more looks", func() bool { return lists(seen) >= 4 })
	settle(t, seen)
	if writes := seen.writes(); len(writes) > 0 {
		t.Errorf("unchanged realms were written about:\n%s", strings.Join(writes, "\n"))
	}
	if passes := requests(seen, "GET /api/server/v1/validation-rules/password"); lists(seen) != passes {
		t.Errorf("the realms were listed %d times in %d passes", lists(seen), passes)
	}

	// Report tells the difference and writes nothing.
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.UndeclaredRealms = v1alpha1.UndeclaredReport })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.ObservedGeneration == seen.Generation && strings.HasPrefix(outcomes(seen), "early.example undeclared Held")
	})
	if err := database.SetProperty(late, attemptsProperty, "9"); err != nil {
		t.Fatal(err)
	}
	told := await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return strings.Contains(outcomes(seen), "late.example undeclared Differs")
	})
	for _, realm := range told.Status.Realms {
		if want := []string{fmt.Sprintf("lockout.attempts is %q, wanted is %q", "9", hardened)}; realm.Name == late && !slices.Equal(realm.Differences, want) {
			t.Errorf("the differences are %q, want %q", realm.Differences, want)
		}
	}
	if applied := apimeta.FindStatusCondition(told.Status.Conditions, v1alpha1.ConditionSettingsApplied); applied.Status != "True" || !strings.Contains(applied.Message, "1 do not hold") {
		t.Errorf("SettingsApplied is %s: %s", applied.Status, applied.Message)
	}
	seen.reset()
	eventually(t, "some more looks", func() bool { return lists(seen) >= 3 })
	if writes := seen.product.Writes(); len(writes) > 0 || live.property(t, late, attemptsProperty) != "9" {
		t.Errorf("%s holds %s; with Report these were written: %v", late, live.property(t, late, attemptsProperty), writes)
	}
	if now := awaitUpToDate(t, acme).Status; now.ServingRevision != revision || now.DesiredRevision != revision || !maps.Equal(pods, podsOf(t, acme)) {
		t.Errorf("realms, or how they are looked at, rolled the pods: revision %s, then %s", revision, now.ServingRevision)
	}

	// Ignore does not even look: the pods that it is rolled out to do not let the operator in.
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.UndeclaredRealms = v1alpha1.UndeclaredIgnore })
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.ServingRevision != revision && seen.Status.ServingRevision == seen.Status.DesiredRevision &&
			outcomes(seen) == "root declared Held" && seen.Status.UndeclaredRealms == nil
	})
	seen.reset()
	eventually(t, "some more looks", func() bool { return requests(seen, "GET /api/server/v1/validation-rules/password") >= 3 })
	if asked := requests(seen, "/t/") + lists(seen); asked > 0 || live.property(t, late, attemptsProperty) != "9" {
		t.Errorf("%d requests about realms that are ignored; %s holds %s", asked, late, live.property(t, late, attemptsProperty))
	}

	// And back, once the pods let the operator in.
	edit(t, acme, func(spec *v1alpha1.IdentityTenantSpec) { spec.UndeclaredRealms = "" })
	live.expectIn(t, late, attemptsProperty, hardened)
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return counts(seen) == "2 found, 2 held, 0 pending, 0 unlisted"
	})
	t.Logf("2 realms that nobody declares: hardened, told, left and hardened again; one that appeared replaced no pod")
}

// outcomes tells the realms of a status in one line.
func outcomes(seen *v1alpha1.IdentityTenant) string {
	var told []string
	for _, realm := range seen.Status.Realms {
		declared := map[bool]string{true: "declared", false: "undeclared"}[realm.Declared]
		told = append(told, fmt.Sprintf("%s %s %s", realm.Name, declared, realm.Outcome))
	}
	return strings.Join(told, ", ")
}

func counts(seen *v1alpha1.IdentityTenant) string {
	c := seen.Status.UndeclaredRealms
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%d found, %d held, %d pending, %d unlisted", c.Found, c.Held, c.Pending, c.Unlisted)
}

// requests counts requests to the product that contain something.
func requests(m *meter, part string) (number int) {
	for _, request := range m.product.Requests() {
		if strings.Contains(request, part) {
			number++
		}
	}
	return number
}

func lists(m *meter) int { return requests(m, "GET /api/server/v1/tenants") }

// property is what a realm holds now.
func (s runningServer) property(t *testing.T, domain, name string) string {
	t.Helper()
	content, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	var database struct {
		Realms map[string]struct{ Properties map[string]string }
	}
	if err := json.Unmarshal(content, &database); err != nil {
		t.Fatal(err)
	}
	return database.Realms[domain].Properties[name]
}
