package text

import (
	"bytes"
	"fmt"
	"strings"
)

// Properties is a Java properties file: lines in the order in which they were set.
type Properties struct{ lines bytes.Buffer }

// Set appends a property.
func (p *Properties) Set(key, value string) {
	p.lines.WriteString(escapeKey(key) + " = " + EscapeProperty(value) + "\n")
}

// Section appends an empty line and a comment of one line.
func (p *Properties) Section(comment string) {
	if p.lines.Len() > 0 {
		p.lines.WriteByte('\n')
	}
	p.lines.WriteString("# " + strings.Map(printable, comment) + "\n")
}

// Bytes is the file.
func (p *Properties) Bytes() []byte { return bytes.Clone(p.lines.Bytes()) }

// EscapeProperty makes text stand for itself as the value of a property
// (java.util.Properties, "load").
func EscapeProperty(text string) string {
	var out strings.Builder
	for i, c := range text {
		switch {
		case c == '\\', c == ' ' && i == 0:
			out.WriteByte('\\')
			out.WriteRune(c)
		case c >= ' ' && c <= '~':
			out.WriteRune(c)
		default:
			for _, unit := range utf16(c) {
				fmt.Fprintf(&out, `\u%04X`, unit)
			}
		}
	}
	return out.String()
}

// escapeKey is EscapeProperty for a key, which a separator or a space would end and
// a comment sign would hide.
func escapeKey(key string) string {
	// The mark keeps a leading space from being escaped twice.
	return keyEscaper.Replace(EscapeProperty("." + key)[1:])
}

var keyEscaper = strings.NewReplacer(" ", `\ `, ":", `\:`, "=", `\=`, "#", `\#`, "!", `\!`)

func utf16(c rune) []rune {
	if c < 0x10000 {
		return []rune{c}
	}
	c -= 0x10000
	return []rune{0xD800 + c>>10, 0xDC00 + c&0x3FF}
}

func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return ' '
	}
	return c
}
