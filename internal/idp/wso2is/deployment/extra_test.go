package deployment

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/holdfast-iam/holdfast/internal/fault"
)

const ourFile = "[server]\nhostname = 'id.acme.example'\n\n[transport.http]\nenabled = false\n"

func TestWhatIsExtraIsAddedAndNothingReplaced(t *testing.T) {
	t.Parallel()
	merged, err := merge([]byte(ourFile), map[string]any{
		"server": map[string]any{"max_items_per_page": int64(1)}, "branding": map[string]any{"title": `R&D <"x">`, "on": true, "list": []any{"a", int64(2), 0.5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := toml.Unmarshal(merged, &read); err != nil {
		t.Fatal(err)
	}
	want := "map[branding:map[list:[a 2 0.5] on:true title:R&amp;D &lt;&quot;x&quot;&gt;] server:map[hostname:id.acme.example max_items_per_page:1] transport:map[http:map[enabled:false]]]"
	if got := fmt.Sprint(read); got != want {
		t.Errorf("merged is\n%s, want\n%s", got, want)
	}
	if same, err := merge([]byte(ourFile), nil); err != nil || string(same) != ourFile {
		t.Errorf("nothing extra changes the file: %v\n%s", err, same)
	}
}

func TestWhatIsExtraIsRefused(t *testing.T) {
	t.Parallel()
	table := func(keys string, value any) map[string]any {
		parts := strings.Split(keys, "/")
		for i := len(parts) - 1; i > 0; i-- {
			value = map[string]any{parts[i]: value}
		}
		return map[string]any{parts[0]: value}
	}
	for says, extra := range map[string]map[string]any{
		"extraConfig.transport.http.enabled belongs to the control TLS-01": table("transport/http/enabled", true),
		"belongs to the control TOK-01":                                    table("oauth/grant_type/password/enable", true),
		"extraConfig.server.hostname is written by Holdfast already":       table("server/hostname", "evil.example"),
		"extraConfig.transport belongs to the control NET-07":              table("transport", "none"),
		"system would undo what other keys say":                            table("system/parameter", map[string]any{"x": "y"}),
		"a reference to an environment variable":                           table("a/b", "$env{DATA_KEY}"),
		"a reference to a secret":                                          table("a/b", []any{"x", "$secret{x}"}),
		"a line break":                                                     table("a/b", "x\n[super_admin]\npassword = 1"),
		"a template expression":                                            table("a/b", "{{ x }}"),
		"a key of deployment.toml has letters":                             table("a.b", "x"),
		"a secret that the vendor publishes":                               table("a/b", "03BAFEB27A8E871CAD83C5CD4E771DAB"),
	} {
		if _, err := merge([]byte(ourFile), extra); !fault.IsTerminal(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want it to say %q", extra, err, says)
		}
	}
}

// hostileRounds is how many texts the usual run tries; HOLDFAST_FUZZ_ROUNDS tries others.
const hostileRounds = 4000

// Whatever the texts are, what is written is read as the same keys, and ours say what they said.
func TestHostileExtrasStayInTheirPlace(t *testing.T) {
	t.Parallel()
	rounds := hostileRounds
	if asked, err := strconv.Atoi(os.Getenv("HOLDFAST_FUZZ_ROUNDS")); err == nil {
		rounds = asked
	}
	random := rand.New(rand.NewPCG(7, 11))
	pieces := []string{"'", `"`, `\`, "'''", `"""`, "=", "[", "]", "#", "&", "<", ">", "$", "{", "}", "%", "\u2028", "é", "x", " ", ".", ",", "-->", "]]>", "`", ";", "|"}
	written, begin := 0, time.Now()
	for range rounds {
		var value strings.Builder
		for range random.IntN(24) {
			value.WriteString(pieces[random.IntN(len(pieces))])
		}
		merged, err := merge([]byte(ourFile), map[string]any{"free": map[string]any{"text": value.String(), "list": []any{value.String()}}})
		if err != nil {
			if !fault.IsTerminal(err) {
				t.Fatalf("%q: %v", value.String(), err)
			}
			continue
		}
		written++
		var read map[string]any
		if err := toml.Unmarshal(merged, &read); err != nil {
			t.Fatalf("%q: %v\n%s", value.String(), err, merged)
		}
		free := read["free"].(map[string]any)
		if len(read) != 3 || len(free) != 2 || fmt.Sprint(read["server"]) != "map[hostname:id.acme.example]" || fmt.Sprint(read["transport"]) != "map[http:map[enabled:false]]" ||
			strings.ContainsAny(free["text"].(string), `<>"'`) {
			t.Fatalf("%q is read as %v", value.String(), read)
		}
	}
	t.Logf("%d texts in %s: %d written, %d refused", rounds, time.Since(begin).Round(time.Millisecond), written, rounds-written)
	if written < rounds/4 {
		t.Errorf("only %d of %d were written: the test shows little", written, rounds)
	}
}
