package deployment

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/knownkeys"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/published"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/text"
)

const fieldExtraConfig = "spec.product.wso2is.extraConfig"

// reserved are tables by which anything else could be set: properties of the JVM, which win
// over ours, the product's own vault, and patterns of the log, which a LogPolicy has and
// which leave no log at all when they do not compile.
var reserved = []string{"system", "secrets", "runtime_secrets", "masking_pattern"}

// portOffset would move every port, away from probes, Services and NetworkPolicies.
const portOffset = "server.offset"

// inProperties are tables of which the server writes a part into properties files.
var inProperties = []string{"event_handler", "identity_mgt"}

// bareKey is what TOML takes without quotes. The server knows no other keys.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// merge adds what a person wants beside ours. What ours says stays: whoever may write a
// tenant weakens nothing that a control is about, and replaces nothing that makes it serve.
func merge(ours []byte, extra map[string]any) ([]byte, error) {
	if len(extra) == 0 {
		return ours, nil
	}
	plain, err := plain(extra, fieldExtraConfig)
	if err != nil {
		return nil, err
	}
	if err := unowned(plain.(map[string]any)); err != nil {
		return nil, err
	}
	var merged map[string]any
	if err := toml.Unmarshal(ours, &merged); err != nil {
		return nil, fmt.Errorf("read deployment.toml: %w", err)
	}
	if err := add(merged, plain.(map[string]any), ""); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(merged); err != nil {
		return nil, fmt.Errorf("write deployment.toml: %w", err)
	}
	return out.Bytes(), nil
}

// plain makes each text stand for itself wherever the server writes it.
func plain(value any, path string) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		table := make(map[string]any, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if !bareKey.MatchString(key) {
				return nil, fault.Terminal(reasonInvalidSpec, "%s: a key of deployment.toml has letters, digits, hyphens and underscores, and no more than 128 of them; below tables write tables, not dots", path)
			}
			inner, err := plain(value[key], path+"."+key)
			if err != nil {
				return nil, err
			}
			table[key] = inner
		}
		return table, nil
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			inner, err := plain(element, fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return nil, err
			}
			list[i] = inner
		}
		return list, nil
	case string:
		return plainText(value, path)
	}
	return value, nil
}

func plainText(value, path string) (any, error) {
	if is, found := published.Text(value); found {
		return nil, fault.Terminal(reasonInvalidSpec, "%s is a secret that the vendor publishes (%s): %s", path, is.ID, is.Instead)
	}
	// The file is in a ConfigMap, and the custom resource in many hands.
	if value != "" && published.SecretKey(path) {
		return nil, fault.Terminal(reasonInvalidSpec, "%s is named like a secret, and secrets come from Vault alone: remove it", path)
	}
	if strings.HasSuffix(value, `\`) {
		return nil, fault.Terminal(reasonInvalidSpec, "%s ends in a backslash, which joins it with the next line of a properties file: write it without", path)
	}
	table, _, _ := strings.Cut(strings.TrimPrefix(path, fieldExtraConfig+"."), ".")
	if slices.Contains(inProperties, table) && text.EscapeXML(value) != text.EscapeProperty(value) {
		return nil, fault.Terminal(reasonInvalidSpec, "%s has a character that properties files and XML escape in two ways: write ASCII without backslashes, quotes, angle brackets and ampersands", path)
	}
	escaped, err := text.ForXML(value).MarshalText()
	if err != nil {
		return nil, fault.Terminal(reasonInvalidSpec, "%s: %v", path, err)
	}
	return string(escaped), nil
}

// unowned refuses a key that a control is about, under either of its names.
func unowned(extra map[string]any) error {
	content, err := toml.Marshal(extra)
	if err != nil {
		return fault.Terminal(reasonInvalidSpec, "%s cannot be written as TOML: %v", fieldExtraConfig, err)
	}
	file, err := evidence.TOML(content)
	if err != nil {
		return fault.Terminal(reasonInvalidSpec, "%s: %v", fieldExtraConfig, err)
	}
	for _, table := range reserved {
		if _, there := extra[table]; there {
			return fault.Terminal(reasonInvalidSpec, "%s.%s would undo what other keys say: remove it", fieldExtraConfig, table)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(file.Values)) {
		if key == portOffset {
			return fault.Terminal(reasonInvalidSpec, "%s.%s would move the ports away from what watches and guards them: remove it", fieldExtraConfig, key)
		}
		names := []string{key}
		if other, ok := knownkeys.Other(key); ok {
			names = append(names, other)
		}
		for _, owner := range control.Load() {
			for _, check := range owner.Checks {
				if check.In == control.Deployment && slices.ContainsFunc(names, func(name string) bool { return owns(check.Key, name) }) {
					return fault.Terminal(reasonInvalidSpec, "%s.%s belongs to the control %s (%s): use the field that sets it, or a HardeningWaiver; holdfast controls --id %s tells which", fieldExtraConfig, key, owner.ID, owner.Title, owner.ID)
				}
			}
		}
	}
	return nil
}

// owns tells whether a key is one of a control, or has a value where that key has a table.
func owns(owned, key string) bool {
	parts := strings.Split(owned, ".")
	return control.Fits(strings.Join(parts[:min(len(parts), strings.Count(key, ".")+1)], "."), key)
}

// add puts what is new into ours.
func add(ours, extra map[string]any, path string) error {
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		existing, there := ours[key]
		if !there {
			ours[key] = extra[key]
			continue
		}
		table, isTable := existing.(map[string]any)
		more, bothTables := extra[key].(map[string]any)
		if !isTable || !bothTables {
			return fault.Terminal(reasonInvalidSpec, "%s%s.%s is written by Holdfast already: remove it", fieldExtraConfig, path, key)
		}
		if err := add(table, more, path+"."+key); err != nil {
			return err
		}
	}
	return nil
}
