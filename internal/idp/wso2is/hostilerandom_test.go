package wso2is_test

import (
	"encoding/xml"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/idptest"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// usualRounds is how many texts the usual run tries; HOLDFAST_FUZZ_ROUNDS tries others.
const usualRounds = 500

// hostilePieces mean something to TOML, properties files, XML, shells or the server's templates.
var hostilePieces = []string{"'", `"`, `\`, `'''`, `"""`, "=", ":", "[", "]", "#", "!", "&", "<", ">", "$", "{", "}", "%", "\u2028", "é", "x", "acme", " ", ".", ",", "-->", "]]>",
	"`", ";", "|", "$(id)", "/", "@", "\n", "\t", "\x00", "%n", "%X{", "\\u0041", "&amp;", "-D"}

// places are where a person's text can come into a rendered file.
var places = []struct {
	name string
	put  func(*tenant.Spec, string)
}{
	{"spec.hostname", func(s *tenant.Spec, text string) { s.Hostname = text }},
	{"spec.database.host", func(s *tenant.Spec, text string) { s.Database.Host = text }},
	{"spec.database.name", func(s *tenant.Spec, text string) { s.Database.Name = text }},
	{"spec.database.sharedName", func(s *tenant.Spec, text string) { s.Database.SharedName = text }},
	{"spec.database.agentName", func(s *tenant.Spec, text string) { s.Database.AgentName = text }},
	{"spec.mail.host", func(s *tenant.Spec, text string) { s.Mail.Host = text }},
	{"spec.mail.from", func(s *tenant.Spec, text string) { s.Mail.From = text }},
	{"spec.userStores[1].activeDirectory.users.searchBase", func(s *tenant.Spec, text string) { s.UserStores[1].Users.SearchBase = text }},
	{"spec.userStores[1].activeDirectory.groups.filter", func(s *tenant.Spec, text string) { s.UserStores[1].Groups.Filter = text }},
	{"a masking pattern", func(s *tenant.Spec, text string) { s.Logs.Masking[0].Pattern = text }},
	{"extraConfig", func(s *tenant.Spec, text string) {
		s.ExtraConfig = map[string]any{"free": map[string]any{"text": text, "list": []any{text}}}
	}},
}

// Whatever a person writes, each file can be read, has the keys that it has without it, and says
// the same of each other one; and what stands in XML ends in its attribute. A text that could not
// is refused, with the field named.
func TestRandomTextStaysInsideItsKey(t *testing.T) {
	t.Parallel()
	rounds := usualRounds
	if asked, err := strconv.Atoi(os.Getenv("HOLDFAST_FUZZ_ROUNDS")); err == nil {
		rounds = asked
	}
	random := rand.New(rand.NewPCG(3, 5))
	written, begin := 0, time.Now()
	plain := map[string]map[string][]string{}
	for _, place := range places {
		want := fullSpec(versions[2])
		place.put(&want, "plain.example")
		plain[place.name] = rendered(t, want, place.name, "plain.example")
	}
	for range rounds {
		place := places[random.IntN(len(places))]
		var text strings.Builder
		for range 1 + random.IntN(12) {
			text.WriteString(hostilePieces[random.IntN(len(hostilePieces))])
		}
		want := fullSpec(versions[2])
		place.put(&want, text.String())
		if _, err := (wso2is.Driver{}).Config(want, idptest.FactsFor(want)); err != nil {
			if !fault.IsTerminal(err) {
				t.Fatalf("%s is %q: %v", place.name, text.String(), err)
			}
			continue
		}
		written++
		got := rendered(t, want, place.name, text.String())
		if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(plain[place.name])); !slices.Equal(a, b) {
			t.Fatalf("%s is %q: the keys are %v, want %v", place.name, text.String(), a, b)
		}
		for key, values := range got {
			touched := strings.Contains(strings.Join(plain[place.name][key], " "), "plain") // or what is made of it
			if !touched && !slices.Equal(values, plain[place.name][key]) {
				t.Fatalf("%s is %q, and %s becomes %q", place.name, text.String(), key, values)
			}
			if store, _, ofStore := strings.Cut(key, "."); ofStore && store == "partners-eu" {
				if touched && !strings.Contains(values[0], text.String()) {
					t.Fatalf("%s is %q, and the server reads %s as %q", place.name, text.String(), key, values[0])
				}
				continue // read from XML already
			}
			if touched && !strings.HasPrefix(key, "masking_pattern.") {
				expectInsideXML(t, key, values)
			}
		}
	}
	t.Logf("%d texts in %s: %d written, %d refused", rounds, time.Since(begin).Round(time.Millisecond), written, rounds-written)
	if written < rounds/4 {
		t.Errorf("only %d of %d were written: the test shows little", written, rounds)
	}
}

// rendered are the keys of all files.
func rendered(t *testing.T, want tenant.Spec, place, text string) map[string][]string {
	t.Helper()
	files, err := (wso2is.Driver{}).Config(want, idptest.FactsFor(want))
	if err != nil {
		t.Fatalf("%s is %q: %v", place, text, err)
	}
	configuration, err := evidence.TOML(files["deployment.toml"])
	if err != nil {
		t.Fatalf("%s is %q: %v", place, text, err)
	}
	logging, err := evidence.Properties(files["log4j2.properties"])
	if err != nil {
		t.Fatalf("%s is %q: %v", place, text, err)
	}
	maps.Copy(configuration.Values, logging.Values)
	for _, store := range []string{"corp", "partners-eu"} {
		file, err := evidence.UserStore(store, files[layout.UserStoreFile(store)])
		if err != nil {
			t.Fatalf("%s is %q: %v", place, text, err)
		}
		maps.Copy(configuration.Values, file.Values)
	}
	return configuration.Values
}

// expectInsideXML reads what the server makes of a value: an attribute, without escaping it.
func expectInsideXML(t *testing.T, key string, values []string) {
	t.Helper()
	for _, value := range values {
		var read struct {
			Value string     `xml:"value,attr"`
			Other []xml.Attr `xml:",any,attr"`
		}
		if err := xml.Unmarshal([]byte(`<element value="`+value+`"></element>`), &read); err != nil || len(read.Other) > 0 {
			t.Fatalf("%s = %q ends its attribute: %v, %v", key, value, err, read.Other)
		}
	}
}
