package resolve

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
)

const (
	fieldExtraConfig = "spec.product.wso2is.extraConfig"
	// largestExtraConfig is in bytes, and deepestExtraConfig in tables.
	largestExtraConfig = 16 << 10
	deepestExtraConfig = 8
)

// extraConfig reads what is to be merged into the server's file. Numbers stay what they are:
// a whole one does not become a fraction.
func extraConfig(raw *runtime.RawExtension) (map[string]any, error) {
	if raw == nil || len(raw.Raw) == 0 {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	if len(raw.Raw) > largestExtraConfig {
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s has %d bytes: write at most %d", fieldExtraConfig, len(raw.Raw), largestExtraConfig)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw.Raw))
	decoder.UseNumber()
	var content map[string]any
	if err := decoder.Decode(&content); err != nil {
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s: write tables and keys as in deployment.toml", fieldExtraConfig)
	}
	typed, err := typedValue(content, fieldExtraConfig, 0)
	if err != nil {
		return nil, err
	}
	return typed.(map[string]any), nil
}

func typedValue(value any, path string, depth int) (any, error) {
	if depth > deepestExtraConfig {
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s: tables lie more than %d deep", path, deepestExtraConfig)
	}
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			typed, err := typedValue(inner, path+"."+key, depth+1)
			if err != nil {
				return nil, err
			}
			value[key] = typed
		}
	case []any:
		for i, inner := range value {
			typed, err := typedValue(inner, fmt.Sprintf("%s[%d]", path, i), depth+1)
			if err != nil {
				return nil, err
			}
			value[i] = typed
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole, nil
		}
		fraction, err := value.Float64()
		if err != nil {
			return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s: the number is too large", path)
		}
		return fraction, nil
	case nil:
		return nil, fault.Terminal(v1alpha1.ReasonInvalidSpec, "%s is null: TOML has no such value, remove the key", path)
	}
	return value, nil
}
