// Package text has one type for each way in which the server reads a value of its
// configuration. The server fills templates without escaping anything, so a value
// that came from outside is written through a type of this package and nothing else.
package text

import (
	"encoding"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The types are structs, not strings: the TOML encoder asks a string for its value
// and not for its text.

// Reference stands for the value of an environment variable. It is the only way in
// which a secret is part of a file of ours.
type Reference struct{ variable string }

// Env refers to an environment variable.
func Env(variable string) Reference { return Reference{variable} }

// MarshalText implements encoding.TextMarshaler.
func (r Reference) MarshalText() ([]byte, error) {
	for _, c := range r.variable {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return nil, fmt.Errorf("%q is no name of an environment variable", r.variable)
		}
	}
	if r.variable == "" {
		return nil, errors.New("a reference names no environment variable")
	}
	return []byte("$env{" + r.variable + "}"), nil
}

// XML is a value that the server writes into an XML file as it is.
type XML struct{ text string }

// ForXML makes a value for XML of what came from outside.
func ForXML(text string) XML { return XML{text} }

// MarshalText implements encoding.TextMarshaler.
func (x XML) MarshalText() ([]byte, error) {
	if err := Check(x.text); err != nil {
		return nil, err
	}
	return []byte(EscapeXML(x.text)), nil
}

// Property is a value that the server writes into a Java properties file as it is.
type Property struct{ text string }

// ForProperties makes a value for a properties file of what came from outside.
func ForProperties(text string) Property { return Property{text} }

// MarshalText implements encoding.TextMarshaler.
func (p Property) MarshalText() ([]byte, error) {
	if err := Check(p.text); err != nil {
		return nil, err
	}
	return []byte(EscapeProperty(p.text)), nil
}

// Joined is several of them in a row: an address with a secret inside.
type Joined []encoding.TextMarshaler

// MarshalText implements encoding.TextMarshaler.
func (j Joined) MarshalText() ([]byte, error) {
	var all []byte
	for _, part := range j {
		text, err := part.MarshalText()
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}

// EscapeXML makes text stand for itself in an element and in an attribute. It is the
// one place where text is escaped for XML: credentials, which the server reads from
// its environment and writes into XML too, come through it as well.
func EscapeXML(text string) string { return xmlEscaper.Replace(text) }

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// placeholders are what the server, its template engine and the readers of the
// rendered files replace inside a value, each with what it is.
var placeholders = []struct{ mark, meaning string }{
	{"$env{", "a reference to an environment variable"},
	{"$sys{", "a reference to a system property"},
	{"$ref{", "a reference to another key"},
	{"$secret{", "a reference to a secret"},
	{"${", "a reference to a system property"},
	{"{{", "a template expression"},
	{"{%", "a template statement"},
	{"{#", "a template comment"},
}

// Check refuses text that would not stand for itself: whatever the server replaces,
// and control characters. Its error names what is wrong and does not quote the text.
func Check(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("it is not UTF-8")
	}
	for _, p := range placeholders {
		if strings.Contains(text, p.mark) {
			return fmt.Errorf("the server would take a part of it for %s (%s…)", p.meaning, p.mark)
		}
	}
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return errors.New("it has a line break or another control character")
	}
	return nil
}
