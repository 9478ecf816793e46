package evidence

import (
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// Properties reads log4j2.properties as Java reads a properties file: comments,
// separators, escapes, and lines that go on after a backslash. Faults: *Error for an
// escape that Java refuses.
func Properties(content []byte) (File, error) { return properties(control.Log, content) }

// Keycloak reads keycloak.conf, which is a properties file too.
func Keycloak(content []byte) (File, error) { return properties(control.KeycloakConf, content) }

func properties(document control.Document, content []byte) (File, error) {
	file := newFile(document)
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content)), "\n")
	for at := 0; at < len(lines); at++ {
		line, number := strings.TrimLeft(lines[at], " \t\f"), at+1
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) {
			line = line[:len(line)-1]
			if at+1 == len(lines) {
				break
			}
			at++
			line += strings.TrimLeft(lines[at], " \t\f")
		}
		rawKey, rawValue := cut(line)
		key, keyOK := unescape(rawKey)
		value, valueOK := unescape(rawValue)
		if !keyOK || !valueOK {
			return File{}, &Error{Document: document, Line: number, Message: `\u is not followed by four hexadecimal digits`}
		}
		if _, there := file.Values[key]; there {
			file.Repeated[key] = true
		}
		file.Values[key], file.Lines[key] = []string{value}, number
	}
	return file, nil
}

// continues tells whether a line ends in a backslash that nothing escapes.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cut splits at the first separator that nothing escapes: a sign, spaces, or both.
func cut(line string) (key, value string) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return line, ""
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:end], value
}

func unescape(text string) (string, bool) {
	var out []uint16
	for runes := []rune(text); len(runes) > 0; runes = runes[1:] {
		if runes[0] != '\\' || len(runes) == 1 {
			out = utf16.AppendRune(out, runes[0])
			continue
		}
		runes = runes[1:]
		switch runes[0] {
		case 'u':
			if len(runes) < 5 {
				return "", false
			}
			unit, err := strconv.ParseUint(string(runes[1:5]), 16, 16)
			if err != nil {
				return "", false
			}
			out = append(out, uint16(unit))
			runes = runes[4:]
		case 'n', 't', 'r', 'f':
			out = append(out, uint16(map[rune]rune{'n': '\n', 't': '\t', 'r': '\r', 'f': '\f'}[runes[0]]))
		default:
			out = utf16.AppendRune(out, runes[0])
		}
	}
	return string(utf16.Decode(out)), true
}
