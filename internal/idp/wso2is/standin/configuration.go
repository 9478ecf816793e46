package standin

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// configuration is deployment.toml with its references resolved, by dotted key.
type configuration struct {
	values map[string]any
	tree   map[string]any
}

// readConfiguration refuses what the launcher of the real one refuses (catalogue
// G-02), and three things that the real one would only regret later: a missing file,
// an open HTTP port and a data key that is not 64 hexadecimal characters.
func readConfiguration(home fs.FS, environment func(string) (string, bool)) (configuration, error) {
	c := configuration{values: map[string]any{}}
	data, err := fs.ReadFile(home, "conf/deployment.toml")
	if err != nil {
		return c, refusal("conf/deployment.toml: %w", err)
	}
	if err := toml.Unmarshal(data, &c.tree); err != nil {
		return c, refusal("conf/deployment.toml: %w", err)
	}
	c.flatten("", c.tree)
	if err := c.resolve(environment); err != nil {
		return c, err
	}
	if enabled, isBool := c.values["transport.http.enabled"].(bool); !isBool || enabled {
		return c, refusal("transport.http.enabled is not the boolean false: the real server would open port 9763")
	}
	if err := c.checkDataKeys(); err != nil {
		return c, err
	}
	if c.text("super_admin.username") == "" || c.text("super_admin.password") == "" {
		return c, refusal("super_admin.username or super_admin.password is empty")
	}
	return c, nil
}

func (c configuration) flatten(prefix string, table map[string]any) {
	for key, value := range table {
		if nested, ok := value.(map[string]any); ok {
			c.flatten(prefix+key+".", nested)
			continue
		}
		c.values[prefix+key] = value
	}
}

var reference = regexp.MustCompile(`\$(env|sys|ref|secret)\{([^}]*)\}`)

// resolve replaces references in every string. $ref may name another reference.
func (c configuration) resolve(environment func(string) (string, bool)) error {
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		value, err := c.resolved(key, environment, 0)
		if err != nil {
			return err
		}
		c.values[key] = value
	}
	return nil
}

func (c configuration) resolved(key string, environment func(string) (string, bool), depth int) (any, error) {
	text, ok := c.values[key].(string)
	if !ok {
		return c.values[key], nil
	}
	if depth > 8 {
		return nil, refusal("%s: references go round in a circle", key)
	}
	var failed error
	fail := func(format string, args ...any) string {
		if failed == nil {
			failed = refusal(key+": "+format, args...)
		}
		return ""
	}
	text = reference.ReplaceAllStringFunc(text, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		switch parts[1] {
		case "env":
			if value, ok := environment(parts[2]); ok {
				return value
			}
			return fail("environment variable %s is not set", parts[2])
		case "ref":
			if _, ok := c.values[parts[2]]; !ok {
				return fail("$ref{%s} names no key", parts[2])
			}
			value, err := c.resolved(parts[2], environment, depth+1)
			if err != nil && failed == nil {
				failed = err
			}
			return fmt.Sprint(value)
		case "secret":
			return fail("alias %s: this stand-in has no secure vault", parts[2])
		default:
			return fail("system property %s is empty", parts[2])
		}
	})
	return text, failed
}

func (c configuration) checkDataKeys() error {
	for _, key := range []string{"encryption.key", "encryption.old_key"} {
		value := c.text(key)
		if value == "" && key == "encryption.old_key" {
			continue
		}
		if decoded, err := hex.DecodeString(value); err != nil || len(decoded) != 32 {
			return refusal("%s is not 64 hexadecimal characters", key)
		}
	}
	return nil
}

// text is the value of a key, "" where it is missing or no string.
func (c configuration) text(key string) string {
	value, _ := c.values[key].(string)
	return value
}

func (c configuration) serverHeader() string {
	if value := c.text("transport.https.properties.server"); value != "" {
		return value
	}
	return "WSO2 Carbon Server"
}

// longestPassword is the bound on the password rules' own bound.
func (c configuration) longestPassword() int64 {
	if value, ok := c.values["identity_mgt.password_policy.max_password_allowed_length"].(int64); ok {
		return value
	}
	return 64
}

// crossTenant reports whether deployment.toml opens a path of one server tenant to
// the accounts of another.
func (c configuration) crossTenant(path, from string) bool {
	resource, _ := c.tree["resource"].(map[string]any)
	entries, _ := resource["access_control"].([]any)
	for _, entry := range entries {
		table, _ := entry.(map[string]any)
		context, _ := table["context"].(string)
		expression, err := regexp.Compile("^" + context + "$")
		if err != nil || !expression.MatchString(path) {
			continue
		}
		open, _ := table["cross_tenant"].(bool)
		allowed, restricted := table["cross_access_allowed_tenants"].(string)
		return open && (!restricted || slices.Contains(strings.Split(allowed, ","), from))
	}
	return false
}
