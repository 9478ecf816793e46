package text

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestTOMLAsksForTheText: a type that the encoder took for a plain string would leave
// every value unescaped and every reference a name.
func TestTOMLAsksForTheText(t *testing.T) {
	type values struct {
		Reference Reference           `toml:"reference"`
		XML       XML                 `toml:"xml"`
		Property  Property            `toml:"property"`
		Joined    Joined              `toml:"joined"`
		List      []XML               `toml:"list"`
		Map       map[string]Property `toml:"map"`
	}
	encoded, err := toml.Marshal(values{
		Reference: Env("DATA_KEY"), XML: ForXML(`a&b<c>"d'`), Property: ForProperties(`\d`),
		Joined: Joined{ForXML("x?a&b="), Env("PASSWORD")}, List: []XML{ForXML("&")}, Map: map[string]Property{"a.b": ForProperties(`\d`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Reference, XML, Property, Joined string
		List                             []string
		Map                              map[string]string
	}
	if err := toml.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"reference": {got.Reference, "$env{DATA_KEY}"},
		"xml":       {got.XML, "a&amp;b&lt;c&gt;&quot;d&apos;"},
		"property":  {got.Property, `\\d`},
		"joined":    {got.Joined, "x?a&amp;b=$env{PASSWORD}"},
		"list":      {strings.Join(got.List, ","), "&amp;"},
		"map":       {got.Map["a.b"], `\\d`},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, wanted %q", name, pair[0], pair[1])
		}
	}
}

func TestReferencesNameVariables(t *testing.T) {
	for _, name := range []string{"", "lower", "A B", "A}", "A\n", "$env{A}"} {
		if text, err := Env(name).MarshalText(); err == nil {
			t.Errorf("%q becomes %s", name, text)
		}
	}
}

func TestXMLStandsForItself(t *testing.T) {
	for _, text := range []string{"", "plain", `&<>"'`, "&amp;", "]]>", "<!--", "äöü€😀", "$1", `back\slash`} {
		var read struct {
			Attribute string `xml:"attribute,attr"`
			Element   string `xml:"element"`
		}
		document := `<a attribute="` + EscapeXML(text) + `"><element>` + EscapeXML(text) + `</element></a>`
		if err := xml.Unmarshal([]byte(document), &read); err != nil || read.Attribute != text || read.Element != text {
			t.Errorf("%q reads as %q and %q (%v)", text, read.Attribute, read.Element, err)
		}
	}
}

func TestProperties(t *testing.T) {
	var p Properties
	p.Section("first\nforged = 1")
	p.Set("a b:c=d#!", " leading and trailing ")
	p.Set(" x", "line\nbreak\ttab\\")
	p.Section("second")
	p.Set("ä", "€😀")
	const wanted = "# first forged = 1\n" +
		`a\ b\:c\=d\#\! = \ leading and trailing ` + "\n" +
		`\ x = line\u000Abreak\u0009tab\\` + "\n" +
		"\n# second\n" +
		`\u00E4 = \u20AC\uD83D\uDE00` + "\n"
	if got := string(p.Bytes()); got != wanted {
		t.Errorf("got\n%s\nwanted\n%s", got, wanted)
	}
}

// TestCheckDoesNotQuote: what is checked may be a secret.
func TestCheckDoesNotQuote(t *testing.T) {
	for _, text := range []string{"canary$env{X}", "canary$sys{X}", "canary$ref{X}", "canary$secret{X}", "canary${X}", "canary{{X}}", "canary{%X%}", "canary{#X#}", "canary\n", "canary\x00", "canary\x7f", "canary\xff"} {
		err := Check(text)
		if err == nil {
			t.Errorf("%q passes", text)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q quotes what it checked", err)
		}
		for name, value := range map[string]interface{ MarshalText() ([]byte, error) }{"XML": ForXML(text), "Property": ForProperties(text), "Joined": Joined{ForXML(text)}} {
			if _, err := value.MarshalText(); err == nil {
				t.Errorf("%s writes %q", name, text)
			}
		}
	}
	for _, text := range []string{"", "plain", "$", "{", "a{2,3}", `\d{4}`, "%d", "#", "äöü", "$(x)", "{ {"} {
		if err := Check(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
