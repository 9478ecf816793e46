package control

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// gone are ids that were given and dropped; none comes back with another meaning.
var gone = []string{}

var (
	idPattern  = regexp.MustCompile(`^(KEY|TLS|TOK|PWD|ACC|POD|NET|LOG|DAT|PRV|OPS)-[0-9]{2}$`)
	keyPattern = regexp.MustCompile(`^[^\s=\[\]"']+$`)
)

func TestIDsAreUniqueAndSorted(t *testing.T) {
	t.Parallel()
	last := ""
	for _, entry := range Load() {
		if !idPattern.MatchString(entry.ID) {
			t.Errorf("%q is no id", entry.ID)
		}
		if entry.ID <= last {
			t.Errorf("%s comes after %s", entry.ID, last)
		}
		if slices.Contains(gone, entry.ID) {
			t.Errorf("%s was dropped and is used again", entry.ID)
		}
		last = entry.ID
	}
}

// TestEachFileHasItsArea: who looks for TLS-04 opens TLS.yaml.
func TestEachFileHasItsArea(t *testing.T) {
	t.Parallel()
	names, err := files.ReadDir("catalogue")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := files.ReadFile("catalogue/" + name.Name())
		if err != nil {
			t.Fatal(err)
		}
		area, err := read(fstest.MapFS{"catalogue/one.yaml": {Data: content}})
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range area {
			if !strings.HasPrefix(entry.ID, strings.TrimSuffix(name.Name(), ".yaml")+"-") {
				t.Errorf("%s stands in %s", entry.ID, name.Name())
			}
		}
	}
}

func TestEachControlIsWhole(t *testing.T) {
	t.Parallel()
	for _, entry := range Load() {
		if entry.Title == "" || strings.HasSuffix(entry.Title, ".") || len(entry.Title) > 120 {
			t.Errorf("%s: the title %q is no short line", entry.ID, entry.Title)
		}
		if !strings.HasSuffix(entry.Why, ".") {
			t.Errorf("%s: the reason %q is no sentence", entry.ID, entry.Why)
		}
		if entry.Obsolete != "" && (len(entry.Checks) > 0 || entry.Paper || entry.Gap != "" || entry.Enforced != "") {
			t.Errorf("%s is obsolete and asks for something", entry.ID)
		}
		for _, check := range entry.Checks {
			checkIsWhole(t, entry.ID, check)
		}
	}
}

func checkIsWhole(t *testing.T, id string, check Check) {
	t.Helper()
	documents := []Document{Deployment, Log, KeycloakConf, UserStores, Settings, Pod, Tenant}
	if !slices.Contains(documents, check.In) || !keyPattern.MatchString(check.Key) {
		t.Errorf("%s: %q of %q is no place", id, check.Key, check.In)
	}
	asks := false
	for _, profile := range Profiles() {
		rule := check.Rule(profile)
		if rule == nil {
			continue
		}
		asks = true
		if members(*rule) != 1 {
			t.Errorf("%s %s, %s: a rule has one member, and this has %d", id, check.Key, profile, members(*rule))
		}
		if _, err := regexp.Compile(rule.Matches); err != nil {
			t.Errorf("%s %s: %v", id, check.Key, err)
		}
		for _, element := range slices.Concat(rule.Only, rule.With, rule.Without) {
			if !slices.Equal(split([]string{element}), []string{element}) {
				t.Errorf("%s %s: %q is cut into elements, so that it is never found: write matches", id, check.Key, element)
			}
		}
		for _, bound := range []string{rule.AtLeast, rule.AtMost} {
			if _, err := quantity(bound); bound != "" && !version.MatchString(bound) && err != nil {
				t.Errorf("%s %s: %v", id, check.Key, err)
			}
		}
	}
	if !asks {
		t.Errorf("%s %s asks nothing in any profile", id, check.Key)
	}
	for profile := range check.Profiles {
		if !slices.Contains(Profiles(), profile) {
			t.Errorf("%s %s: %q is no profile", id, check.Key, profile)
		}
	}
}

func members(r Rule) (count int) {
	for _, set := range []bool{
		r.Equals != nil, len(r.OneOf) > 0, len(r.Only) > 0, len(r.With) > 0, len(r.Without) > 0, r.AtLeast != "", r.AtMost != "", r.Matches != "", r.Set,
	} {
		if set {
			count++
		}
	}
	return count
}

// TestProfilesGetNoWeaker: what the product does by itself, and is too weak for one
// profile, is too weak for each stricter one.
func TestProfilesGetNoWeaker(t *testing.T) {
	t.Parallel()
	for _, entry := range Load() {
		for _, check := range entry.Checks {
			if check.Default == nil {
				continue
			}
			weak := false
			for _, profile := range Profiles() {
				rule := check.Rule(profile)
				holds := rule == nil || rule.Holds(check.Default)
				if weak && holds {
					t.Errorf("%s %s: %s takes the default %q, and a weaker profile does not", entry.ID, check.Key, profile, check.Default)
				}
				weak = weak || !holds
			}
		}
	}
}
