package conf

import (
	"bytes"
	"fmt"
	"strings"
)

// Check refuses text that the server would not read as it stands: it has expressions such as
// ${HOME}, which can also bring in secrets, and a backslash escapes.
func Check(text string) error {
	for _, c := range text {
		switch {
		case c == '$', c == '\\':
			return fmt.Errorf("it has the character %q, with which the server begins an expression", c)
		case c < ' ' || c > '~':
			return fmt.Errorf("it has the character %U: use printable ASCII", c)
		}
	}
	if strings.TrimSpace(text) != text {
		return fmt.Errorf("it begins or ends with a space")
	}
	return nil
}

// properties are lines of keycloak.conf, in the order in which they were set. The first value
// that cannot be written is kept as problem, with the key.
type properties struct {
	lines   bytes.Buffer
	problem error
}

func (p *properties) set(key, value string) {
	if err := Check(value); err != nil && p.problem == nil {
		p.problem = fmt.Errorf("%s: %w", key, err)
	}
	p.lines.WriteString(key + "=" + value + "\n")
}

func (p *properties) section(comment string) {
	if p.lines.Len() > 0 {
		p.lines.WriteByte('\n')
	}
	p.lines.WriteString("# " + comment + "\n")
}
