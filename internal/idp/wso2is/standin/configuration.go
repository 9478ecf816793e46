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
type configuration struct{ values map[string]any }

// readConfiguration refuses what the launcher of the real one refuses (catalogue
// G-02), and three things that the real one would only regret later: a missing file,
// an open HTTP port and a data key that is not 64 hexadecimal characters.
func readConfiguration(home fs.FS, environment func(string) (string, bool)) (configuration, error) {
	c := configuration{values: map[string]any{}}
	data, err := fs.ReadFile(home, "conf/deployment.toml")
	if err != nil {
		return c, refusal("conf/deployment.toml: %w", err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return c, refusal("conf/deployment.toml: %w", err)
	}
	c.flatten("", tree)
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
		value, err := c.resolved(key, c.values[key], environment, 0)
		if err != nil {
			return err
		}
		c.values[key] = value
	}
	return nil
}

func (c configuration) resolved(key string, value any, environment func(string) (string, bool), depth int) (any, error) {
	if depth > 8 {
		return nil, refusal("%s: references go round in a circle", key)
	}
	var failed error
	nested := func(key string, value any) any {
		out, err := c.resolved(key, value, environment, depth+1)
		if failed == nil {
			failed = err
		}
		return out
	}
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i, element := range value {
			out[i] = nested(key, element)
		}
		return out, failed
	case map[string]any:
		out := make(map[string]any, len(value))
		for name, element := range value {
			out[name] = nested(key+"."+name, element)
		}
		return out, failed
	case string:
		text := reference.ReplaceAllStringFunc(value, func(found string) string {
			parts := reference.FindStringSubmatch(found)
			kind, name := parts[1], parts[2]
			target, known := c.values[name]
			switch {
			case kind == "ref" && known:
				return fmt.Sprint(nested(name, target))
			case kind == "env":
				if out, ok := environment(name); ok {
					return out
				}
			}
			if failed == nil {
				failed = refusal("%s: $%s{%s} %s", key, kind, name, unresolved[kind])
			}
			return ""
		})
		return text, failed
	}
	return value, nil
}

// unresolved is why a reference cannot be resolved.
var unresolved = map[string]string{
	"env":    "names no environment variable that is set",
	"ref":    "names no key",
	"sys":    "names no system property",
	"secret": "needs a secure vault, which this stand-in does not have",
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

// accessRule is a row of [[resource.access_control]].
type accessRule struct {
	crossTenant bool
	// tenants whose accounts may cross; nil: all.
	tenants []string
	// open rows ask for no right: whoever signs in may do it.
	open bool
}

// ruleOf finds the first row for a request. The product's own rows, which come after these,
// let nobody cross.
func (c configuration) ruleOf(method, path string) (accessRule, bool) {
	entries, _ := c.values["resource.access_control"].([]any)
	for _, entry := range entries {
		table, _ := entry.(map[string]any)
		context, _ := table["context"].(string)
		methods, _ := table["http_method"].(string)
		expression, err := regexp.Compile("^(" + context + ")$")
		if err != nil || !expression.MatchString(path) || !strings.EqualFold(methods, "all") && !slices.Contains(strings.Split(methods, ", "), method) {
			continue
		}
		scopes, _ := table["scopes"].([]any)
		permissions, _ := table["permissions"].([]any)
		found := accessRule{open: len(scopes)+len(permissions) == 0}
		found.crossTenant, _ = table["cross_tenant"].(bool)
		if allowed, ok := table["cross_access_allowed_tenants"].(string); ok {
			found.tenants = strings.Split(allowed, ",")
		}
		return found, true
	}
	return accessRule{}, false
}

func (r accessRule) admits(domain string) bool {
	return r.crossTenant && (r.tenants == nil || slices.Contains(r.tenants, domain))
}
